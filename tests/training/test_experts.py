"""What the pool lost is counted or said, and no expert episode is played twice. Nothing is run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

pytest.importorskip("numpy")

from mlagent_app.agent.errors import UserError
from training import corpus, evaluate, experts, ideas
from training.episodes import Episode, EpisodeJob
from training.pool import Lost
from training.recipe import Recipe, checked
from training.telling import silent

TASK = "spaceship-titanic"


@dataclass
class Pool:
    """Plays empty episodes, and looks into states; what is at a position of `lost` is lost."""

    lost: frozenset[int] = frozenset()
    asked: list[Any] = field(default_factory=list[Any])

    def imap(self, jobs: Iterable[Any]) -> Iterator[tuple[int, Any]]:
        for index, job in enumerate(jobs):
            self.asked.append(job)
            if index in self.lost:
                yield index, Lost("the worker died")
            elif isinstance(job, EpisodeJob):
                yield index, Episode(job.start, job.seed, 0.5, 1.0, (0.5,), ())
            else:
                yield index, [{"state": state} for state in job.states]

    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...


def made(run: Path, pool: Pool, **table: int) -> tuple[list[EpisodeJob], dict[str, Any]]:
    """The jobs of all rounds, and the results."""
    tasks = {"only": [TASK], "variants": 2, "splits": ["held_in"]}
    recipe: Recipe = checked({"name": "tiny", "seed": 3, "tasks": tasks, "experts": table}, "here")
    stage = experts.stage_of(run, recipe)
    stage.place.mkdir(parents=True)
    place = ideas.stage_of(run, recipe).place
    place.mkdir()
    (place / ideas.FILE).write_text(json.dumps({TASK: ["one"]}), "utf-8")
    results = experts.make(stage, pool, silent)
    return pool.asked, results


def test_no_two_episodes_of_a_start_have_the_same_seed(tmp_path: Path) -> None:
    jobs, results = made(tmp_path / "many", Pool(), rounds=2, episodes=5)
    assert results["episodes"] == len(jobs) and results["lost"] == 0
    played = [(job.start, job.seed) for job in jobs]
    assert len({job.start for job in jobs}) < len(played) == len(set(played)), "starts come again, episodes do not"
    once, _ = made(tmp_path / "one", Pool(), rounds=2, episodes=1)
    assert [job.seed for job in once] == [3000 + number for number in range(2) for _ in range(len(once) // 2)]


def test_lost_episodes_are_counted(tmp_path: Path) -> None:
    jobs, results = made(tmp_path, Pool(lost=frozenset({0, 2})), rounds=2, episodes=1)
    assert (results["lost"], results["episodes"]) == (4, len(jobs) - 4)
    data = {"name": "tiny", "eval": {"tasks": ["leaf-classification"], "trajectories": 2, "starters": 1}}
    stage = evaluate.stage_of(tmp_path, checked(data, "here"), "random", 0)
    pool = Pool(lost=frozenset({1}))
    results = evaluate.make(stage, pool, "random", 0, silent)
    assert (results["lost"], results["infrastructure_failures"]) == (1, 0) and results["episodes"] == len(pool.asked) - 1
    assert all(job.repeats == 3 for job in pool.asked)


def test_lost_states_are_an_error_that_says_how_many_and_the_others_are_kept(tmp_path: Path) -> None:
    states = [f"s{number}" for number in range(2 * corpus.CHUNK + 5)]
    with pytest.raises(UserError, match=rf"5 of {len(states)} states .* the worker died .*run the stage again"):
        corpus.look(Pool(lost=frozenset({2})), states, tmp_path / "seen", silent)
    again = Pool()
    assert [row["state"] for row in corpus.look(again, states, tmp_path / "seen", silent)] == states
    assert [job.states for job in again.asked] == [tuple(states[-5:])]
