"""Patches that a policy or an editor model writes: search/replace blocks and unified diffs, applied to text.

Only line contents are compared and only the named lines change: line ends of the file are kept, whatever the patch uses.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from mlagent_app.editors.indents import UncertainIndentError, fitted

_HEAD = re.compile(r"(<{5,9}) ?SEARCH\s*\Z")
_MIDDLE = re.compile(r"(={5,9})\s*\Z")
_TAIL = re.compile(r"(>{5,9}) ?REPLACE\s*\Z")
_HUNK = re.compile(r"@@(?: -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))?)?(?: \.\.\.)? ?@@")
_FENCE = re.compile(r"\s*(```|~~~)")
_SHOWN_LINES = 12
# So many letters of a line, and so many lines of a file, are compared with a line that is not in the file.
_COMPARED, _SEARCHED = 120, 2000


class PatchError(Exception):
    """The patch cannot be applied; the message says where and shows the mismatch."""


@dataclass(frozen=True, slots=True)
class _Hunk:
    """Lines to find (`old`) and to put there (`new`), each with its `\\n` save at an end of file without one.

    `line` is the 0-based line where a diff says the hunk stands, None where that is not said.
    """

    file: str
    old: tuple[str, ...]
    new: tuple[str, ...]
    line: int | None = None
    creates: bool = False


def apply_patch(patch: str, files: Mapping[str, str], *, default_file: str = "") -> dict[str, str]:
    """The new contents of the files that a patch changes or creates.

    `patch` is one or several `SEARCH`/`REPLACE` blocks, each after a line with its file name, or a unified diff.
    `default_file` is meant where a block names none. Lines are matched exactly, else without regard to trailing white
    space, else without regard to indents, which new lines then take from the file. Raises `PatchError` when the patch is
    neither, names a path outside the project or in `.git`, deletes a file, or does not match at exactly one place.
    """
    lines = patch.splitlines(keepends=True) if "\n" not in patch else _split(patch)
    hunks = list(_blocks(lines, default_file) if any(_HEAD.match(line) for line in lines) else _diff(lines, default_file))
    if not hunks:
        raise PatchError(
            "no change found: expected a file name and `<<<<<<< SEARCH`, `=======`, `>>>>>>> REPLACE`, or a unified diff"
        )
    contents = {name: _split(text) for name, text in files.items()}
    changed: dict[str, list[str]] = {}
    drift: dict[str, int] = {}
    for hunk in hunks:
        name = _checked_path(hunk, files)
        before = changed.get(name, contents.get(name))
        if before is None:
            changed[name] = list(hunk.new)
            continue
        after = _applied(before, hunk, name, drift.get(name, 0))
        drift[name] = drift.get(name, 0) + len(after) - len(before)
        changed[name] = after
    results = {name: "".join(parts) for name, parts in changed.items()}
    return {name: text for name, text in results.items() if files.get(name) != text}


def _split(text: str) -> list[str]:
    """Lines with their ends, at `\\n` only."""
    parts = text.split("\n")
    lines = [f"{part}\n" for part in parts[:-1]]
    return [*lines, parts[-1]] if parts[-1] else lines


def _checked_path(hunk: _Hunk, files: Mapping[str, str]) -> str:
    name = hunk.file
    if name not in files and name[:2] in ("a/", "b/", "./"):
        name = name[2:]
    parts = name.replace("\\", "/").split("/")
    if not name or name.startswith(("/", "~", "\\")) or re.match(r"[A-Za-z]:", name) or ".." in parts or "\0" in name:
        raise PatchError(f"{hunk.file!r} is not a path inside the project")
    if ".git" in (part.lower() for part in parts):
        raise PatchError(f"{hunk.file!r} is in .git, which no edit may touch")
    if name not in files and not hunk.creates:
        close = difflib.get_close_matches(name, files, n=1, cutoff=0.4)
        raise PatchError(f"there is no file {name!r} to edit" + (f"; did you mean {close[0]!r}?" if close else ""))
    if name in files and hunk.creates and files[name]:
        raise PatchError(f"{name!r} exists already: name the lines to replace")
    return name


# -- reading -------------------------------------------------------------------------------------------------------


def _blocks(lines: list[str], default_file: str) -> Iterator[_Hunk]:
    """The search/replace blocks, each with the last file name said before it."""
    file = default_file
    at = 0
    while at < len(lines):
        if not _HEAD.match(lines[at]):
            said = lines[at].strip(" \t\r\n`*#:").removeprefix("File:").strip()
            if said and not _FENCE.match(lines[at]) and _follows_head(lines, at):
                file = said
            at += 1
            continue
        middle, tail = _closed(lines, at)
        old, new = tuple(lines[at + 1 : middle]), tuple(lines[middle + 1 : tail])
        yield _Hunk(file, old, new, creates=not "".join(old).strip())
        at = tail + 1


def _closed(lines: list[str], head: int) -> tuple[int, int]:
    """Where the `=======` and the `>>>>>>> REPLACE` of the block that opens at `head` stand.

    They are as wide as the head: a heading underlined with `=====` may be part of what is searched for. Another width counts
    where no line has that of the head. Raises PatchError when either is missing or could be one of several lines.
    """
    width = _width(_HEAD, lines[head])
    reopened = (i for i in range(head + 1, len(lines)) if _width(_HEAD, lines[i]) == width)
    tail = _only(_TAIL, lines, head, next(reopened, len(lines)))
    return _only(_MIDDLE, lines, head, tail), tail


def _only(mark: re.Pattern[str], lines: list[str], head: int, end: int) -> int:
    """The line before `end` that is this mark of the block at `head`."""
    width = _width(_HEAD, lines[head])
    marks = [i for i in range(head + 1, end) if mark.match(lines[i])]
    found = [i for i in marks if _width(mark, lines[i]) == width] or marks
    middle, tail = "=" * width, f"{'>' * width} REPLACE"
    if not found:
        raise PatchError(f"the block at line {head + 1} of the patch is not closed by `{middle}` and `{tail}`")
    if len(found) > 1:
        where = ", ".join(str(i + 1) for i in found[:5])
        taken = {_width(mark, lines[i]) for i in marks}
        other = next((count for count in (7, 8, 9, 6, 5) if count not in taken), 0)
        advice = f"write {other} of `<`, `=` and `>` around this block" if other else "replace fewer lines"
        said = middle if mark is _MIDDLE else tail
        raise PatchError(f"the `{said}` of the block at line {head + 1} could be any of lines {where} of the patch: {advice}")
    return found[0]


def _width(mark: re.Pattern[str], line: str) -> int:
    """How many characters the mark of this kind has, 0 for a line that is none."""
    found = mark.match(line)
    return len(found[1]) if found else 0


def _follows_head(lines: list[str], at: int) -> bool:
    """Whether the next line that is neither blank nor a fence opens a block."""
    rest = (line for line in lines[at + 1 :] if line.strip() and not _FENCE.match(line))
    return bool(_HEAD.match(next(rest, "")))


def _diff(lines: list[str], default_file: str) -> Iterator[_Hunk]:
    """The hunks of a unified diff."""
    old_name = new_name = default_file
    at = 0
    while at < len(lines):
        line = lines[at]
        if line.startswith("--- ") and at + 1 < len(lines) and lines[at + 1].startswith("+++ "):
            old_name, new_name = _name(line), _name(lines[at + 1])
            if new_name == "/dev/null":
                raise PatchError(f"the patch deletes {old_name!r}: files may be changed or added, not deleted")
            at += 2
        elif header := _HUNK.match(line):
            body, at = _body(lines, at + 1, header)
            old = tuple(text for mark, text in body if mark in " -")
            new = tuple(text for mark, text in body if mark in " +")
            start = None
            if header[1] is not None:
                start = int(header[1]) - (0 if header[2] == "0" else 1)
            yield _Hunk(new_name, old, new, start, creates=old_name == "/dev/null")
        else:
            at += 1


def _name(line: str) -> str:
    name = line[4:].partition("\t")[0].strip().strip('"')
    return name if name == "/dev/null" else name.removeprefix("a/" if line[0] == "-" else "b/")


def _body(lines: list[str], at: int, header: re.Match[str]) -> tuple[list[tuple[str, str]], int]:
    """The marked lines of a hunk, as many as its header says where that fits, else up to the next header; and where it ends."""
    counted = None if header[1] is None else (int(header[2] or "1"), int(header[4] or "1"))
    for counts in (counted, None):
        body: list[tuple[str, str]] = []
        end = at
        while end < len(lines) and not _is_done(body, counts, lines, end):
            mark, text = lines[end][:1], lines[end][1:]
            if mark == "\\" and body:
                body[-1] = (body[-1][0], body[-1][1].removesuffix("\n"))
            elif mark in " -+" and mark:
                body.append((mark, text))
            else:
                body.append((" ", lines[end]))
            end += 1
        exact = counts is None or (_count(body, "-") == counts[0] and _count(body, "+") == counts[1])
        if exact and (counts is None or end == len(lines) or _ends_hunk(lines, end) or not lines[end].strip()):
            return body, end
    raise AssertionError("the last attempt always returns")


def _count(body: list[tuple[str, str]], mark: str) -> int:
    return sum(found in (" ", mark) for found, _ in body)


def _is_done(body: list[tuple[str, str]], counts: tuple[int, int] | None, lines: list[str], at: int) -> bool:
    if counts is None:
        return _ends_hunk(lines, at)
    return _count(body, "-") >= counts[0] and _count(body, "+") >= counts[1] and not lines[at].startswith("\\")


def _ends_hunk(lines: list[str], at: int) -> bool:
    line = lines[at]
    pair = line.startswith("--- ") and at + 1 < len(lines) and lines[at + 1].startswith("+++ ")
    return pair or line.startswith(("diff --git ", "index ", "```")) or bool(_HUNK.match(line))


# -- matching ------------------------------------------------------------------------------------------------------


def _applied(lines: list[str], hunk: _Hunk, name: str, drift: int) -> list[str]:
    """The file's lines with the hunk applied. Raises PatchError when it fits nowhere or in several places."""
    if not hunk.old:
        at = min(max((hunk.line or 0) + drift, 0), len(lines)) if hunk.line is not None else 0
        return _spliced(lines, at, at, list(hunk.new), raw=True)
    ways: tuple[tuple[Callable[[str], str], bool], ...] = (
        (str, True),
        (_bare, False),
        (str.rstrip, False),
        (str.strip, False),
    )
    for key, raw in ways:
        found = _places(lines, hunk.old, key)
        expected = None if hunk.line is None else hunk.line + drift
        if expected in found:
            found = [expected]
        if len(found) == 1:
            at = found[0]
            new = list(hunk.new) if raw else _fitted(hunk, lines[at : at + len(hunk.old)], lines)
            return _spliced(lines, at, at + len(hunk.old), new, raw=raw)
        if len(found) > 1:
            where = ", ".join(str(at + 1) for at in found[:5])
            raise PatchError(f"the lines to replace occur {len(found)} times in {name} (lines {where}): give more of them")
    raise PatchError(_mismatch(lines, hunk, name))


