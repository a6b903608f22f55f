"""Private copies of linked files that a run may write to: the user's own file is never what it overwrites."""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path

from mlagent_app.repo.scan import MIB, ReadOnlyLink

# What trainings write: a read-only link would make them fail.
WEIGHTS = (".pt", ".pth", ".ckpt", ".safetensors", ".joblib", ".pkl", ".h5", ".onnx", ".bin", ".npz")
# Of all weights of one run. Copying takes a second or so for each GiB, in every run.
MOST_BYTES = 4096 * MIB
# What a copy leaves free on the disk.
SPARE_BYTES = 1024 * MIB

_CLONE = 0x40049409  # Linux's FICLONE: the copy takes no room on file systems that can share blocks
_CHUNK = 16 * MIB


class NoRoom(Exception):
    """A file that the run could overwrite cannot be copied; one line."""


def copy_writable(
    links: Sequence[ReadOnlyLink], workspace: Path, cancel: threading.Event, *, every: bool
) -> list[ReadOnlyLink]:
    """Copy linked files into `workspace`, where the run may do with them what it likes; the links that are left.

    Copied are weights, as far as `MOST_BYTES` go, and if `every` is set (nothing keeps the run from writing through a link)
    all files that it could change. Directories stay linked. Raises `NoRoom` when one of those has no room.
    """
    left: list[ReadOnlyLink] = []
    room = MOST_BYTES
    for link in links:
        size = _size(link.source)
        wanted = size is not None and (every or (link.target.lower().endswith(WEIGHTS) and size <= room))
        if size is None or not wanted or (every and not os.access(link.source, os.W_OK)):
            left.append(link)
        elif size + SPARE_BYTES <= shutil.disk_usage(workspace).free:
            _copy(link.source, workspace / link.target, cancel)
            room -= size
        elif every:
            raise NoRoom(_no_room(link.target, size))
        else:
            left.append(link)
    return left


def _size(source: str) -> int | None:
    """The size of a regular file; None for anything else."""
    return os.path.getsize(source) if os.path.isfile(source) else None


def _copy(source: str, target: Path, cancel: threading.Event) -> None:
    """Copy a file. One that is not complete because of `cancel` is never seen: the run does not start."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(source, "rb") as given, open(target, "xb") as made:
        try:
            fcntl.ioctl(made.fileno(), _CLONE, given.fileno())
        except OSError:
            while not cancel.is_set() and (chunk := given.read(_CHUNK)):
                made.write(chunk)


def _no_room(target: str, size: int) -> str:
    return (
        f"{target} ({size / MIB:.0f} MiB) could be overwritten by a run in the local sandbox, and the disk has no room for a "
        f"private copy: chmod a-w {target}, or use --sandbox docker or bwrap"
    )
