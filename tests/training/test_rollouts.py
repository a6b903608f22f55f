"""What RL tried itself: kept update by update, none twice, and part of the cookbook beside the weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from training import experts
from training.corpus import Situation
from training.outcomes import Outcome
from training.ppo import Batch, Learner
from training.priors import Priors
from training.recipe import checked
from training.rollouts import Recorded

pytestmark = pytest.mark.torch

EDITS = (("set C of SVC to 10", "a.py", "argument"), ("use Adam", "b.py", "optimizer"))
NOBODY = cast(Learner, None)


def situation(base: str) -> Situation:
    return Situation(base, "task", "variant", base, 0, "table clf", np.array([1]), EDITS, ((2,), (3,)))


def batch(base: str, actions: list[int], *outcomes: Outcome) -> Batch:
    empty = torch.zeros(1, len(actions))
    return Batch([situation(base)], torch.tensor([actions]), empty, empty, empty.bool(), [], list(outcomes))


class Played:
    """A rollout that returns what it is given."""

    def __init__(self, *batches: Batch) -> None:
        self._batches = batches

    def collect(self, learner: Learner, update: int) -> Batch:
        del learner
        return self._batches[update]


def test_an_edit_of_the_same_files_counts_once_and_what_the_expert_tried_or_nobody_measured_does_not(tmp_path: Path) -> None:
    better, failed, lost = Outcome("edit", 0.4), Outcome("error", None), Outcome("infrastructure", None)
    played = Played(batch("one", [0, 0, 1], better, better, failed), batch("two", [0, 1], lost, better))
    recorded = Recorded(played, tmp_path / "logs" / "rollouts.jsonl")
    for update in range(2):
        assert recorded.collect(NOBODY, update) is played.collect(NOBODY, update)
    tries = recorded.tries("kept")
    assert tries == [
        ("table clf", "set C of SVC to 10", "argument", 0.4),
        ("table clf", "use Adam", "optimizer", 0.0),
        ("table clf", "use Adam", "optimizer", 0.4),
    ]
    assert recorded.tries("kept", {("variant", "one", "use Adam")}) == [tries[0], tries[2]]


def test_a_resumed_run_replaces_the_update_that_it_makes_again_and_a_torn_line_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "rollouts.jsonl"
    Recorded(Played(batch("one", [0], Outcome("edit", 0.9))), path).collect(NOBODY, 0)
    with path.open("a") as file:
        file.write(json.dumps([1, []])[:3])
    again = Recorded(Played(batch("two", [1], Outcome("edit", 0.1))), path)
    again.collect(NOBODY, 0)
    assert again.tries("kept") == [("table clf", "use Adam", "optimizer", 0.1)]


def test_the_cookbook_beside_the_weights_knows_of_it(tmp_path: Path) -> None:
    priors = Priors(experts.stage_of(tmp_path, checked({"name": "tiny", "experts": {"rounds": 1}}, "here")), {"task"})
    book = priors.with_tries([("table clf", "use Adam", "optimizer", 0.6)] * 3)
    assert book.count("table clf", "use Adam") == 3
    assert priors.book.count("table clf", "use Adam") == 0
