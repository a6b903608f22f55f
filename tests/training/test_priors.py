"""The prior in training: nobody reads of his own task, and the policy is the one of the app."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from mlagent_app.agent.cookbook import Cookbook
from mlagent_app.policies.cookbook import loaded as load_book
from mlagent_app.policies.prior import FEATURES, FLOOR, Prior, Tried, features
from training import experts, shards
from training.corpus import Situation
from training.draws import Start
from training.episodes import Episode, Step
from training.model import from_scratch
from training.playing import KIND
from training.priors import Policy, Priors, remembered
from training.recipe import Model, Recipe, checked

pytestmark = pytest.mark.torch

EDIT, OTHER = "set C of SVC to 10", "add PCA before the model"
RECIPE: Recipe = checked({"name": "tiny", "experts": {"rounds": 1}}, "here")


def situation(task: str, tried: tuple[Tried, ...] = (), *, edits: int = 2) -> Situation:
    names = ((EDIT, "a.py", "argument"), (OTHER, "a.py", "step"), ("use Adam", "a.py", "optimizer"))[:edits]
    ids = ((3, 4, 2), (3, 5, 2), (6, 2))[:edits]
    return Situation(f"{task}{tried}", task, task, "files", 0, "table clf", np.array([7, 8, 9, 1]), names, ids, tried)


def episode(task: str, scale: float) -> dict[str, Any]:
    step = Step(
        state="s", next_state="t", task=task, variant=task, index=0, instruction=EDIT, file="a.py", family="argument",
        case="edit", outcome="ok", before=0.5, value=0.6, scale=scale, kept=True, seconds=0.1, cached=False, logp=0.0,
        candidates=2,
    )  # fmt: skip
    return Episode(Start(task, 1, "plain"), 0, 0.5, 1.0, (0.5, 0.6), (step,), kind="table clf").to_json()


def test_a_tasks_own_episodes_are_left_out_and_so_are_tasks_that_may_not_be_learnt_from(tmp_path: Path) -> None:
    stage = experts.stage_of(tmp_path, RECIPE)
    scales = {"one": 0.9, "two": 0.1, "barred": 0.5}
    rows = [episode(task, scale) for task, scale in scales.items() for _ in range(20)]
    shards.write(stage.place / f"round-0-00000{shards.SUFFIX}", KIND, rows)
    priors = Priors(stage, {"one", "two"})
    expected = {task: float(priors.look(situation(task))[0, FEATURES.index("expected")].exp()) - FLOOR for task in scales}
    assert expected["one"] == pytest.approx(0.1, abs=0.05)
    assert expected["two"] == pytest.approx(0.9, abs=0.05)
    priors.write(tmp_path / "books")
    for task in ("one", "two"):
        book = load_book(tmp_path / "books" / f"{task}.json")
        assert book.score("table clf", EDIT, "argument") == pytest.approx(expected[task], abs=1e-4)
    assert priors.book.count("table clf", EDIT) == 40
    assert priors.book.score("table clf", EDIT, "argument") == pytest.approx(0.5, abs=0.05)


def test_a_prior_needs_something_to_look_with() -> None:
    net = from_scratch(Model(hidden=16, layers=1, heads=2, kv_heads=1, intermediate=16), 16, 0)
    with pytest.raises(ValueError, match="looks at features"):
        Policy(net, Prior(), None, trained=True)


def test_states_of_different_sizes_have_the_distributions_that_the_app_has() -> None:
    book = Cookbook.of([("table clf", EDIT, "argument", 0.4, 0.1), ("table clf", OTHER, "step", 0.0, 1.5)])
    prior = Prior(0.7, (1.0, 0.5, -1.0, 0.25, -2.0, 3.0))
    net = from_scratch(Model(hidden=16, layers=1, heads=2, kv_heads=1, intermediate=16), 16, 0)
    tried = (Tried(EDIT, "argument", False), Tried(OTHER, "step", True))
    states = [situation("one"), replace(situation("two", tried, edits=3), room=2.0)]
    with torch.no_grad():
        bare = Policy(net, Prior(), None)(states)
        found = Policy(net, prior, remembered(lambda _: book))(states)
    assert torch.isneginf(found[0, 2]) and torch.allclose(found.exp().sum(1), torch.ones(2))
    for row, state in enumerate(states):
        edits = [(instruction, family) for instruction, _, family in state.edits]
        phi = features(book, "table clf", state.tries, edits, state.room)
        wanted = prior.mixed(bare[row, : len(edits)].double().numpy(), phi)
        assert found[row, : len(edits)].tolist() == pytest.approx(wanted, abs=1e-5)
