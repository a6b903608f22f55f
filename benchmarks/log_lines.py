"""100,000 log lines on the session screen: the longest stall of the app, against `Log.write_line` for each line.

Run it with the environment's Python: `python benchmarks/log_lines.py`. A stall is the time by which the event loop is late:
what a person waits between a key and its effect. Prints both and fails above the budget.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path

from textual.app import App, ComposeResult
from textual.widgets import Log

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mlagent_app.agent.events import Event, LogLines, RunStarted
from mlagent_app.plan import Plan
from mlagent_app.session.control import Controls
from mlagent_app.tui.app import MLAgentApp
from mlagent_app.tui.screens.opening import OpeningScreen
from mlagent_app.tui.screens.session import SessionScreen
from mlagent_app.tui.widgets.log_pane import Lines
from tests.tui.recording import PLAN, STARTED

COUNT = 100_000
BATCH = 100
BUDGET = 0.1
LAST = f"step {COUNT - 1:>6}  loss 0.6931  val_accuracy 0.9416"


def line(at: int) -> str:
    """A line as a training run prints it."""
    return f"step {at:>6}  loss 0.6931  val_accuracy 0.9416"


class Flood:
    """A backend that prints as fast as a thread can once it is let go."""

    def __init__(self) -> None:
        self.go = False
        self.session = ""

    def open(self) -> Plan:
        return PLAN

    def run(self, plan: Plan, emit: Callable[[Event], None], controls: Controls) -> None:
        del plan
        emit(STARTED)
        emit(RunStarted(step=0, repeat=0, command="python train.py", log_path="/dev/null"))
        while not self.go:
            time.sleep(0.01)
        for start in range(0, COUNT, BATCH):
            emit(LogLines(step=0, lines=tuple(line(at) for at in range(start, start + BATCH))))
        while not controls.stopping:
            time.sleep(0.05)


class Peer(App[None]):
    """Textual's own log, line by line."""

    def compose(self) -> ComposeResult:
        yield Log(max_lines=10_000)


class Stalls:
    """Watches by how much the event loop is late."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Stalls:
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _watch(self) -> None:
        nap = 0.002
        while True:
            began = time.perf_counter()
            await asyncio.sleep(nap)
            self.longest = max(self.longest, time.perf_counter() - began - nap)


async def ours() -> tuple[float, float]:
    """(seconds until the last line is shown, longest stall)."""
    flood = Flood()
    app = MLAgentApp(flood, "project")
    async with app.run_test(size=(120, 40)) as pilot:
        while not (isinstance(app.screen, OpeningScreen) and app.screen.plan is not None):
            await asyncio.sleep(0.01)
        await pilot.press("enter")
        while not isinstance(app.screen, SessionScreen):
            await asyncio.sleep(0.01)
        await pilot.press("l")
        await pilot.pause(0.5)
        lines = app.screen.query_one(Lines)
        began = time.perf_counter()
        async with Stalls() as stalls:
            flood.go = True
            while not lines.lines or lines.lines[-1] != LAST:
                await asyncio.sleep(0.005)
        took = time.perf_counter() - began
        app.screen.thread.controls.stop()
        return took, stalls.longest


async def peer() -> tuple[float, float]:
    """The same for `Log.write_line`, called for each line; the loop is given a turn after every batch."""
    app = Peer()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        log = app.query_one(Log)
        began = time.perf_counter()
        async with Stalls() as stalls:
            for start in range(0, COUNT, BATCH):
                for at in range(start, start + BATCH):
                    log.write_line(line(at))
                await asyncio.sleep(0)
        return time.perf_counter() - began, stalls.longest


def main() -> None:
    """Measure both in one run."""
    took, stall = asyncio.run(ours())
    print(f"session screen  {COUNT:,} lines in {took:6.2f} s, longest stall {1000 * stall:6.0f} ms (budget {BUDGET:g} s)")
    took, other = asyncio.run(peer())
    print(f"Log.write_line  {COUNT:,} lines in {took:6.2f} s, longest stall {1000 * other:6.0f} ms")
    if stall > BUDGET:
        sys.exit(1)


if __name__ == "__main__":
    main()
