"""One session at a time on a project; and where the app keeps its state."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import socket
import time
from pathlib import Path
from types import TracebackType

from mlagent_app.agent.errors import UserError


def state_dir() -> Path:
    """Where sessions and locks lie: `MLAGENT_STATE_DIR`, else the user's state directory. Not made by this call."""
    chosen = os.environ.get("MLAGENT_STATE_DIR")
    if chosen:
        return Path(chosen).expanduser().absolute()
    from platformdirs import user_state_path  # here: most commands never need it

    return user_state_path("mlagent", appauthor=False)


class ProjectLock:
    """The right to work on one project, held until `release` or until the process dies: the kernel frees it then.

    A context manager; made by `project_lock`.
    """

    def __init__(self, descriptor: int, path: Path) -> None:
        self._descriptor: int | None = descriptor
        self.path = path

    def release(self) -> None:
        """Give the lock back. A second call does nothing."""
        if self._descriptor is None:
            return
        # The file stays: removing it would let two processes lock two different files of the same name.
        with contextlib.suppress(OSError):
            os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)
        self._descriptor = None

    def __enter__(self) -> ProjectLock:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.release()


def project_lock(project: Path, session: str) -> ProjectLock:
    """Take the lock of the project at `project` for `session`. Raises `UserError` when another process holds it."""
    root = project.resolve()
    directory = state_dir() / "locks"
    path = directory / f"{hashlib.sha256(os.fsencode(root)).hexdigest()[:24]}.lock"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise UserError(
            f"the state directory cannot be written: {error.strerror}",
            where=os.fspath(directory),
            how="set MLAGENT_STATE_DIR to a directory of yours",
        ) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = _holder(descriptor)
        os.close(descriptor)
        raise UserError(
            f"another ML-Agent session ({holder}) works on this project",
            where=os.fspath(root),
            how="wait for it to end, or stop it",
        ) from None
    except OSError as error:
        os.close(descriptor)
        raise UserError(
            f"this file system cannot lock files: {error.strerror}",
            where=os.fspath(directory),
            how="set MLAGENT_STATE_DIR to a directory on a local disk",
        ) from None
    since = time.strftime("%Y-%m-%d %H:%M:%S")
    lines = (str(os.getpid()), socket.gethostname(), session, since, os.fspath(root))
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, os.fsencode("\n".join(lines) + "\n"), 0)
    return ProjectLock(descriptor, path)


def is_alive(pid: int) -> bool:
    """Whether there is a process of this id on this machine."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _holder(descriptor: int) -> str:
    """Who holds a lock, from what it wrote into the file."""
    lines = os.fsdecode(os.pread(descriptor, 4096, 0)).split("\n")
    if len(lines) < 4:
        return "just started"
    pid, host, session, since = lines[:4]
    elsewhere = "" if host == socket.gethostname() else f" on {host}"
    named = f", session {session}" if session else ""  # a new one has no id yet
    return f"pid {pid}{elsewhere}, since {since}{named}"
