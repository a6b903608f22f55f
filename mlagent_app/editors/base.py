"""What every editor produces: an edit of one file as exact replacements in its text."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

from mlagent_app.agent.edits import Candidate


@dataclass(frozen=True, slots=True, order=True)
class Replacement:
    """The characters `start:end` of the original text become `text` (an insertion when `start == end`)."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Edit:
    """One applicable edit of one file.

    `instruction` is canonical and unique among the edits of the files it was enumerated for. `file` is relative to the
    project root, with forward slashes. `replacements` are sorted, do not overlap, and count characters of the text that
    the edit was made for; two insertions at one place keep their order. `undo` is the instruction that sets what is set now;
    empty where none does.
    """

    instruction: str
    file: str
    family: str
    replacements: tuple[Replacement, ...]
    undo: str = ""

    @property
    def candidate(self) -> Candidate:
        """The edit as policies see it."""
        return Candidate(self.instruction, self.file, self.family)

    def apply(self, text: str) -> str:
        """The file's new text. `text` must be the very text that the edit was made for."""
        return replaced(text, self.replacements)

    def diff(self, text: str) -> str:
        """The unified diff of `apply`, with `a/` and `b/` before the file name."""
        return unified_diff({self.file: text}, {self.file: self.apply(text)})


class NoSuchEdit(Exception):
    """No applicable edit has this instruction. `message` says what was expected, `nearest` is the closest valid instruction."""

    def __init__(self, message: str, nearest: str | None = None) -> None:
        self.message = message
        self.nearest = nearest
        super().__init__(message)


def replaced(text: str, replacements: tuple[Replacement, ...]) -> str:
    """`text` with the replacements made. Raises ValueError when they overlap or lie outside the text."""
    parts: list[str] = []
    done = 0
    for item in sorted(replacements, key=lambda r: (r.start, r.end)):
        if not done <= item.start <= item.end <= len(text):
            raise ValueError(f"replacement {item.start}:{item.end} overlaps another or leaves the text")
        parts += (text[done : item.start], item.text)
        done = item.end
    parts.append(text[done:])
    return "".join(parts)


def unified_diff(before: Mapping[str, str], after: Mapping[str, str], context: int = 3) -> str:
    """The git-style unified diff between two sets of files, by file name; files that are equal are left out."""
    parts: list[str] = []
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        parts += (
            _ended(line)
            for line in difflib.unified_diff(
                _lines(old or ""),
                _lines(new or ""),
                "/dev/null" if old is None else f"a/{name}",
                "/dev/null" if new is None else f"b/{name}",
                n=context,
            )
        )
    return "".join(parts)


def _lines(text: str) -> list[str]:
    """Lines with their ends; only `\\n` ends a line, as in git, so that a form feed or a lone `\\r` stays inside one."""
    lines = text.split("\n")
    ended = [f"{line}\n" for line in lines[:-1]]
    return [*ended, lines[-1]] if lines[-1] else ended


def _ended(line: str) -> str:
    return line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
