"""The seven actions and the grammar of an answer (MLAgentBench's, as in section 4 of arXiv 2505.23723).

An answer is six headed parts, in this order:

    Reflection: ...
    Research Plan and Status: ...
    Fact Check: ...
    Thought: ...
    Action: Edit Script
    Action Input: {"script_name": "train.py", "edit_instruction": "set C of LogisticRegression to 10"}

The parser is strict about the last two and lenient about the rest: parts may be missing, reordered, bold, or numbered.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, ClassVar, cast

REASONING = ("Reflection", "Research Plan and Status", "Fact Check", "Thought")


@dataclass(frozen=True, slots=True)
class Reasoning:
    """The free parts of an answer, as written; empty where missing."""

    reflection: str = ""
    plan: str = ""
    fact_check: str = ""
    thought: str = ""


@dataclass(frozen=True, slots=True)
class ListFiles:
    """List the entries of a directory."""

    NAME: ClassVar[str] = "List Files"
    dir_path: str = "."


@dataclass(frozen=True, slots=True)
class InspectScriptLines:
    """Show the lines `start_line_number` to `end_line_number` of a script, 1-based and inclusive."""

    NAME: ClassVar[str] = "Inspect Script Lines"
    script_name: str
    start_line_number: int = 1
    end_line_number: int = 100


@dataclass(frozen=True, slots=True)
class UnderstandFile:
    """Read a file for what `things_to_look_for` asks."""

    NAME: ClassVar[str] = "Understand File"
    file_name: str
    things_to_look_for: str = ""


@dataclass(frozen=True, slots=True)
class CopyFile:
    """Copy `source` to `destination`, both in the project."""

    NAME: ClassVar[str] = "Copy File"
    source: str
    destination: str


@dataclass(frozen=True, slots=True)
class EditScript:
    """Change a script: an instruction for the editor, or a search/replace or unified-diff `patch` of the policy's own."""

    NAME: ClassVar[str] = "Edit Script"
    script_name: str
    edit_instruction: str = ""
    patch: str = ""


@dataclass(frozen=True, slots=True)
class ExecuteScript:
    """Run the project's command as it stands; `script_name` is informative."""

    NAME: ClassVar[str] = "Execute Script"
    script_name: str = ""


@dataclass(frozen=True, slots=True)
class FinalAnswer:
    """End the session."""

    NAME: ClassVar[str] = "Final Answer"
    final_answer: str = ""


Action = ListFiles | InspectScriptLines | UnderstandFile | CopyFile | EditScript | ExecuteScript | FinalAnswer


@dataclass(frozen=True, slots=True)
class InvalidAction:
    """An answer that is no action: what was expected."""

    message: str


ACTIONS: dict[str, type[Action]] = {
    kind.NAME: kind
    for kind in (ListFiles, InspectScriptLines, UnderstandFile, CopyFile, EditScript, ExecuteScript, FinalAnswer)
}

# Possessive where a star may belong to two parts: a long row of stars would else take the square of its length.
_HEAD = re.compile(
    r"^[ \t]*+[-*#\d.]*+(?:[ \t]++\**+)?"
    r"(Reflection|Research Plan and Status|Fact Check|Thought|Action Input|Action)"
    r"\**[ \t]*:\**[ \t]*",
    re.MULTILINE,
)


def parse(answer: str) -> tuple[Reasoning, Action | InvalidAction]:
    """Split an answer into its reasoning and its action.

    The first `Action` counts, and the first `Action Input` after it: a policy that runs on and invents an observation and a
    second action is held to its first one. Never raises: what cannot be read is an `InvalidAction` with what was expected.
    """
    parts = _parts(answer)
    reasoning = Reasoning(*(parts.get(head, "") for head in REASONING))
    if "Action" not in parts:
        return reasoning, InvalidAction(
            f"no 'Action:' line; expected one of {_names()}, then 'Action Input:' with a JSON object"
        )
    name = parts["Action"].strip().strip("*`[]'\". ")
    kind = ACTIONS.get(name)
    if kind is None:
        return reasoning, InvalidAction(f"unknown action {name[:60]!r}; expected one of {_names()}")
    if "Action Input" not in parts:
        return reasoning, InvalidAction(f"'{name}' has no 'Action Input:'; expected {_shape(kind)}")
    return reasoning, _build(kind, parts["Action Input"])


def format_answer(action: Action, reasoning: Reasoning | None = None) -> str:
    """The answer that `parse` reads back to the same action."""
    why = reasoning or Reasoning()
    lines = [
        f"{head}: {text}" for head, text in zip(REASONING, (why.reflection, why.plan, why.fact_check, why.thought), strict=True)
    ]
    given = {item.name: getattr(action, item.name) for item in fields(action)}
    if isinstance(action, EditScript):
        given = {key: value for key, value in given.items() if value or key == "script_name"}
    return "\n".join([*lines, f"Action: {action.NAME}", f"Action Input: {json.dumps(given, ensure_ascii=False)}"])


def _parts(answer: str) -> dict[str, str]:
    heads = list(_HEAD.finditer(answer))
    parts: dict[str, str] = {}
    for index, head in enumerate(heads):
        name = head.group(1)
        if name == "Action Input" and "Action" not in parts:
            continue
        end = heads[index + 1].start() if index + 1 < len(heads) else len(answer)
        if name == "Action Input":
            end = len(answer)
        parts.setdefault(name, answer[head.end() : end].strip())
        if name == "Action Input":
            break
    return parts


def _build(kind: type[Action], text: str) -> Action | InvalidAction:
    start = text.find("{")
    if start < 0:
        return InvalidAction(f"the input of '{kind.NAME}' is not a JSON object; expected {_shape(kind)}")
    try:
        data, _ = json.JSONDecoder(strict=False).raw_decode(text[start:])
    except (ValueError, RecursionError) as error:
        return InvalidAction(f"the input of '{kind.NAME}' is not valid JSON ({error}); expected {_shape(kind)}")
    given = cast("dict[str, Any]", data)
    values: dict[str, Any] = {}
    for item in fields(kind):
        if item.name not in given:
            continue
        value = _coerce(given[item.name], int if item.type == "int" else str)
        if value is None:
            return InvalidAction(f"'{item.name}' of '{kind.NAME}' has the wrong type; expected {_shape(kind)}")
        values[item.name] = value
    make = cast("Callable[..., Action]", kind)
    try:
        action = make(**values)
    except TypeError:
        return InvalidAction(f"the input of '{kind.NAME}' lacks a field; expected {_shape(kind)}")
    if isinstance(action, EditScript) and not (action.edit_instruction or action.patch):
        return InvalidAction("'Edit Script' needs 'edit_instruction' or 'patch'")
    return action


def _coerce(value: object, kind: type) -> object | None:
    if kind is str:
        return value if isinstance(value, str) else None
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and value.strip().isdecimal() and len(value) < 10 else None


def _names() -> str:
    return ", ".join(ACTIONS)


def _shape(kind: type[Action]) -> str:
    return "{" + ", ".join(f'"{item.name}": <{item.type}>' for item in fields(kind)) + "}"
