"""A real terminal: a program in tmux, its keys and its screen."""

from __future__ import annotations

import shlex
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from tests.cli.program import environment


class Terminal:
    """One program in one pane of a tmux server of its own. Use as a context manager."""

    def __init__(self, command: Sequence[str], directory: Path, *, width: int = 120, height: int = 40) -> None:
        self._socket = str(directory / "tmux.sock")
        self._status = directory / "exit-status"
        # Colour is asked for, and the test's own state directories are handed on: a tmux server keeps no environment.
        given = environment() | {"TERM": "screen-256color", "LANG": "C.UTF-8"}
        given.pop("NO_COLOR")
        exports = " ".join(shlex.quote(f"{key}={value}") for key, value in given.items() if _wanted(key))
        line = f"env -u COLUMNS -u LINES {exports} {shlex.join(command)}; echo $? > {shlex.quote(str(self._status))}; sleep 600"
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", str(width), "-y", str(height), line)

    def _tmux(self, *arguments: str) -> str:
        done = subprocess.run(["tmux", "-u", "-S", self._socket, *arguments], capture_output=True, text=True, check=True)
        return done.stdout

    def screen(self) -> str:
        """What is to be seen now."""
        return self._tmux("capture-pane", "-p")

    def press(self, *keys: str) -> None:
        """Press keys by tmux's names for them."""
        self._tmux("send-keys", *keys)

    def wait_for(self, *words: str, seconds: float = 60) -> str:
        """The screen, once it shows all of these words; fails with the last screen when it never does."""
        return self._until(lambda screen: all(word in screen for word in words), f"never showed {words}", seconds)

    def exit_status(self, seconds: float = 30) -> int:
        """The program's exit status, once it has ended."""
        self._until(lambda _: self._status.exists() and bool(self._status.read_text()), "the program did not end", seconds)
        return int(self._status.read_text())

    def _until(self, done: Callable[[str], bool], problem: str, seconds: float) -> str:
        end = time.monotonic() + seconds
        while True:
            screen = self.screen()
            if done(screen):
                return screen
            if time.monotonic() > end:
                raise AssertionError(f"{problem}\n{screen}")
            time.sleep(0.1)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        subprocess.run(["tmux", "-S", self._socket, "kill-server"], capture_output=True, check=False)


def _wanted(name: str) -> bool:
    return name in ("HOME", "PATH", "TERM", "PYTHONPATH", "OMP_NUM_THREADS", "LANG") or name.startswith(
        ("XDG_", "MLAGENT_", "GIT_")
    )
