"""Looking at a project: how it is run, with which Python, and what its AGENTS.md asks for. Nothing of it is run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mlagent_app.repo.commands import CommandFound, find_commands
from mlagent_app.repo.environments import PythonFound, find_python, python_word
from mlagent_app.repo.sources import Sources

MAX_NOTES = 4000


@dataclass(frozen=True, slots=True)
class Detection:
    """What was found. `commands` are ranked, best first, and may be empty. `notes` is what AGENTS.md says, `notices` what a
    person should know about the search.
    """

    commands: tuple[CommandFound, ...]
    python: PythonFound
    notes: str = ""
    notices: tuple[str, ...] = ()


def detect(root: Path, files: Sequence[str], *, python: str = "") -> Detection:
    """Look at the project at `root`, whose `files` are relative paths with forward slashes.

    `python` names an interpreter or environment that a person chose. Raises `UserError` when that one is of no use.
    """
    sources = Sources(root, files)
    found, notices = find_python(root, python)
    commands = find_commands(sources, python_word(found.path))
    return Detection(tuple(commands), found, agents_notes(sources.text("AGENTS.md")), notices)


def agents_notes(text: str) -> str:
    """The text of AGENTS.md without comments and empty lines, cut at 4,000 characters at the end of a line."""
    plain = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    lines = [line.rstrip() for line in plain.splitlines() if line.strip()]
    kept: list[str] = []
    size = 0
    for line in lines:
        size += len(line) + 1
        if size > MAX_NOTES:
            kept.append("[cut]")
            break
        kept.append(line)
    return "\n".join(kept)
