"""One step of the environment, action by action: what it observes, runs and rewards."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from mlagent_app.agent.actions import (
    Action,
    CopyFile,
    EditScript,
    ExecuteScript,
    InspectScriptLines,
    InvalidAction,
    ListFiles,
    UnderstandFile,
)
from mlagent_app.agent.chat import Message, PromptTooLong
from mlagent_app.agent.metrics import MetricSpec
from mlagent_app.agent.reward import Reference
from mlagent_app.editors.llm import LLMEditor
from mlagent_app.environment.core import Environment
from mlagent_app.environment.measure import Bench
from mlagent_app.plan import prepare
from mlagent_app.repo.listing import list_project
from mlagent_app.repo.project import open_project
from mlagent_app.repo.snapshot import Snapshot
from sandbox.local import LocalRunner
from tests.editors.scripted import ScriptedModel
from tests.session.project import make_project

BEFORE = 0.360229


@pytest.fixture
def environment(tmp_path: Path) -> tuple[Environment, str]:
    return made_in(tmp_path)


def made_in(tmp_path: Path, editor: LLMEditor | None = None) -> tuple[Environment, str]:
    project = open_project(make_project(tmp_path / "parabola"))
    listing = list_project(project)
    for name in ("session", "work", "runs"):
        (tmp_path / name).mkdir()
    snapshot = Snapshot.create(tmp_path / "session", project, listing)
    plan = prepare(project.root, listing.paths, {})
    bench = Bench(snapshot, LocalRunner(), plan, tmp_path / "work", tmp_path / "runs")
    made = Environment(snapshot, bench, ["train.py"], ["README.md"], editor=editor)
    made.spec = MetricSpec("validation accuracy", "max")
    made.reference = Reference(BEFORE, 1.0, "natural bound")
    return made, snapshot.base


@pytest.mark.parametrize(
    ("action", "case", "said"),
    [
        (EditScript("train.py", "set EPOCHS to 40"), "edit", "validation accuracy"),
        (ExecuteScript("train.py"), "no_edit", "validation accuracy"),
        (ListFiles("."), "no_edit", "train.py"),
        (InspectScriptLines("train.py", 1, 5), "no_edit", "LEARNING_RATE"),
        (UnderstandFile("train.py"), "no_edit", "def main"),
        (CopyFile("train.py", "./train_2.py"), "no_edit", "wrote train_2.py"),
        (CopyFile("train.py", "copy.py"), "invalid", "take the place of the module copy"),
        (CopyFile("train.py", "README.MD"), "invalid", "cannot be written"),
        (CopyFile("README.md", "train.py"), "invalid", "exists already"),
        (CopyFile("train.py", "a//b.py"), "invalid", "cannot be written"),
        (CopyFile("train.py", "train.py/b.py"), "invalid", "is a file, not a directory"),
        (CopyFile("train.py", ".GIT/hooks/post-commit"), "invalid", "cannot be written"),
        (CopyFile("train.py", "b\u202eyp.txt"), "invalid", "cannot be seen"),
        (EditScript("train.py", "make it better"), "invalid", "is not an instruction"),
        (CopyFile("train.py", "README.md"), "invalid", "cannot be written"),
        (CopyFile("train.py", "../outside.py"), "invalid", "cannot be written"),
        (InspectScriptLines("none.py"), "invalid", "there is no text file"),
        (InvalidAction("expected an action"), "invalid", "expected an action"),
    ],
)
def test_each_action(environment: tuple[Environment, str], action: Action | InvalidAction, case: str, said: str) -> None:
    made, base = environment
    result = made.step(action, base, BEFORE, 1)
    assert result.reward.case == case
    assert said in result.feedback
    assert (result.measurement is not None) == (case == "edit" or isinstance(action, ExecuteScript))


def test_a_file_that_no_prompt_of_the_editor_holds_is_an_invalid_action(tmp_path: Path) -> None:
    def too_long(_: Sequence[Message]) -> str:
        raise PromptTooLong("the context is shorter than the prompt")

    made, base = made_in(tmp_path, LLMEditor(ScriptedModel(*[too_long] * 9)))
    result = made.step(UnderstandFile("train.py", "the rate"), base, BEFORE, 1)
    assert result.reward.case == "invalid" and "could not read train.py: the context is shorter" in result.feedback


def test_an_edit_is_rewarded_by_its_gain(environment: tuple[Environment, str]) -> None:
    made, base = environment
    better = made.step(EditScript("train.py", "set EPOCHS to 40"), base, BEFORE, 1)
    worse = made.step(EditScript("train.py", "set EPOCHS to 10"), base, BEFORE, 2)
    assert (better.reward.scalar or 0) > 0.5 > (worse.reward.scalar or 0)
    assert "+EPOCHS = 40" in better.prepared.diff
