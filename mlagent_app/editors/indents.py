"""Lines of a patch in the indents of the file: a model may write four spaces where the file has tabs, or leave a margin out."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise


class UncertainIndentError(ValueError):
    """A new line has an indent that stands for several ones of the file, or for none; the message is one line."""


@dataclass(frozen=True, slots=True)
class _Indents:
    """The margins of the patch with those that the file has in their place, and one level's indent in each of them."""

    pairs: tuple[tuple[str, str], ...]
    their_unit: str
    our_unit: str

    def fitted(self, line: str, near: Iterable[tuple[str, str]]) -> str:
        """A new line in the file's indent; `near` are the margins of the lines that it replaces."""
        theirs = margin(line)
        if not line.strip() or all(margins[0] == margins[1] for margins in self.pairs):
            return line
        known = {their for their, _ in self.pairs if theirs.startswith(their)}
        if known:
            base = max(known, key=len)
            ours = self._only(base, line, near if base == theirs else ()) + self._converted(theirs[len(base) :])
        else:
            ours = self._shallower(theirs, line)
        return ours + line[len(theirs) :]

    def _only(self, theirs: str, line: str, near: Iterable[tuple[str, str]]) -> str:
        for pairs in (self.pairs, near):
            found = {ours for their, ours in pairs if their == theirs}
            if len(found) == 1:
                return found.pop()
        raise _uncertain(line)

    def _converted(self, extra: str) -> str:
        """White space beyond a known margin, level by level; what is less than a level is alignment and stays."""
        count = 0
        while self.their_unit and extra.startswith(self.their_unit):
            extra, count = extra.removeprefix(self.their_unit), count + 1
        return self.our_unit * count + extra

    def _shallower(self, theirs: str, line: str) -> str:
        """The margin of a line that stands further left than all known ones."""
        deeper = [their for their, _ in self.pairs if their.startswith(theirs)]
        if not deeper:
            raise _uncertain(line)
        base = min(deeper, key=len)
        ours, removed = self._only(base, line, ()), self._converted(base[len(theirs) :])
        if not ours.endswith(removed):
            raise _uncertain(line)
        return ours.removesuffix(removed)


def fitted(old: Sequence[str], new: Sequence[str], present: Sequence[str], file: Sequence[str]) -> list[str]:
    """The `new` lines with the file's own text for lines that stay, and its indents for the others. No line has an end.

    `old` are the lines that the patch looks for and `present` those of the file in their place, one for one. Raises
    `UncertainIndentError` where a new line's indent is not certain.
    """
    margins = [(margin(theirs), margin(ours)) for theirs, ours in zip(old, present, strict=True)]
    known = tuple(pair for pair, line in zip(margins, old, strict=True) if line.strip())
    our_unit = _unit(file)
    their_unit = _unit([*old, *new]) or _compared(known, our_unit)
    if not their_unit or not our_unit:
        their_unit = our_unit = their_unit or our_unit
    indents = _Indents(known, their_unit, our_unit)
    moved = {theirs: {ours for their, ours in zip(old, present, strict=True) if their == theirs} for theirs in old}
    lines: list[str] = []
    for kind, start, end, first, last in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            lines += present[start:end]
            continue
        for line in new[first:last]:
            same = moved.get(line, set[str]())
            lines.append(next(iter(same)) if len(same) == 1 else indents.fitted(line, margins[start:end]))
    return lines


def margin(line: str) -> str:
    """The white space that a line begins with."""
    return line[: len(line) - len(line.lstrip())]


def _unit(lines: Sequence[str]) -> str:
    """The indent of one level: what most blocks add to the line that opens them; empty when there is no block."""
    code = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    steps = Counter(
        margin(inner).removeprefix(margin(outer))
        for outer, inner in pairwise(code)
        if outer.rstrip().endswith(":") and margin(inner) != margin(outer) and margin(inner).startswith(margin(outer))
    )
    return steps.most_common(1)[0][0] if steps else ""


def _compared(pairs: Iterable[tuple[str, str]], our_unit: str) -> str:
    """One level of a patch without blocks, from a margin that stands for a number of levels of the file."""
    for theirs, ours in pairs:
        levels = len(ours) // len(our_unit) if our_unit else 0
        if levels and theirs and ours == our_unit * levels and len(theirs) % levels == 0:
            return theirs[: len(theirs) // levels]
    return ""


def _uncertain(line: str) -> UncertainIndentError:
    return UncertainIndentError(
        f"the indent of the new line {line.strip()!r} is not certain: copy the lines to replace with their indents"
    )
