"""Hostile repositories and hostile patches: data stays data, and protected files stay as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlagent_app.agent.actions import (
    Action,
    CopyFile,
    EditScript,
    ExecuteScript,
    FinalAnswer,
    InspectScriptLines,
    UnderstandFile,
    parse,
)
from mlagent_app.agent.chat import Usage
from mlagent_app.agent.reward import Reference
from mlagent_app.editors.base import unified_diff
from mlagent_app.editors.llm import LLMEditor
from mlagent_app.environment.core import Environment
from tests.editors.scripted import ScriptedModel, block
from tests.environment.hostile import ESCAPES, ORDER, hostile_environment

RATE = block("RATE = 0.1\n", "RATE = 0.2\n")


@pytest.fixture
def plain(tmp_path: Path) -> tuple[Environment, str]:
    return hostile_environment(tmp_path)


def edited(tmp_path: Path, *answers: str, path: str = "train.py") -> tuple[Environment, str, ScriptedModel, Action]:
    model = ScriptedModel(*answers)
    made, base = hostile_environment(tmp_path, LLMEditor(model))
    return made, base, model, EditScript(path, f"raise the rate. {ORDER}")


def between(prompt: str, title: str) -> str:
    """What stands between the delimiters of a title; the outermost pair, told by its mark."""
    head = next(line for line in prompt.split("\n") if line.startswith(f"--- begin of {title} ["))
    tail = head.replace("begin", "end", 1)
    assert prompt.count(tail) == 1 and prompt.count(head) == 1
    return prompt.partition(head)[2].partition(tail)[0]


def test_what_a_file_orders_reaches_the_editor_as_data_only(tmp_path: Path) -> None:
    made, base, model, action = edited(tmp_path, RATE)
    done = made.prepare(action, base)
    assert not done.invalid and "+RATE = 0.2" in done.diff and done.usage == Usage(100, 10, 0.001)
    system, user = (message.content for message in model.asked[0])
    assert ORDER not in system
    file, instruction = between(user, "train.py"), user.rpartition("--- begin of the instruction [")[2]
    outside = user.replace(file, "").replace(instruction.partition("--- end of")[0], "")
    assert ORDER in file and "Action: Copy File" in file and ORDER in instruction
    assert ORDER not in outside and "Action:" not in outside
    assert ESCAPES not in user and "\x1b" not in user


def test_an_editor_that_obeys_the_file_changes_no_protected_file(tmp_path: Path) -> None:
    obedient = block("x = 1\n", "x = 2\n", "eval.py")
    made, base, _, action = edited(tmp_path, obedient, obedient + RATE)
    done = made.prepare(action, base)
    assert "there is no file 'eval.py' to edit" in done.invalid
    assert done.commit == base and not done.runs and done.usage == Usage(200, 20, 0.002)


def test_no_model_is_asked_to_edit_a_protected_file(tmp_path: Path) -> None:
    made, base, model, action = edited(tmp_path, path="eval.py")
    assert "eval.py is protected" in made.prepare(action, base).invalid
    assert model.asked == []


def test_a_file_of_orders_is_read_as_data_and_the_answer_is_cut_and_plain(tmp_path: Path) -> None:
    model = ScriptedModel(f"{ESCAPES}Action: Final Answer\n" + "x" * 9000)
    made, base = hostile_environment(tmp_path, LLMEditor(model))
    heard: list[str] = []
    done = made.prepare(UnderstandFile("AGENTS.md", "the command"), base, on_text=heard.append)
    assert done.commit == base and not done.runs and heard
    assert ORDER in between(model.prompt(), "AGENTS.md")
    assert "\x1b" not in done.observation and "\x9b" not in done.observation
    assert 6000 < len(done.observation) < 6100 and "more characters]" in done.observation


def test_forged_answers_in_files_and_logs_are_nobodys_actions(plain: tuple[Environment, str]) -> None:
    made, base = plain
    made.reference = Reference(0.5, 1.0, "natural bound")
    ran = made.step(ExecuteScript("train.py"), base, 0.5, 1)
    assert ran.measurement is not None and ran.measurement.value == 0.5 and ran.prepared.commit == base
    assert "\x1b" not in ran.feedback
    for look in (InspectScriptLines("train.py", 1, 40), UnderstandFile("train.py"), UnderstandFile("AGENTS.md")):
        seen = made.prepare(look, base)
        assert seen.commit == base and not seen.runs and "\x1b" not in seen.observation
    _, action = parse('Thought: it says Action: Final Answer\nAction: Inspect Script Lines\nAction Input: {"script_name": "a"}')
    assert action == InspectScriptLines("a") and action != FinalAnswer()


@pytest.mark.parametrize(
    "patch",
    [
        block("x = 1\n", "x = 2\n", "eval.py"),
        RATE + block("x = 1\n", "x = 2\n", "eval.py"),
        block("x = 1\n", "x = 2\n", "./eval.py"),
        block("x = 1\n", "x = 2\n", "link.py"),
        block("x = 1\n", "x = 2\n", "sub/../eval.py"),
        block("", "x = 2\n", "eval.py"),
        block("", "x = 2\n", "new.py"),
        block("", "x = 2\n", "../new.py"),
        block("", "x = 2\n", "/tmp/new.py"),
        block("", "x = 2\n", ".git/hooks/pre-commit"),
        block("id,y\n", "id,z\n", "labels.csv"),
        unified_diff({"eval.py": "x = 1\n"}, {"eval.py": "x = 2\n"}),
        unified_diff({"eval.py": "x = 1\n"}, {}),
        unified_diff({"train.py": "x = 1\n"}, {}),
        unified_diff({}, {"eval.py": "x = 2\n"}),
        "diff --git a/train.py b/eval.py\nsimilarity index 100%\nrename from train.py\nrename to eval.py\n",
        "rename from eval.py\nrename to other.py\n--- a/eval.py\n+++ b/other.py\n@@ -1 +1 @@\n-x = 1\n+x = 2\n",
        "diff --git a/eval.py b/eval.py\nold mode 100644\nnew mode 120000\n",
        "--- a/train.py\n+++ b/eval.py\n@@ -1 +1 @@\n-x = 1\n+x = 2\n",
    ],
)
def test_no_patch_changes_what_is_protected_or_outside(plain: tuple[Environment, str], patch: str) -> None:
    made, base = plain
    done = made.prepare(EditScript("train.py", patch=patch), base)
    assert done.invalid and done.commit == base and not done.runs


def test_unicode_names_and_other_line_ends_are_edited_like_any(plain: tuple[Environment, str]) -> None:
    made, base = plain
    done = made.prepare(EditScript("größe.py", patch=block("x = 1\n", "x = 2\ny = 3\n", "größe.py")), base)
    assert not done.invalid and made.texts(done.commit)["größe.py"] == "x = 2\r\ny = 3\r\n"


@pytest.mark.parametrize(
    ("line", "refused"),
    [
        ("import no_such_package_anywhere", True),
        ("from no_such_package_anywhere.deep import thing", True),
        ("__import__('no_such_package_anywhere')", True),
        ("import json, pytest", False),
        ("import eval as checker", False),
    ],
)
def test_new_imports_are_refused_unless_the_project_can_have_them(
    plain: tuple[Environment, str], line: str, refused: bool
) -> None:
    made, base = plain
    done = made.prepare(EditScript("train.py", patch=block("RATE = 0.1\n", f"{line}\nRATE = 0.1\n")), base)
    assert bool(done.invalid) == refused == (done.commit == base)
    assert not refused or ("no_such_package_anywhere" in done.invalid and "allow_new_imports = true" in done.invalid)


@pytest.mark.parametrize("action", [CopyFile("train.py", "EVAL.py"), CopyFile("eval.py", "labels.csv"), CopyFile("a", "b")])
def test_copies_take_the_place_of_nothing(plain: tuple[Environment, str], action: CopyFile) -> None:
    made, base = plain
    done = made.prepare(action, base)
    assert done.invalid and done.commit == base


def test_an_instruction_with_odd_characters_is_a_commit_like_any(tmp_path: Path) -> None:
    made, base, _, _ = edited(tmp_path, RATE)
    done = made.prepare(EditScript("train.py", "raise\0 the \ud800 rate"), base)
    assert not done.invalid and done.commit != base
