"""Learning from remembered outcomes: what is known to be better gains probability, and only what is known counts."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch

from training.corpus import Situation
from training.model import from_scratch, log_probabilities, pack
from training.outcomes import Outcomes
from training.recipe import Model, Recipe, Rl
from training.replay import Replay, expected_advantage

pytestmark = pytest.mark.torch

RECIPE = Recipe(name="tiny", rl=Rl(reward="kept", replay_states=4))
EDITS = 5
Row = tuple[str, str, str, str, float | None]


def situation(number: int, task: str = "toy", edits: int = EDITS) -> Situation:
    """A state of its own files, in which a few edits apply."""
    return Situation(
        id=f"s{number}", task=task, variant=f"{task}/0", base=f"base{number}", depth=0, kind="table clf",
        prompt=np.array([5, 6, 7 + number]), edits=tuple((f"edit {place}", "train.py", "f") for place in range(edits)),
        completions=tuple((10 + place, 11 + place, 2) for place in range(edits)),
    )  # fmt: skip


@pytest.fixture
def remembered(tmp_path: Path) -> Callable[..., Outcomes]:
    """A memory with (state number, edit, case, scale) lines."""

    def make(*rows: tuple[int, int, str, float | None], task: str = "toy") -> Outcomes:
        lines = [[f"{task}/0", f"base{number}", f"edit {place}", case, scale] for number, place, case, scale in rows]
        path = tmp_path / "outcomes.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
        return Outcomes(path)

    return make


def test_a_gradient_step_raises_the_better_known_edit() -> None:
    model = from_scratch(Model(hidden=16, layers=1, heads=2, kv_heads=1, intermediate=16), 32, 0)
    state = situation(0)
    batch, known = pack([state.prompt], [state.trie()]), [(1, 0.0), (3, 0.4)]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    before = log_probabilities(model, batch)[0]
    gained = expected_advantage(before[None], [known])
    (-gained).backward()
    optimizer.step()
    after = log_probabilities(model, batch)[0]
    assert after[3] - after[1] > before[3] - before[1]
    assert expected_advantage(after[None], [known]) > gained


@given(st.lists(st.floats(-4, 4, width=32), min_size=EDITS, max_size=EDITS), st.data())
def test_the_gradient_is_the_policy_gradient_among_the_known(logits: list[float], data: st.DataObject) -> None:
    places = data.draw(st.lists(st.integers(0, EDITS - 1), min_size=2, unique=True))
    rewards = [round(0.1 * number, 1) for number in range(len(places))]
    known = list(zip(places, rewards, strict=True))
    raw = torch.tensor(logits, requires_grad=True)
    gained = expected_advantage(raw.log_softmax(0)[None], [known])
    [gradient] = torch.autograd.grad(gained, raw)
    chances, given_rewards = torch.tensor(logits)[places].softmax(0), torch.tensor(rewards)
    expected = float((chances * given_rewards).sum())
    spread = float(given_rewards.std()) + 1e-6
    for number, place in enumerate(places):
        pull = float(chances[number]) * (rewards[number] - expected) / spread
        assert float(gradient[place]) == pytest.approx(pull, abs=1e-4)
    for place in set(range(EDITS)) - set(places):
        assert float(gradient[place]) == pytest.approx(0.0, abs=1e-5)
    assert float(gained.detach()) == pytest.approx((expected - float(given_rewards.mean())) / spread, abs=1e-3)


def test_a_uniform_policy_gains_nothing_and_a_sure_one_the_most() -> None:
    known = [[(0, 0.0), (2, 1.0)]]
    uniform = torch.zeros(1, EDITS).log_softmax(-1)
    sure = torch.tensor([[-50.0, -50.0, 0.0, -50.0, -50.0]])
    assert float(expected_advantage(uniform, known)) == pytest.approx(0.0, abs=1e-6)
    assert float(expected_advantage(sure, known)) == pytest.approx(0.5 / 0.5**0.5, abs=1e-3)
    # The mean of states, with the deviation of the rewards of all: 1/3.
    both = expected_advantage(torch.cat([uniform, sure]), known * 2)
    assert float(both) == pytest.approx(0.5 * 0.5 / (1 / 3) ** 0.5, abs=1e-3)


def test_states_with_nothing_to_tell_apart_are_not_drawn(remembered: Callable[..., Outcomes]) -> None:
    outcomes = remembered(
        (0, 0, "edit", 0.2), (0, 1, "edit", 0.0), (0, 2, "error", None),  # two rewards
        (1, 0, "edit", 0.2),  # one edit is known
        (2, 0, "error", None), (2, 3, "edit", -0.5),  # both are worth nothing when it is undone
        (3, 0, "infrastructure", None), (3, 1, "edit", 0.1),  # one was never scored
    )  # fmt: skip
    states = [situation(number) for number in range(5)]
    drawn = Replay(RECIPE, states, outcomes).draw(random.Random(0))
    assert {state.id for state, _ in drawn} <= {"s0"}
    assert all(known == [(0, pytest.approx(0.2)), (1, 0.0), (2, 0.0)] for _, known in drawn)
    found = [len(Replay(RECIPE, states, outcomes).draw(random.Random(seed))) for seed in range(20)]
    assert max(found) > 0


def test_what_a_reward_is_follows_the_recipe(remembered: Callable[..., Outcomes]) -> None:
    outcomes = remembered((0, 0, "error", None), (0, 1, "edit", -0.5))
    first = Recipe(name="tiny", rl=Rl(reward="v2", replay_states=1))
    [(_, known)] = Replay(first, [situation(0)], outcomes).draw(random.Random(0))
    assert known == [(0, -1.0), (1, -0.5)]


def test_as_many_states_as_are_wanted_with_the_tasks_in_turn(tmp_path: Path) -> None:
    path, tasks = tmp_path / "outcomes.jsonl", ("a", "b")
    states = [situation(number, task) for task in tasks for number in range(3)]
    rows: list[Row] = [
        (state.variant, state.base, f"edit {place}", "edit", 0.1 * place) for state in states for place in range(EDITS)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    replay = Replay(RECIPE, states, Outcomes(path))
    drawn = replay.draw(random.Random(1))
    assert len(drawn) == 4
    assert sorted(state.task for state, _ in drawn) == ["a", "a", "b", "b"]
    assert [state.id for state, _ in drawn] == [state.id for state, _ in replay.draw(random.Random(1))]
    assert all(known == [(place, pytest.approx(0.1 * place)) for place in range(EDITS)] for _, known in drawn)


def test_nothing_remembered_is_nothing_drawn(tmp_path: Path) -> None:
    assert Replay(RECIPE, [situation(0)], Outcomes(tmp_path / "none.jsonl")).draw(random.Random(0)) == []
    assert Replay(RECIPE, [], Outcomes(tmp_path / "none.jsonl")).draw(random.Random(0)) == []
