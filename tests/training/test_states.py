"""Which states RL is trained on, and which ones it is judged on."""

from __future__ import annotations

from dataclasses import replace

import pytest

pytest.importorskip("torch")

from mlagent_app.agent.errors import UserError
from tests.training.test_ppo import COMPLETIONS, EDITS, situations
from training.corpus import Situation
from training.states import balanced, judged, parted

pytestmark = pytest.mark.torch


def of(tasks: int, starts: int = 4) -> list[Situation]:
    """60 states each of so many tasks."""
    return [
        replace(situation, id=f"{task}-{n}", task=f"task-{task}", variant=f"task-{task}@{n % starts}.x")
        for task in range(tasks)
        for n, situation in enumerate(situations(60))
    ]


def named(states: list[Situation]) -> set[str]:
    return {state.task for state in states}


def test_whole_tasks_are_kept_apart_and_other_ones_for_the_next_seed() -> None:
    states = of(11)
    allowed = named(states) - {"task-10"}
    turns = [parted(states, allowed, 0, turn) for turn in range(5)]
    for seen, apart in turns:
        assert len(named(apart)) == 2 and named(seen) == allowed - named(apart)
        assert len(seen) + len(apart) == 600
    assert set().union(*(named(apart) for _, apart in turns)) == allowed, "after five seeds each has had its turn"
    assert turns[0] == parted(states, allowed, 0, 0) == parted(states, allowed, 0, 5)
    assert named(parted(states, allowed, 1, 0)[1]) != named(turns[0][1])


def test_of_a_few_tasks_starts_are_kept_apart() -> None:
    states = of(3, starts=20)
    seen, apart = parted(states, {"task-0"}, 0, 0)
    assert named(seen) == named(apart) == {"task-0"} and len(seen) + len(apart) == 60
    assert len({s.variant for s in apart}) == 2 and not {s.variant for s in seen} & {s.variant for s in apart}


def test_the_same_states_of_all_tasks_and_depths_are_judged_each_time() -> None:
    states = [*situations(6), *(replace(situation, id=f"o{n}", task="other") for n, situation in enumerate(situations(6)))]
    chosen = judged(states, 0, 6)
    assert chosen == judged(states, 0, 6) and len({s.id for s in chosen}) == 6
    assert named(chosen) == {"toy", "other"}
    assert {s.id for s in judged(states, 0)} == {s.id for s in states}
    assert judged([replace(s, edits=EDITS[:1], completions=COMPLETIONS[:1]) for s in states], 0) == []


def test_where_there_is_nothing_to_learn_from_it_is_said() -> None:
    with pytest.raises(UserError, match="no state to learn from"):
        next(balanced([], 0))