def _bare(line: str) -> str:
    return line.rstrip("\r\n")


def _places(lines: list[str], old: tuple[str, ...], key: Callable[[str], str]) -> list[int]:
    wanted = [key(line) for line in old]
    if not any(line.strip() for line in wanted) and key is not str:
        return []
    keyed = [key(line) for line in lines]
    count = len(wanted)
    return [at for at in range(len(keyed) - count + 1) if keyed[at] == wanted[0] and keyed[at : at + count] == wanted]


def _fitted(hunk: _Hunk, present: list[str], lines: list[str]) -> list[str]:
    """The new lines in the indents of the file, which has `present` where the hunk says `old`."""
    old, new, here, file = ([_bare(line) for line in texts] for texts in (hunk.old, hunk.new, present, lines))
    try:
        return fitted(old, new, here, file)
    except UncertainIndentError as error:
        raise PatchError(str(error)) from None


def _spliced(lines: list[str], start: int, end: int, new: list[str], *, raw: bool) -> list[str]:
    """The lines with `start:end` replaced; new lines take the line ends they find there unless they are `raw`."""
    around = [line for line in lines[start:end] if line.endswith("\n")][:1] or lines
    newline = "\r\n" if 2 * sum(line.endswith("\r\n") for line in around) > len(around) else "\n"
    if not raw:
        new = [f"{_bare(line)}{newline}" for line in new]
        if new and end == len(lines) and lines and not lines[-1].endswith("\n"):
            new[-1] = _bare(new[-1])
    before = lines[:start]
    if before and not before[-1].endswith("\n") and new:
        before[-1] += newline
    if new and not new[-1].endswith("\n") and end < len(lines):
        new[-1] += newline
    return [*before, *new, *lines[end:]]


