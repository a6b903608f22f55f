"""Paths that an edit may name: below the project, never git's own, never through a symbolic link."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from mlagent_app.agent.errors import UserError

# What a file is called while it is being written beside its place in the project.
SCRATCH = ".mlagent-{}.tmp"

# How git's own directory may be spelt on file systems that fold case or shorten names.
_GIT_NAMES = (".git", "git~1")


def check_path(path: str) -> None:
    """Raise `UserError` unless `path` is relative, in its shortest form, without `..`, and outside of `.git`."""
    parts = path.split("/")
    if not path or "\0" in path or any(part in ("", ".", "..") for part in parts):
        raise UserError("this is not a path below the project", where=repr(path))
    if any(part.lower().rstrip(". ") in _GIT_NAMES for part in parts):
        raise UserError("git's own files are never touched", where=path)


def locate(root: Path, path: str) -> Path:
    """The place of `path` in the project at `root`, for writing.

    Raises `UserError` when it leaves the project, is git's own, lies in a repository inside the project, or is or goes through
    something that is not a plain directory or file.
    """
    check_path(path)
    place = root
    parts = path.split("/")
    for number, part in enumerate(parts):
        place = place / part
        try:
            mode = os.lstat(place).st_mode
        except FileNotFoundError:
            return root / path
        except NotADirectoryError:
            break
        if number == len(parts) - 1:
            if stat.S_ISREG(mode):
                return place
            break
        if not stat.S_ISDIR(mode):
            break
        if os.path.lexists(place / ".git"):
            raise UserError("this file belongs to another git repository inside the project", where=path)
    raise UserError("edits are not written through links or to things that are not plain files", where=path)
