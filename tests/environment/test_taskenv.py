"""Episodes on task variants: reset, step, state, and entering a saved state again."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mlagent_app.agent.actions import CopyFile, EditScript, FinalAnswer
from mlagent_app.agent.edits import Candidate
from mlagent_app.agent.errors import UserError
from mlagent_app.editors.catalogue import Catalogue
from mlagent_app.environment.states import SavedState, StateStore
from mlagent_app.environment.taskenv import TaskEnvironment, edit_action
from mlagent_app.policies.random import untried
from sandbox.bwrap import BwrapRunner

pytestmark = pytest.mark.bwrap
TASK = "spaceship-titanic"


@pytest.fixture
def store(tmp_path: Path) -> StateStore:
    return StateStore(tmp_path / "states")


@pytest.fixture
def environment(tmp_path: Path, store: StateStore) -> TaskEnvironment:
    return TaskEnvironment(BwrapRunner.connect(), tmp_path, max_steps=3, store=store, variants=tmp_path / "variants")


def test_an_episode(environment: TaskEnvironment) -> None:
    first = environment.reset(TASK, 3, starter="linear")
    start = environment.state
    assert (start.task, start.variant, start.step_count) == (TASK, f"{TASK}@3.linear", 0)
    assert 0.4 < start.value == start.m_init < start.m_best <= 1
    assert "accuracy" in first.text and "description.md" not in first.state.files and "train.py" in first.state.files
    assert len(first.candidates) > 20

    edit = next(item for item in first.candidates if item.instruction.startswith("set C of LogisticRegression"))
    moved = environment.step(edit_action(edit))
    assert moved.metadata["case"] == "edit" and moved.reward is not None and 0 <= moved.reward <= 1 and not moved.done
    assert moved.metadata["kept"] == (environment.state.value > start.value)
    assert environment.state.value >= start.value
    offered = {item.instruction for item in moved.observation.candidates}
    assert moved.metadata["kept"] or edit.instruction not in offered, "an edit that was undone is not offered again"

    broken = environment.step(EditScript("train.py", patch=_patch(first.state.files["train.py"])))
    assert (broken.metadata["case"], broken.metadata["outcome"], broken.reward) == ("error", "error", 0.0)
    assert environment.state.value == moved.observation.state.value, "what fails is undone"

    last = environment.step('Action: Final Answer\nAction Input: {"final_answer": "done"}')
    assert last.done and last.reward == 0.5
    with pytest.raises(UserError, match="the episode is over - call reset"):
        environment.step(FinalAnswer("again"))
    test = environment.test()
    assert test is not None and 0.4 < test < 1


def test_a_state_says_how_long_a_run_takes_and_may_take(
    environment: TaskEnvironment, store: StateStore, tmp_path: Path
) -> None:
    first = environment.reset(TASK, 3, starter="linear").state
    assert first.seconds is not None and 0 < first.seconds < 60 and first.seconds == environment.state.seconds
    assert first.limit is not None and first.limit > first.seconds
    hurried = TaskEnvironment(
        BwrapRunner.connect(), tmp_path / "other", store=store, variants=tmp_path / "variants", run_seconds=first.seconds + 9
    )
    again = hurried.reset(state_id=environment.state.id).state
    assert again.seconds == first.seconds and again.limit == first.seconds + 9
    slow = hurried.step(EditScript("train.py", patch=_patch(first.files["train.py"], "import time; time.sleep(60)")))
    assert slow.metadata["outcome"] == "timeout" and slow.metadata["seconds"] < 60
    assert slow.observation.state.seconds == first.seconds, "what was undone takes no time"
    cut = slow.observation.state.history[-1].longer
    assert cut is not None and cut > math.log((first.seconds + 9) / first.seconds)
    saved = hurried.state.id
    assert hurried.reset(state_id=saved).state.history[-1].longer == cut, "and how much longer it took is kept"


def test_a_start_is_detuned_the_same_way_for_every_seed(environment: TaskEnvironment) -> None:
    files = [environment.reset(TASK, 3, seed, starter="linear", detune=count).state.files for seed, count in ((1, 4), (2, 4))]
    assert files[0] == files[1]
    assert environment.state.step_count == 0 and environment.state.value == environment.state.m_init
    assert environment.reset(TASK, 3, starter="linear").state.files != files[0]
    assert environment.reset(TASK, 3, starter="linear", detune=2).state.files != files[0]


def test_an_edit_that_leads_back_is_not_offered(environment: TaskEnvironment, store: StateStore, tmp_path: Path) -> None:
    first = environment.reset(TASK, 3, starter="linear", detune=4)
    text, files = first.state.files["train.py"], dict[str, str]()
    for edit in [item for item in first.candidates if item.instruction.startswith("set ")]:
        moved = environment.step(edit_action(edit))
        files = moved.observation.state.files
        if moved.metadata["kept"] and text in _results(files):  # the catalogue knows the way back
            break
        environment.reset(TASK, 3, starter="linear", detune=4)
    seen = environment.state
    back = _results(files)[text]
    other = TaskEnvironment(BwrapRunner.connect(), tmp_path / "other", store=store, variants=tmp_path / "variants")
    again = other.reset(state_id=seen.id)
    offered = {item.instruction for item in again.candidates}
    assert back not in offered and len(offered) > 10
    assert again.state.history[-1].undo == back
    assert back not in {item.instruction for item in untried(again.state, [Candidate(back, "train.py", ""), *again.candidates])}


def _results(files: dict[str, str]) -> dict[str, str]:
    """The instruction of each edit by what the script is after it."""
    return {edit.apply(files[edit.file]): edit.instruction for edit in Catalogue().enumerate(files)}


def _patch(script: str, more: str = "raise SystemExit(3)") -> str:
    """An edit that makes the script fail, or do something more."""
    line = next(line for line in script.splitlines() if line.startswith("train = "))
    return f"<<<<<<< SEARCH\n{line}\n=======\n{line}\n{more}\n>>>>>>> REPLACE\n"


def test_a_saved_state_is_entered_again(environment: TaskEnvironment, store: StateStore, tmp_path: Path) -> None:
    first = environment.reset(TASK, 4, starter="linear")
    edit = next(item for item in first.candidates if item.instruction.startswith("replace LogisticRegression with"))
    seen = environment.step(edit_action(edit)).observation
    met = environment.state
    copied = environment.step(CopyFile("train.py", "old.py"))
    assert copied.reward == 0.5 and copied.metadata["kept"] and copied.observation.state.base != seen.state.base
    assert environment.state.value == met.value and environment.test() is not None

    other = TaskEnvironment(BwrapRunner.connect(), tmp_path / "other", store=store, variants=tmp_path / "variants")
    again = other.reset(state_id=met.id)
    assert other.state == replace(met, episode_id=other.state.episode_id)
    assert again.state.files == seen.state.files and again.state.history == seen.state.history
    assert again.candidates == seen.candidates
    assert SavedState.from_json(store.load(met.id).to_json()) == store.load(met.id)
    assert other.test() is not None


def test_a_task_is_drawn_from_those_that_are_trained_on(environment: TaskEnvironment) -> None:
    with pytest.raises(UserError, match="no episode has begun"):
        _ = environment.state
    environment.reset(seed=1)
    first = environment.state
    environment.reset(seed=1)
    assert environment.state.variant == first.variant, "the same seed draws the same episode"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"task": "spaceship-titanik"}, "there is no task 'spaceship-titanik' - did you mean spaceship-titanic"),
        ({"task": TASK, "variant": -1}, "-1 is no variant seed"),
        ({"task": TASK, "variant": 1, "starter": "none"}, "has no starter 'none' - choose one of: linear"),
        ({"state_id": "0" * 20}, "there is no state '00000000000000000000'"),
        ({"state_id": "../../x"}, "is no state id"),
    ],
)
def test_bad_input_is_one_line(environment: TaskEnvironment, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message) as raised:
        environment.reset(**arguments)
    assert "\n" not in raised.value.line()


def test_a_damaged_state_is_refused(environment: TaskEnvironment, tmp_path: Path) -> None:
    environment.reset(TASK, 0, starter="linear")
    state_id = environment.state.id
    path = next((tmp_path / "states").rglob(f"{state_id}.json"))
    path.write_text(path.read_text().replace('"m_best": ', '"m_best": 1'))
    with pytest.raises(UserError, match="is damaged"):
        environment.reset(state_id=state_id)
    path.write_text("{")
    with pytest.raises(UserError, match="cannot be read"):
        environment.reset(state_id=state_id)
