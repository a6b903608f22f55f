"""A unified diff as hunks that can be chosen one by one. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["context", "added", "removed", "note"]
_HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@(.*)$")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a hunk. `old` and `new` are 1-based line numbers, None where the line is missing on that side."""

    kind: Kind
    text: str
    old: int | None = None
    new: int | None = None


@dataclass(frozen=True, slots=True)
class Hunk:
    """One hunk. `index` is 0-based over the whole diff, files included, as `Controls.answer` counts them."""

    index: int
    file: str
    section: str
    lines: tuple[Line, ...]

    @property
    def added(self) -> int:
        """How many lines the hunk adds."""
        return sum(line.kind == "added" for line in self.lines)

    @property
    def removed(self) -> int:
        """How many lines the hunk takes away."""
        return sum(line.kind == "removed" for line in self.lines)

    @property
    def first(self) -> int:
        """The first line number of the new side (the old one when everything is removed)."""
        return next((line.new or line.old or 0 for line in self.lines), 0)

    @property
    def last(self) -> int:
        """The last line number."""
        return next((line.new or line.old or 0 for line in reversed(self.lines) if line.kind != "note"), 0)


def parse(text: str) -> tuple[Hunk, ...]:
    """The hunks of a unified diff, in order. Anything outside hunks only names the file."""
    hunks: list[Hunk] = []
    file = ""
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        line = lines[at]
        if line.startswith(("--- ", "+++ ")):
            file = _path(line) or file
        elif match := _HUNK.match(line):
            body, at = _body(lines, at + 1, match)
            hunks.append(Hunk(len(hunks), file, match[5].strip(), body))
            continue
        at += 1
    return tuple(hunks)


def _body(lines: list[str], at: int, head: re.Match[str]) -> tuple[tuple[Line, ...], int]:
    """The lines of the hunk whose header is `head`, and where the next thing begins.

    The header's counts say where a hunk ends: a removed line may itself look like `--- a/file`.
    """
    old, new = int(head[1]), int(head[3])
    old_left, new_left = (int(head[2] or 1), int(head[4] or 1))
    body: list[Line] = []
    while at < len(lines):
        line = lines[at]
        if line.startswith("\\"):
            body.append(Line("note", line[1:].strip()))
        elif old_left <= 0 and new_left <= 0:
            break
        elif line.startswith("+"):
            body.append(Line("added", line[1:], None, new))
            new, new_left = new + 1, new_left - 1
        elif line.startswith("-"):
            body.append(Line("removed", line[1:], old, None))
            old, old_left = old + 1, old_left - 1
        else:
            body.append(Line("context", line[1:], old, new))
            old, new, old_left, new_left = old + 1, new + 1, old_left - 1, new_left - 1
        at += 1
    return tuple(body), at


def _path(line: str) -> str:
    """The path in a `---` or `+++` line, without `a/`, `b/`, quotes and a time stamp; empty for /dev/null."""
    path = line[4:].split("\t")[0].strip().strip('"')
    if path == "/dev/null":
        return ""
    return path[2:] if path.startswith(("a/", "b/")) else path
