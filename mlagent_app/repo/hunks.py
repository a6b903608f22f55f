"""A unified diff as hunks, and the diff of some of them. Pure text; lines end with a line feed and nothing else."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

_HEADER = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@(.*)")


@dataclass(frozen=True, slots=True)
class Hunk:
    """One change of one file.

    `header` is the `@@` line; `lines` are those below it, each with its first character (space, `+`, `-` or a backslash). A
    file that changes without text hunks (binary, mode, empty) is one hunk with an empty header and git's own lines.
    """

    index: int
    file: str
    header: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Section:
    """The part of a diff that is about one file: the lines before the first hunk, and the hunks."""

    file: str
    head: tuple[str, ...]
    hunks: tuple[tuple[str, tuple[str, ...]], ...]


def split(diff: str) -> tuple[Hunk, ...]:
    """The hunks of a diff, numbered from 0 over all files in the diff's order; files without text hunks come last."""
    sections = _sections(diff)
    text = [(section.file, header, lines) for section in sections for header, lines in section.hunks]
    whole = [(section.file, "", section.head) for section in sections if not section.hunks]
    return tuple(Hunk(index, *rest) for index, rest in enumerate([*text, *whole]))


def select(diff: str, hunks: Collection[int]) -> str:
    """The diff of the hunks with these indices, with line numbers that hold without the others.

    Raises ValueError for an index that the diff does not have.
    """
    sections = _sections(diff)
    count = sum(max(1, len(section.hunks)) for section in sections)
    unknown = [index for index in hunks if not 0 <= index < count]
    if unknown:
        raise ValueError(f"there is no hunk {min(unknown)}: the diff has {count}")
    number = 0
    last = sum(len(section.hunks) for section in sections)
    parts: list[str] = []
    for section in sections:
        if not section.hunks:
            if last in hunks:
                parts.extend(section.head)
            last += 1
            continue
        chosen = [index for index in range(number, number + len(section.hunks)) if index in hunks]
        if chosen:
            parts.extend(section.head)
            parts.extend(_renumbered(section, {index - number for index in chosen}))
        number += len(section.hunks)
    return "".join(f"{part}\n" for part in parts)


def _renumbered(section: _Section, chosen: Collection[int]) -> list[str]:
    dropped = 0  # lines that the hunks left out before this one would have added
    lines: list[str] = []
    for position, (header, body) in enumerate(section.hunks):
        old, old_count, new, new_count, rest = _numbers(header)
        if position in chosen:
            # Where one side is empty its number is that of the line before, so the sides' starts may differ by one more.
            lines.append(f"@@ -{old},{old_count} +{new - dropped},{new_count} @@{rest}")
            lines.extend(body)
        else:
            dropped += new_count - old_count
    return lines


def _numbers(header: str) -> tuple[int, int, int, int, str]:
    match = _HEADER.match(header)
    if match is None:
        raise ValueError(f"not the header of a hunk: {header!r}")
    old, old_count, new, new_count, rest = match.groups()
    return int(old), int(old_count or 1), int(new), int(new_count or 1), rest


def _sections(diff: str) -> list[_Section]:
    lines = diff.split("\n")
    if lines[-1] == "":
        lines.pop()
    sections: list[_Section] = []
    at = 0
    while at < len(lines):
        start = at
        at += 1
        while at < len(lines) and not lines[at].startswith(("@@ ", "diff --git ")):
            at += 1
        head = tuple(lines[start:at])
        hunks: list[tuple[str, tuple[str, ...]]] = []
        while at < len(lines) and lines[at].startswith("@@ "):
            end = _end(lines, at)
            hunks.append((lines[at], tuple(lines[at + 1 : end])))
            at = end
        sections.append(_Section(_file(head), head, tuple(hunks)))
    return sections


def _end(lines: list[str], at: int) -> int:
    """Where the hunk that starts at `at` ends. Its counts say so: a removed line may itself look like `-- a/file`."""
    _, old_left, _, new_left, _ = _numbers(lines[at])
    at += 1
    while at < len(lines) and (old_left > 0 or new_left > 0 or lines[at].startswith("\\")):
        mark = lines[at][:1]
        old_left -= mark in (" ", "-", "")
        new_left -= mark in (" ", "+", "")
        at += 1
    return at


def _file(head: tuple[str, ...]) -> str:
    """The path that a section is about: the new one, or the old one of a file that is deleted."""
    named: dict[str, str] = {}
    for line in head[1:]:
        if line.startswith(("--- ", "+++ ")):
            name = _unquoted(line[4:].removesuffix("\t"))
            if name != "/dev/null":
                named[line[:3]] = name[2:]
    if named:
        return named.get("+++") or named["---"]
    # Without hunks only the first line names the file: `diff --git a/NAME b/NAME`, the same name twice.
    both = head[0].removeprefix("diff --git ")
    return _unquoted(both[len(both) // 2 + 1 :])[2:]


def _unquoted(name: str) -> str:
    """A name as git quotes it (`"a\\tb"`) as it is."""
    if not name.startswith('"'):
        return name
    escapes = {"a": 7, "b": 8, "t": 9, "n": 10, "v": 11, "f": 12, "r": 13, '"': 34, "\\": 92}
    raw = bytearray()
    for part in re.finditer(r"\\([0-7]{3})|\\(.)|([^\\]+)", name[1:-1], re.DOTALL):
        octal, letter, plain = part.groups()
        if octal:
            raw.append(int(octal, 8))
        elif letter:
            raw.append(escapes[letter])
        else:
            raw.extend(plain.encode("utf-8", "surrogateescape"))
    return raw.decode("utf-8", "surrogateescape")
