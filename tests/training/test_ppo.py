"""Step-wise PPO of the exact policy, on a tiny model and made-up outcomes: what is rewarded becomes more probable."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from mlagent_app.agent.cookbook import Cookbook
from mlagent_app.agent.errors import UserError
from mlagent_app.agent.reward import Case
from mlagent_app.policies.prior import FEATURES, Prior, features
from training import ppo
from training.corpus import Situation
from training.episodes import ActionJob, Step
from training.loop import loop, read_log
from training.model import from_scratch
from training.outcomes import Outcome, Outcomes
from training.pool import Lost
from training.priors import remembered
from training.recipe import Recipe, checked
from training.replay import Replay
from training.stage import Stage
from training.telling import silent
from training.unseen import Unseen

pytestmark = pytest.mark.torch

EDITS = tuple((f"set C of SVC to {value}", "train.py", "estimator-argument") for value in (1, 3, 10))
BOOK = Cookbook.of([("table clf", name, family, 0.4 * (name == EDITS[2][0])) for name, _, family in EDITS] * 9)
COMPLETIONS = ((3, 4, 2), (3, 5, 2), (3, 6, 2))
GOOD = 2


def recipe(prior: Mapping[str, object] | None = None, **rl: object) -> Recipe:
    """A small one, with these values of `rl`."""
    sizes = {"vocabulary": 16, "hidden": 16, "layers": 1, "heads": 2, "kv_heads": 1, "intermediate": 16, "context": 64}
    table = {
        "states": 2,
        "rollouts_per_state": 8,
        "minibatch": 16,
        "actor_lr": 3e-3,
        "kl": 0.01,
        "entropy": 0.0,
        "reward": "v2",
    }
    rl = {**table, "updates": 12, "save_every": 4, **rl}
    return checked({"name": "tiny", "model": sizes, "rl": rl, "prior": dict(prior or {})}, "here")


def situations(count: int = 4) -> list[Situation]:
    """States that differ in their prompt."""
    return [
        Situation(f"s{n}", "toy", f"toy@{n}.x", f"b{n}", n, "table clf", np.array([7, 8, 9 + n % 3, 1]), EDITS, COMPLETIONS)
        for n in range(count)
    ]


@dataclass
class TablePool:
    """Executes from a table: the good edit gains, the others lose; the sandbox fails on `broken` edits, `slow` are late."""

    broken: frozenset[str] = frozenset()
    slow: frozenset[str] = frozenset()
    lost: bool = False
    asked: list[ActionJob] = field(default_factory=list[ActionJob])

    def imap(self, jobs: Iterable[Any]) -> Iterator[tuple[int, Any]]:
        for index, job in enumerate(jobs):
            self.asked.append(job)
            yield index, Lost("gone") if self.lost else self._step(job)

    def _step(self, job: ActionJob) -> Step:
        good = job.instruction == EDITS[GOOD][0]
        case = "infrastructure" if job.instruction in self.broken else "corner" if job.instruction in self.slow else "edit"
        return Step(
            state=job.state, next_state="", task="toy", variant="toy@0.x", index=0, instruction=job.instruction, file=job.file,
            family="", case=case, outcome="ok", before=0.5, value=0.6, scale=0.5 if good else -0.5, kept=good, seconds=0.1,
            cached=False, logp=0.0, candidates=3,
        )  # fmt: skip

    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...


@pytest.fixture
def start(tmp_path: Path) -> Path:
    """Random weights to start from."""
    from_scratch(recipe().model, 16, 0).save_pretrained(tmp_path / "start")
    return tmp_path / "start"


def chance(learner: ppo.Learner) -> float:
    """The mean probability of the good edit."""
    return float(learner.distributions(situations()).exp()[:, GOOD].mean())


def train(
    start: Path, place: Path, pool: TablePool, prior: Mapping[str, object] | None = None, **rl: object
) -> tuple[ppo.Learner, dict[str, Any], Outcomes]:
    """The loop, with the states above."""
    made = recipe(prior, **rl)
    outcomes = Outcomes(place / "outcomes.jsonl")
    learner = ppo.Learner(made, start, 0, remembered(lambda _: BOOK))
    rollout = ppo.StepWise(made, situations(), outcomes, pool, 0)
    stage = Stage(place, "rl-0", made, ("rl",))
    judged = Unseen(made, situations(), outcomes, pool, silent)
    validate = lambda: judged.expected_reward(learner.distributions)  # noqa: E731
    return learner, loop(stage, learner, rollout, validate, outcomes, 0, silent), outcomes


def test_a_part_of_the_reward_can_be_left_out() -> None:
    cases: list[Case] = ["edit", "corner", "error", "invalid", "infrastructure"]
    seen = [Outcome(case, -0.01 if case == "edit" else None) for case in cases]

    def rewards(**rl: str) -> list[float | None]:
        recipe = checked({"name": "x", "rl": {"reward": "v1", **rl}}, "here")
        return [None if (reward := outcome.reward(recipe)) is None else round(reward, 3) for outcome in seen]

    assert rewards() == [0.269, 0.5, 0.0, 0.0, None]
    assert rewards(without="metric") == [1.0, 0.5, 0.0, 0.0, None]
    assert rewards(without="corner") == [0.269, 0.0, 0.0, 0.0, None]


@pytest.mark.parametrize("advantage", ["critic", "group"])
def test_what_is_rewarded_becomes_more_probable(start: Path, tmp_path: Path, advantage: str) -> None:
    before = chance(ppo.Learner(recipe(), start, 0))
    learner, results, _ = train(start, tmp_path, TablePool(), advantage=advantage)
    assert chance(learner) > before + 0.2
    assert results["updates"] == 12 and results["reward_last"] > results["reward_first"] - 1e-6
    assert results["gradient_steps_per_hour"] >= results["updates_per_hour"] > 0
    rows = read_log(tmp_path / "rl-0")
    wanted = {
        "reward",
        "kl_sft",
        "approx_kl",
        "clip_fraction",
        "entropy",
        "explained_variance",
        "execution_seconds",
        "cache_hits",
    }
    assert wanted <= rows[-1].keys() and rows[-1]["case/edit"] == 1.0
    # Before the first update the critic says the same of all states.
    assert rows[1]["explained_variance"] == pytest.approx(0.0, abs=1e-6) != rows[2]["explained_variance"]


def test_the_prior_is_where_rl_starts_from_and_is_learnt_with_the_rest(start: Path, tmp_path: Path) -> None:
    plain, believing = recipe(), recipe({"expected": 1.0})
    before = ppo.Learner(believing, start, 0, remembered(lambda _: BOOK))
    odds = before.distributions(situations())[:, GOOD] - before.distributions(situations())[:, 0]
    bare = ppo.Learner(plain, start, 0).distributions(situations())
    phi = features(BOOK, "table clf", (), [(instruction, family) for instruction, _, family in EDITS])[:, 0]
    assert torch.allclose(odds, bare[:, GOOD] - bare[:, 0] + float(phi[GOOD] - phi[0]), atol=1e-5)
    fixed, _, _ = train(start, tmp_path / "fixed", TablePool(), {"expected": 1.0}, actor_lr=0.0)
    assert fixed.actor.prior() == before.actor.prior()
    learner, _, _ = train(start, tmp_path / "learnt", TablePool(), {"expected": 1.0, "lr": 0.1}, actor_lr=0.0)
    # The book thinks well of the good edit; nothing was tried or timed, so that the other features are 0.
    assert learner.actor.prior().weights[0] > 1.2 and learner.actor.prior().weights[1:] == (0.0,) * (len(FEATURES) - 1)
    saved = json.loads((tmp_path / "learnt" / "rl-0" / "model" / ppo.PRIOR).read_text("utf-8"))
    assert Prior.from_json(saved) == learner.actor.prior()


def test_an_edit_of_the_same_files_is_executed_once(start: Path, tmp_path: Path) -> None:
    pool = TablePool()
    _, _, outcomes = train(start, tmp_path, pool)
    assert len(pool.asked) <= len(situations()) * len(EDITS)
    assert len({(job.state, job.instruction) for job in pool.asked}) == len(pool.asked)
    assert outcomes.hits > outcomes.misses == len(pool.asked)
    again = TablePool()
    train(start, tmp_path / "other", again)
    reread = Outcomes(tmp_path / "outcomes.jsonl")
    assert all(reread.known(s, place) == outcomes.known(s, place) for s in situations() for place in range(3))


def test_what_ran_out_of_time_is_remembered_within_a_stage_alone(start: Path, tmp_path: Path) -> None:
    pool = TablePool(slow=frozenset({EDITS[0][0]}))
    _, _, outcomes = train(start, tmp_path, pool)
    assert len({(job.state, job.instruction) for job in pool.asked}) == len(pool.asked), "it is not run again"
    slow = [s for s in situations() if outcomes.known(s, 0) is not None]
    assert slow
    later = Outcomes(tmp_path / "outcomes.jsonl")
    assert all(later.known(s, 0) is None for s in slow)
    assert any(later.known(s, GOOD) is not None for s in situations())
    with (tmp_path / "outcomes.jsonl").open("a", encoding="utf-8") as file:  # as older versions wrote it
        file.write(json.dumps([slow[0].variant, slow[0].base, EDITS[0][0], "corner", None]) + "\n")
    assert Outcomes(tmp_path / "outcomes.jsonl").known(slow[0], 0) is None


@pytest.mark.parametrize("pool", [TablePool(broken=frozenset(edit[0] for edit in EDITS)), TablePool(lost=True)])
def test_what_the_infrastructure_failed_is_never_learnt_from(start: Path, tmp_path: Path, pool: TablePool) -> None:
    learner, results, outcomes = train(start, tmp_path, pool, updates=2)
    fresh = ppo.Learner(recipe(), start, 0)
    assert torch.allclose(learner.distributions(situations()), fresh.distributions(situations()), atol=1e-6)
    assert results["reward_last"] == 0.0
    assert all(outcomes.known(s, place) is None for s in situations() for place in range(3))
    assert read_log(tmp_path / "rl-0")[-1]["case/infrastructure"] == 1.0


def test_the_penalty_keeps_the_policy_near_the_one_it_started_from(start: Path, tmp_path: Path) -> None:
    near, _, _ = train(start, tmp_path / "near", TablePool(), kl=10.0)
    far, _, _ = train(start, tmp_path / "far", TablePool(), kl=0.0)
    assert chance(near) < chance(far)


def test_a_killed_run_goes_on_as_if_it_had_not_been(start: Path, tmp_path: Path) -> None:
    whole, _, _ = train(start, tmp_path / "whole", TablePool())
    train(start, tmp_path / "parts", TablePool(), updates=8)
    parts, results, _ = train(start, tmp_path / "parts", TablePool())
    assert results["updates"] == 12
    assert torch.allclose(whole.distributions(situations()), parts.distributions(situations()), atol=1e-5)


def test_what_is_damaged_is_said_in_one_line(start: Path, tmp_path: Path) -> None:
    train(start, tmp_path, TablePool(), updates=4)
    checkpoint = tmp_path / "rl-0" / "logs" / "checkpoint.pt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    with pytest.raises(UserError, match=r"the checkpoint cannot be read: .*checkpoint\.pt"):
        train(start, tmp_path, TablePool())
    weights = start / "model.safetensors"
    for content in (weights.read_bytes()[:1000], b""):
        weights.write_bytes(content)
        with pytest.raises(UserError, match=rf"the weights cannot be read: .*\({start}\) - remove the stage"):
            ppo.Learner(recipe(), start, 0)


def test_a_policy_is_saved_whole_or_not_at_all(start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    learner, place = ppo.Learner(recipe(), start, 0), tmp_path / "model"
    learner.save_policy(place)
    before = (place / "model.safetensors").read_bytes()
    with torch.no_grad():
        learner.actor.model.lm_head.weight.add_(1.0)

    with monkeypatch.context() as patch, pytest.raises(TypeError):
        patch.setattr(ppo, "write_json", None)  # so that it ends between the two files
        learner.save_policy(place)
    assert (place / "model.safetensors").read_bytes() == before and (place / ppo.PRIOR).is_file()
    learner.save_policy(place)
    assert (place / "model.safetensors").read_bytes() != before


def test_remembered_outcomes_teach_without_executions(start: Path, tmp_path: Path) -> None:
    made = recipe(replays=20, replay_states=4)
    outcomes = Outcomes(tmp_path / "outcomes.jsonl")
    wanted = [(s, place) for s in situations() for place in range(3)]
    pool = TablePool()
    outcomes.of(pool, wanted, 5.0)
    learner = ppo.Learner(made, start, 0)
    before, executed = chance(learner), len(pool.asked)
    learner.replay = Replay(made, situations(), outcomes)
    batch = ppo.StepWise(made, situations(), outcomes, pool, 0).collect(learner, 0)
    learner.advantage(batch)
    told = learner.update(batch, random.Random(0))
    assert chance(learner) > before + 0.1 and told["replay_advantage"] > 0
    assert told["gradient_steps"] == 20 + 2  # two passes over a batch of one minibatch
    assert len(pool.asked) == executed


@pytest.mark.parametrize(
    ("base", "wrong", "where"),
    [
        ("some/model", {"actor": "exact"}, "actor"),
        ("some/model", {"actor": "text", "mode": "episode"}, "mode"),
        ("some/model", {"actor": "text", "rollouts_per_state": 1, "algorithm": "grpo"}, "rollouts"),
        ("some/model", {"actor": "text", "algorithm": "grpo", "keep": "best"}, "keep"),
        ("some/model", {"actor": "text", "algorithm": "grpo", "minutes": 5.0}, "minutes"),
    ],
)
def test_the_tables_must_go_together(base: str, wrong: dict[str, object], where: str) -> None:
    ppo.check(recipe())
    with pytest.raises(UserError, match=rf"rl\.{where}"):
        ppo.check(checked({"name": "x", "model": {"base": base}, "rl": wrong}, "here"))


def test_a_policy_that_writes_text_has_no_prior() -> None:
    with pytest.raises(UserError, match="only the exact actor"):
        ppo.check(recipe({"expected": 1.0}, actor="text"))


def test_a_model_from_scratch_has_no_adapter() -> None:
    with pytest.raises(UserError, match=r"model\.adapter"):
        ppo.check(checked({"name": "x", "model": {"adapter": "lora"}}, "here"))
