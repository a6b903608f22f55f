"""The workspace while a container has it: whose files they are, and the places where read-only links are mounted."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sandbox.runner import Link, SandboxError
from sandbox.workdir import DIRECTORY, is_same, open_directory, split_relative

# Belongs to nobody on usual systems, so that a job can do nothing in the name of a real user.
SANDBOX_ID = 65532
# A job can nest directories without end; what lies deeper keeps its owner (root can remove it all the same).
DEEPEST = 200


@dataclass(frozen=True, slots=True)
class Ids:
    """The user and group of the job inside the container."""

    uid: int
    gid: int

    def __str__(self) -> str:
        return f"{self.uid}:{self.gid}"


def job_ids(*, rootless: bool) -> Ids:
    """Who the job runs as: the caller, or nobody in particular when the caller is root.

    In a rootless engine the container's root is the caller.
    """
    if rootless:
        return Ids(0, 0)
    uid, gid = os.getuid(), os.getgid()
    return Ids(SANDBOX_ID, SANDBOX_ID) if uid == 0 else Ids(uid, gid)


@contextmanager
def lent_workspace(workspace: Path, links: Sequence[Link], ids: Ids) -> Generator[None]:
    """For the time of the block the workspace belongs to the job's user and has a place to mount each link.

    Afterwards everything in it belongs to its owner again, who may read, change and delete it. Symbolic links are never
    followed. Raises SandboxError when a link's target is not a usable place or its source is missing.
    """
    before = workspace.stat()
    owner = Ids(before.st_uid, before.st_gid)
    change_owner = os.getuid() == 0 and ids.uid != 0
    places: list[tuple[str, ...]] = []
    try:
        for link in links:
            places += _make_place(workspace, link)
        if change_owner:
            _hand_over(workspace, ids)
        yield
    finally:
        if not is_same(workspace, before):
            raise SandboxError(f"the run put something else in the place of its workspace {workspace}")
        _hand_over(workspace, owner if change_owner else None)
        for place in reversed(places):
            _remove_place(workspace, place)


def _make_place(workspace: Path, link: Link) -> list[tuple[str, ...]]:
    """Create what is missing of `link.target`; returns what was created, outermost first."""
    wrong = f"{link.target} cannot be linked into the workspace"
    try:
        parts = split_relative(link.target)
        is_directory = link.source.is_dir()
        if not is_directory and not link.source.exists():
            raise SandboxError(f"{wrong}: {link.source} does not exist")
        created: list[tuple[str, ...]] = []
        for depth in range(1, len(parts) + 1):
            with open_directory(workspace, parts[: depth - 1]) as parent:
                if _make_one(parent, parts[depth - 1], directory=is_directory or depth < len(parts)):
                    created.append(parts[:depth])
        return created
    except (OSError, ValueError) as error:
        raise SandboxError(f"{wrong}: {error}", how="a target is a plain path below the workspace") from error


def _make_one(parent: int, name: str, *, directory: bool) -> bool:
    """Create a directory or an empty file; False when it was there. Raises OSError when something else is in the place."""
    try:
        if directory:
            os.mkdir(name, 0o755, dir_fd=parent)
        else:
            os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644, dir_fd=parent))
        return True
    except FileExistsError:
        mode = os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
        if stat.S_ISDIR(mode) == directory and not stat.S_ISLNK(mode):
            return False
        raise


def _remove_place(workspace: Path, place: Sequence[str]) -> None:
    """Remove an empty placeholder; what the job has put there in the meantime stays."""
    with suppress(OSError), open_directory(workspace, place[:-1]) as parent:
        status = os.stat(place[-1], dir_fd=parent, follow_symlinks=False)
        if stat.S_ISDIR(status.st_mode):
            os.rmdir(place[-1], dir_fd=parent)
        elif stat.S_ISREG(status.st_mode) and status.st_size == 0:
            os.unlink(place[-1], dir_fd=parent)


def _hand_over(workspace: Path, ids: Ids | None) -> None:
    """Give the whole tree to `ids` (None: leave the owner) and its owner the right to read and change all of it."""
    with open_directory(workspace) as root:
        _hand_over_below(root, ids, DEEPEST)
        if ids is not None:
            os.fchown(root, ids.uid, ids.gid)


def _hand_over_below(directory: int, ids: Ids | None, depth: int) -> None:
    with os.scandir(directory) as entries:
        found = [(entry.name, entry.stat(follow_symlinks=False)) for entry in entries]
    for name, status in found:
        with suppress(FileNotFoundError):
            if ids is not None and (status.st_uid, status.st_gid) != (ids.uid, ids.gid):
                os.chown(name, ids.uid, ids.gid, dir_fd=directory, follow_symlinks=False)
            _allow_owner(directory, name, status.st_mode)
            if stat.S_ISDIR(status.st_mode) and depth > 0:
                below = os.open(name, DIRECTORY, dir_fd=directory)
                try:
                    _hand_over_below(below, ids, depth - 1)
                finally:
                    os.close(below)


def _allow_owner(directory: int, name: str, mode: int) -> None:
    """The owner may read and write it (and enter a directory); nobody gets another's rights by running it."""
    permissions = stat.S_IMODE(mode)
    if stat.S_ISDIR(mode):
        wanted = permissions | 0o700
    elif stat.S_ISREG(mode):
        wanted = (permissions | 0o600) & ~0o6000
    else:
        return
    if wanted == permissions:
        return
    if sys.platform != "linux":
        os.chmod(name, wanted, dir_fd=directory, follow_symlinks=False)
        return
    # O_PATH opens what may not be read, and chmod through /proc changes exactly what was opened, never a link's target.
    handle = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
    try:
        if stat.S_IFMT(os.fstat(handle).st_mode) == stat.S_IFMT(mode):
            os.chmod(f"/proc/self/fd/{handle}", wanted)
    finally:
        os.close(handle)
