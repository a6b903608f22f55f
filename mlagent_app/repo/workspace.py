"""Writing to the user's files: all of a change or nothing of it."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mlagent_app.agent.errors import UserError
from mlagent_app.repo.locks import is_alive
from mlagent_app.repo.paths import SCRATCH, locate


@dataclass(frozen=True, slots=True)
class FileState:
    """A regular file: its bytes and its permission bits; `mode` None stands for those a new file gets."""

    content: bytes
    mode: int | None
    executable: bool


@dataclass(frozen=True, slots=True)
class FileChange:
    """What happens to one file; None is a file that is not there. `path` is relative to the project."""

    path: str
    before: FileState | None
    after: FileState | None


def read_state(root: Path, path: str) -> FileState | None:
    """The file at `path` as it is now. Raises `UserError` for a path that must not be written."""
    place = locate(root, path)
    try:
        descriptor = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UserError(f"the file cannot be read: {error.strerror}", where=path) from None
    with open(descriptor, "rb") as file:
        mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
        return FileState(file.read(), mode, bool(mode & stat.S_IXUSR))


def clear_leftovers(root: Path, paths: Sequence[str]) -> None:
    """Remove what a landing of these files left beside them when it was killed."""
    for directory in {locate(root, path).parent for path in paths}:
        for scratch in directory.glob(SCRATCH.format("*")):
            pid = scratch.name.split("-")[1]
            if pid.isdigit() and not is_alive(int(pid)):
                with contextlib.suppress(OSError):
                    scratch.unlink()


class Writing:
    """One change of several files. `apply` makes it whole or not at all; then either `restore` or `finish` ends it."""

    def __init__(self, root: Path, changes: Sequence[FileChange]) -> None:
        self._root = root
        self._changes = tuple(changes)
        self._new: dict[str, Path] = {}
        self._backup: dict[str, Path] = {}
        self._made: list[Path] = []
        self._done: list[FileChange] = []

    @property
    def files(self) -> tuple[str, ...]:
        """The paths that are written."""
        return tuple(change.path for change in self._changes)

    def apply(self) -> None:
        """Write the files. Raises `UserError`, with everything as it was, when one changed meanwhile or cannot be written."""
        try:
            # Whatever can run out of space or permission happens before the first file is replaced; the rest is renames.
            for change in self._changes:
                self._stage(change)
            for change in self._changes:
                if read_state(self._root, change.path) != change.before:
                    raise UserError("the file changed while the step was being landed", where=change.path, how="try again")
            for change in self._changes:
                place = self._root / change.path
                self._done.append(change)
                if change.after is None:
                    place.unlink()
                else:
                    self._new[change.path].replace(place)
                    del self._new[change.path]
        except BaseException as error:
            self.restore()
            if isinstance(error, OSError):
                where = os.fspath(error.filename or self._root)
                raise UserError(f"the project's files cannot be written: {error.strerror}", where=where) from None
            raise

    def restore(self) -> None:
        """Put back every file as it was before `apply`."""
        while self._done:
            change = self._done.pop()
            place = self._root / change.path
            if change.before is None:
                place.unlink(missing_ok=True)
            else:
                self._backup[change.path].replace(place)
                del self._backup[change.path]
        self._clear()
        for directory in reversed(self._made):
            with contextlib.suppress(OSError):
                directory.rmdir()

    def finish(self) -> None:
        """The change stays: remove the backups, and directories that a deleted file leaves empty, as git does."""
        self._clear()
        for change in self._changes:
            if change.after is not None:
                continue
            for directory in (self._root / change.path).parents:
                if directory == self._root:
                    break
                try:
                    directory.rmdir()
                except OSError:
                    break

    def _stage(self, change: FileChange) -> None:
        place = locate(self._root, change.path)
        for directory in reversed(place.parents):
            if not directory.exists():
                directory.mkdir()
                self._made.append(directory)
                _own_like(directory.parent, directory)
        if change.after is not None:
            self._new[change.path] = _write_beside(place, change.after, None)
        if change.before is not None:
            self._backup[change.path] = _write_beside(place, change.before, place.stat())

    def _clear(self) -> None:
        for scratch in (*self._new.values(), *self._backup.values()):
            with contextlib.suppress(OSError):
                scratch.unlink()
        self._new.clear()
        self._backup.clear()


def _write_beside(place: Path, state: FileState, times: os.stat_result | None) -> Path:
    """A new file next to `place` with this state, on the disk."""
    scratch = place.with_name(SCRATCH.format(f"{os.getpid()}-{secrets.token_hex(6)}"))
    wanted = 0o777 if state.executable else 0o666
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, wanted)
    try:
        with open(descriptor, "wb") as file:
            file.write(state.content)
            file.flush()
            os.fsync(file.fileno())
            _own_like(place if place.exists() else place.parent, file.fileno())
            if state.mode is not None:
                os.fchmod(file.fileno(), state.mode)
        if times is not None:
            os.utime(scratch, ns=(times.st_atime_ns, times.st_mtime_ns))
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise
    return scratch


def _own_like(like: Path, target: Path | int) -> None:
    """Run by root on somebody's project, the files stay that person's."""
    if os.geteuid() == 0:
        owner = like.stat()
        os.chown(target, owner.st_uid, owner.st_gid)
