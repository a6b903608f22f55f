"""A job's workspace, handled without trusting what the job left in it: no path is followed through a link.

Only the standard library: the script `forkserver.py` uses it, too.
"""

from __future__ import annotations

import os
import secrets
import stat
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path, PurePosixPath

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def split_relative(relative: str) -> tuple[str, ...]:
    """The components of a path that stays below its root.

    Raises ValueError for an absolute path, an empty one, one with `..`, and one with a NUL.
    """
    parts = PurePosixPath(relative).parts
    if not parts or relative.startswith("/") or ".." in parts or "\0" in relative:
        raise ValueError(f"{relative!r} is not a path below the workspace")
    return parts


@contextmanager
def open_directory(root: Path, parts: Sequence[str] = ()) -> Generator[int]:
    """A descriptor of the directory `root/parts`, reached component by component; only `root` itself may be a link.

    Raises OSError when a component is missing, a link, or no directory.
    """
    descriptor = os.open(root, DIRECTORY & ~os.O_NOFOLLOW)
    try:
        for part in parts:
            below = os.open(part, DIRECTORY, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = below
        yield descriptor
    finally:
        os.close(descriptor)


def is_same(workspace: Path, before: os.stat_result) -> bool:
    """Whether the directory there is still the one that it was: a job that may write beside its workspace can put another,
    or a link, in its place."""
    try:
        now = workspace.stat()
    except OSError:
        return False
    return (now.st_dev, now.st_ino) == (before.st_dev, before.st_ino)


def remove_tree(path: Path) -> None:
    """Remove `path` and all below it: also read-only directories, odd permissions and trees of any depth.

    Links are removed, never followed. A missing `path` is fine. Raises OSError for the first thing that stayed.
    """
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(mode):
        path.unlink()
        return
    with open_directory(path.parent) as parent:
        _allow(parent, path.name)
    errors: list[OSError] = []
    with open_directory(path) as root:
        _empty(root, errors)
    if errors:
        raise errors[0]
    path.rmdir()


def _empty(root: int, errors: list[OSError]) -> None:
    """Remove all that is in the directory `root`.

    Directories further down are moved up beside the others before they are entered, so that neither a path nor the stack nor
    the number of open files grows with a depth that the job chose.
    """
    token = secrets.token_hex(8)
    fresh_names = (f".remove-{token}-{number}" for number in count())
    pending = _clear(root, root, fresh_names, errors)
    while pending:
        name = pending.pop()
        try:
            directory = os.open(name, DIRECTORY, dir_fd=root)
            try:
                pending += _clear(directory, root, fresh_names, errors)
            finally:
                os.close(directory)
            os.rmdir(name, dir_fd=root)
        except OSError as error:
            errors.append(error)


def _clear(directory: int, root: int, fresh_names: Iterator[str], errors: list[OSError]) -> list[str]:
    """Unlink the files of `directory` and move its directories to `root`; the names they have there."""
    moved: list[str] = []
    for name, is_directory in _entries(directory):
        try:
            if not is_directory:
                os.unlink(name, dir_fd=directory)
                continue
            _allow(directory, name)
            below = name
            if directory != root:
                below = next(fresh_names)
                os.rename(name, below, src_dir_fd=directory, dst_dir_fd=root)
            moved.append(below)
        except OSError as error:
            errors.append(error)
    return moved


def _entries(directory: int) -> list[tuple[str, bool]]:
    with os.scandir(directory) as entries:
        return [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]


def _allow(parent: int, name: str) -> None:
    """Give the owner all rights on a directory, without following a link that took its place."""
    with suppress(OSError):
        if sys.platform != "linux":
            os.chmod(name, 0o700, dir_fd=parent, follow_symlinks=False)
            return
        # O_PATH opens what may not be read, and chmod through /proc changes exactly what was opened.
        handle = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
        try:
            if stat.S_ISDIR(os.fstat(handle).st_mode):
                os.chmod(f"/proc/self/fd/{handle}", 0o700)
        finally:
            os.close(handle)
