"""git's lock of an index, taken the way git takes it; one that we left when we were killed is known again and removed."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

from mlagent_app.agent.errors import UserError
from mlagent_app.repo.locks import is_alive

_NAME = "ML-Agent"

# Seconds to wait for a lock of another process: an editor's `git status` holds it for a moment only.
PATIENCE = 5.0
_POLL = 0.05


class IndexHeld(UserError):
    """Another git process holds the lock of the index, and went on holding it."""


class IndexLock:
    """The lock of the index in `git_dir`. Other git processes only look whether the lock file is there, not into it."""

    def __init__(self, git_dir: Path) -> None:
        self.index = git_dir / "index"
        self._lock = git_dir / "index.lock"
        self._next = git_dir / "index.mlagent"
        self._held = False

    def wait_until_free(self) -> None:
        """Wait a few seconds for the lock of another process to go. Raises `IndexHeld` when it stays."""
        deadline = time.monotonic() + PATIENCE
        while not self.clear_own():
            if time.monotonic() >= deadline:
                raise self._refusal()
            time.sleep(_POLL)

    def take(self) -> None:
        """Take the lock. Raises `IndexHeld` when another process holds it and `UserError` when it cannot be written."""
        while True:
            self.wait_until_free()
            try:
                descriptor = os.open(self._lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
                break
            except FileExistsError:
                continue  # another process was faster
            except OSError as error:
                raise UserError(f"the git index cannot be written: {error.strerror}", where=os.fspath(self.index)) from None
        self._held = True
        with open(descriptor, "wb") as file:
            file.write(f"{_NAME} {os.getpid()} {socket.gethostname()}\n".encode())

    def replace(self, content: bytes, *, modified_ns: int | None = None) -> None:
        """Put a whole new index in the place of the present one, in one step. The lock must be held.

        `modified_ns` is for an index that was there before: from its time git knows which files may have changed unnoticed.
        """
        mode = self.index.stat().st_mode & 0o7777
        with self._next.open("wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        if modified_ns is not None:
            os.utime(self._next, ns=(modified_ns, modified_ns))
        self._next.replace(self.index)

    def release(self) -> None:
        """Give the lock back, if it is held."""
        if self._held:
            self._held = False
            self._next.unlink(missing_ok=True)
            self._lock.unlink(missing_ok=True)

    def clear_own(self) -> bool:
        """Remove the lock of a process of ours that is dead. Whether there is no lock now."""
        try:
            words = self._lock.read_bytes()[:200].decode("utf-8", "replace").split()
        except FileNotFoundError:
            return True
        except OSError:
            return False
        if len(words) != 3 or words[0] != _NAME or words[2] != socket.gethostname() or not words[1].isdigit():
            return False
        if is_alive(int(words[1])):
            return False
        try:
            self._next.unlink(missing_ok=True)
            self._lock.unlink(missing_ok=True)
        except OSError:
            return False
        return True

    def _refusal(self) -> IndexHeld:
        return IndexHeld(
            "another git process is at work in the project",
            where=os.fspath(self._lock),
            how="wait for it to end; if none runs, remove that file",
        )
