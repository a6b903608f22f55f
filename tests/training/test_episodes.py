"""What an episode is written down as, and what a choice in it may be."""

from __future__ import annotations

import json
import random
from dataclasses import asdict, dataclass, field, replace
from typing import cast

import pytest

from mlagent_app.agent.edits import Candidate
from mlagent_app.agent.metrics import MetricSpec
from mlagent_app.agent.state import State, Task
from mlagent_app.environment.taskenv import EpisodeState, Observation, Transition
from training.draws import Start
from training.episodes import Choice, Episode, EpisodeJob, Step
from training.workbench import Workbench


def test_a_choice_is_one_thing() -> None:
    with pytest.raises(ValueError, match="either"):
        Choice(None, 0.0)


def test_old_rows_load_and_rows_of_the_search_stay_as_they_were() -> None:
    step = Step("a", "b", "t", "v", 0, "set C to 1", "train.py", "f", "edit", "ok", 0.5, 0.6, 0.1, True, 1.0, False, -1.5, 9)
    row = asdict(step)
    del row["reply"]  # a row of the search
    assert step.to_json() == row
    del row["before_seconds"]  # a row of before it was written
    assert Step(**row) == step and step.is_catalogue_edit
    written = replace(step, before_seconds=0.5, reply="Action: ...", logp=None, family="")
    assert Step(**json.loads(json.dumps(written.to_json()))) == written and not written.is_catalogue_edit
    episode = Episode(Start("t", 1, "s"), 0, 0.5, 1.0, (0.5, 0.6, 0.6), (step, written))
    assert [list(item) for item in episode.to_json()["steps"]] == [[*row, "before_seconds"], [*row, "reply", "before_seconds"]]


@dataclass
class Fallible:
    """An environment of made-up steps, of which the infrastructure fails those whose numbers are in `failing`."""

    failing: frozenset[int]
    calls: int = 0
    entered: list[str] = field(default_factory=list[str])

    def environment(self, *, steps: int) -> Fallible:
        del steps
        return self

    @property
    def state(self) -> EpisodeState:
        return EpisodeState("e", 0, "t", "v", 0, f"after-{self.calls}", 0.5, 0.5, 1.0)

    def reset(self, *start: object, state_id: str = "", **more: object) -> Observation:
        del start, more
        self.entered.append(state_id)
        return self._seen()

    def step(self, action: object) -> Transition:
        del action
        failed = self.calls in self.failing
        self.calls += 1
        told = {
            "case": "infrastructure" if failed else "edit", "outcome": "ok", "value": 0.6, "scale": 0.1, "kept": True,
            "seconds": 0.1, "cached": False, "family": "f", "state_id": "next",
        }  # fmt: skip
        return Transition(self._seen(), 0.5, False, told)

    def close(self) -> None: ...

    @staticmethod
    def _seen() -> Observation:
        task = Task("t", "python train.py", MetricSpec("accuracy", "max"), 0.5, 1.0)
        return Observation("", State(task, 0.5, ""), (Candidate("set C to 1", "train.py", "f"),))


class First:
    """Takes the first edit."""

    def begin(self, bench: object, start: Start, seed: int) -> None: ...

    def choose(self, seen: Observation, rng: random.Random) -> Choice:
        del rng
        return Choice(seen.candidates[0], 0.0)

    def learn(self, choice: Choice, moved: Transition) -> None: ...


@pytest.mark.parametrize(
    ("repeats", "failing", "cases", "entered"),
    [
        (0, {0}, ["infrastructure", "edit"], []),
        (3, {0, 1, 2}, ["edit", "edit"], ["after-0"] * 3),
        (3, {1, 2, 3, 4}, ["edit", "infrastructure"], ["after-1"] * 3),
    ],
)
def test_a_step_that_the_infrastructure_failed_is_repeated_from_the_same_state(
    repeats: int, failing: set[int], cases: list[str], entered: list[str]
) -> None:
    bench = Fallible(frozenset(failing))
    job = EpisodeJob(Start("t", 1, "s"), First(), 2, 0, 5.0, repeats=repeats)
    episode = job.run(cast(Workbench, bench))
    assert [step.case for step in episode.steps] == cases
    assert bench.entered == ["", *entered]