def _mismatch(lines: list[str], hunk: _Hunk, name: str) -> str:
    """What was looked for beside the most similar lines of the file."""
    wanted = [_bare(line) for line in hunk.old]
    count, best = len(wanted), _nearest(lines, hunk.old)
    shown = "\n".join(f"  wanted: {line}" for line in wanted[:_SHOWN_LINES])
    nearest = "\n".join(
        f"  line {best + i + 1}: {_bare(line)}" for i, line in enumerate(lines[best : best + count][:_SHOWN_LINES])
    )
    return f"the lines to replace are not in {name}\n{shown}\nthe most similar lines are\n{nearest}"


def _nearest(lines: list[str], old: tuple[str, ...]) -> int:
    """Where the file is most like the old lines: by equal lines first, and letters compared at a few places only.

    A comparison of letters takes the square of their number, and would hold a session up for minutes on a long file.
    """
    wanted, present = [line.strip() for line in old], [line.strip() for line in lines]
    places = range(max(1, len(present) - len(wanted) + 1))
    at_line: dict[str, list[int]] = {}
    for offset, line in enumerate(wanted):
        at_line.setdefault(line, []).append(offset)
    equal = Counter[int]()
    for number, line in enumerate(present):
        equal.update(number - offset for offset in (at_line.get(line, ()) if line else ()) if number - offset in places)
    if not equal:  # no line is there as it is written: where is the longest of them?
        longest = max(range(len(wanted)), key=lambda offset: len(wanted[offset]))
        cut = [line[:_COMPARED] for line in present[:_SEARCHED]]
        close = difflib.get_close_matches(wanted[longest][:_COMPARED], cut, 1, 0.3)
        found = cut.index(close[0]) if close else 0
        return min(max(0, found - longest), places[-1])
    matcher = difflib.SequenceMatcher(b="\n".join(wanted)[: 4 * _COMPARED], autojunk=False)

    def likeness(at: int) -> float:
        matcher.set_seq1("\n".join(present[at : at + len(wanted)])[: 4 * _COMPARED])
        return matcher.ratio()

    tried = sorted(equal, key=lambda at: (-equal[at], at))[:5]
    return max(tried, key=lambda at: (equal[at], likeness(at), -at))
