"""What a stage says while it works: a bar with the time left on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

# Without a terminal: at most one line in so many seconds.
LINE_SECONDS = 15.0


class Tell(Protocol):
    """`done` of `total` is for the bar; 0 of 0 is a line that stays."""

    def __call__(self, text: str, done: int = 0, total: int = 0) -> None: ...


def silent(text: str, done: int = 0, total: int = 0) -> None:
    """Says nothing."""
    del text, done, total


class Telling:
    """`Tell` on stderr, for one stage."""

    def __init__(self, stage: str) -> None:
        self._stage = stage
        self._console = Console(stderr=True, highlight=False)
        self._bar: Progress | None = None
        self._task = TaskID(0)
        self._began = time.monotonic()
        self._first: int | None = None
        self._last = 0.0

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            columns = (TextColumn("[bold]{task.fields[stage]}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            left = (TextColumn("left"), TimeRemainingColumn(), TextColumn("{task.description}"))
            self._bar = Progress(*columns, *left, console=self._console)
            self._task = self._bar.add_task("", total=None, stage=self._stage)
            self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, text: str, done: int = 0, total: int = 0) -> None:
        """Say it."""
        if self._bar is not None:
            if total:
                self._bar.update(self._task, completed=done, total=total, description=text)
            else:
                self._bar.console.print(f"{self._stage}: {text}", markup=False)
            return
        now = time.monotonic()
        if total and done < total and now - self._last < LINE_SECONDS:
            return
        self._last = now
        sys.stderr.write(f"{self._stage}: {self._counted(text, done, total, now)}\n")
        sys.stderr.flush()

    def _counted(self, text: str, done: int, total: int, now: float) -> str:
        if not total:
            return text
        if self._first is None or done < self._first:
            self._first, self._began = done, now
        made = done - self._first
        left = f", about {clock((now - self._began) / made * (total - done))} left" if made and done < total else ""
        return f"{done} of {total}{left}: {text}"


def clock(seconds: float) -> str:
    """A duration for people: `45 s`, `12 min`, `3.5 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
