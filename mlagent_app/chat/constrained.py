"""Constrained output: a reply that can only be an action.

A regular expression for the last two lines of a reply, which servers such as vLLM hold a model to while it writes. The parts
before them stay free, but each is one line of bounded length, so that a small model comes to its action at all.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from mlagent_app.agent.actions import ACTIONS, REASONING, Action, EditScript, FinalAnswer, InspectScriptLines, UnderstandFile

# Characters of each part before the action, and of a free text in it, at most.
PART_CHARS = 300
TEXT_CHARS = 600
# Instructions that are spelt out in a pattern at most: it is compiled for each.
MOST_EDITS = 200
# A JSON string's inside, without what would need another escape.
_CHAR = r'([^"\\\x00-\x1f]|\\["\\/nt])'
_META = frozenset("\\.^$|?*+()[]{}")
# From this version on vLLM knows `structured_outputs`; before, `guided_regex`.
_RENAMED = (0, 12)
# The fields that name a file there is.
_FILES = {(EditScript, "script_name"), (InspectScriptLines, "script_name"), (UnderstandFile, "file_name")}


def action_pattern(files: Sequence[str] = (), edits: Sequence[tuple[str, str]] = (), *, only_edits: bool = False) -> str:
    """The pattern of a reply.

    `files`: the names that actions on a file may take, any when empty. `edits`: the (file, instruction) pairs that an edit can
    be, any when empty; the first `MOST_EDITS` count. `only_edits`: no action but `Edit Script` and, with no edits, `Final
    Answer`.
    """
    kinds = list(ACTIONS.values())
    if only_edits:
        kinds = [EditScript] if edits else [FinalAnswer]
    parts = "".join(rf"{head}: [^\n]{{0,{PART_CHARS}}}\n" for head in REASONING)
    blocks = "|".join(f"{kind.NAME}\\nAction Input: {_input(kind, files, edits)}" for kind in kinds)
    return f"{parts}Action: ({blocks})"


def extra_body(pattern: str, version: str) -> dict[str, Any]:
    """What a request to a vLLM server of this version carries so that the reply has the pattern."""
    try:
        known = tuple(int(part) for part in version.split(".")[:2])
    except ValueError:
        known = _RENAMED
    return {"structured_outputs": {"regex": pattern}} if known >= _RENAMED else {"guided_regex": pattern}


def quoted(text: str) -> str:
    """A pattern for just this text. Only what is special is escaped: engines differ in what else may be."""
    return "".join(f"\\{char}" if char in _META else char for char in text)


def _input(kind: type[Action], files: Sequence[str], edits: Sequence[tuple[str, str]]) -> str:
    if kind is EditScript and edits:
        rows = ({"script_name": file, "edit_instruction": instruction} for file, instruction in edits[:MOST_EDITS])
        return "(" + "|".join(quoted(json.dumps(row, ensure_ascii=False)) for row in rows) + ")"
    given = {item.name: _value(kind, item.name, item.type == "int", files) for item in fields(kind)}
    if kind is EditScript:  # one of the two; a patch has no bound but the reply's
        instruction, _ = given.pop("edit_instruction"), given.pop("patch")
        change = f'("edit_instruction": {instruction}|"patch": "{_CHAR}+")'
        return rf'\{{"script_name": {given["script_name"]}, {change}\}}'
    inside = ", ".join(f'"{name}": {value}' for name, value in given.items())
    return rf"\{{{inside}\}}"


def _value(kind: type[Action], name: str, number: bool, files: Sequence[str]) -> str:
    if number:
        return "[1-9][0-9]{0,4}"
    if files and (kind, name) in _FILES:
        return "(" + "|".join(quoted(json.dumps(file, ensure_ascii=False)) for file in files) + ")"
    return f'"{_CHAR}{{1,{TEXT_CHARS}}}"'
