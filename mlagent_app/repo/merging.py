"""Carrying a change over to another version of a file: git's three-way merge of contents."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from mlagent_app.repo.gitcmd import Git

_CONTEXT = 3  # lines shown around a conflict
_SHOWN = 200  # lines of one file's conflicts


@dataclass(frozen=True, slots=True)
class Merged:
    """A file's content after a change, None when it is to be gone. With a `conflict` (in lines) the content means nothing."""

    content: bytes | None
    conflict: str | None = None


def carry(git: Git, ours: bytes, before: bytes, after: bytes) -> Merged:
    """The change `before` -> `after` made to `ours`. `git` is any repository of our own: only git's merge is used."""
    if ours == before:
        return Merged(after)
    if before == after:
        return Merged(ours)
    with tempfile.TemporaryDirectory(prefix="mlagent-") as scratch:
        names = [os.path.join(scratch, name) for name in ("ours", "before", "after")]
        for name, content in zip(names, (ours, before, after), strict=True):
            Path(name).write_bytes(content)
        labels = ("-L", "your project", "-L", "the snapshot", "-L", "the step")
        # The exit status is the number of conflicts, or 255 when git cannot merge at all.
        output = git.run("merge-file", "-p", "--diff3", *labels, *names, ok=range(256))
    if output.status == 0:
        return Merged(output.out)
    if output.status == 255:
        return Merged(None, "both sides changed this file and it is not text")
    return Merged(None, _regions(output.out.decode("utf-8", "replace")))


def carry_file(git: Git, ours: bytes | None, before: bytes | None, after: bytes | None) -> Merged:
    """The same with files that may be missing (None)."""
    if ours in (before, after):
        return Merged(after)
    if before is None:
        return Merged(None, "there is another file of this name already")
    if ours is None:
        return Merged(None, "the file is gone")
    if after is None:
        return Merged(None, "the file is to be deleted, but it has changed")
    return carry(git, ours, before, after)


def _regions(text: str) -> str:
    """The conflicts of a merged file with a few lines around them."""
    lines = [line.rstrip("\r") for line in text.split("\n")]
    shown: set[int] = set()
    start = 0
    for number, line in enumerate(lines):
        if line.startswith("<<<<<<< your project"):
            start = number
        elif line.startswith(">>>>>>> the step"):
            shown.update(range(max(0, start - _CONTEXT), min(len(lines), number + 1 + _CONTEXT)))
    chosen = sorted(shown)[:_SHOWN]
    parts: list[str] = []
    for position, number in enumerate(chosen):
        if position and chosen[position - 1] != number - 1:
            parts.append("...")
        parts.append(lines[number])
    if len(shown) > _SHOWN:
        parts.append("...")
    return "\n".join(parts)
