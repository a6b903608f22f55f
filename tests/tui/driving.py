"""Running the app under a `Pilot` until something has happened."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from textual.pilot import Pilot

from mlagent_app.tui.app import MLAgentApp
from mlagent_app.tui.screens.opening import OpeningScreen
from mlagent_app.tui.screens.session import SessionScreen
from tests.tui.recording import PLAN
from tests.tui.scripted import Item, ScriptedBackend

PATIENCE = 60.0


async def until(pilot: Pilot[None], true: Callable[[], object], what: str = "") -> None:
    """Let the app work until `true()`; fails when it never comes."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, f"waited in vain{f' for {what}' if what else ''}"
        await pilot.pause()
        await asyncio.sleep(0.01)
    await pilot.pause()


class Driven:
    """A running app with its backend."""

    def __init__(self, app: MLAgentApp, backend: ScriptedBackend, pilot: Pilot[None]) -> None:
        self.app = app
        self.backend = backend
        self.pilot = pilot

    @property
    def session(self) -> SessionScreen:
        """The session's screen, also under a dialog."""
        return next(screen for screen in self.app.screen_stack if isinstance(screen, SessionScreen))

    @property
    def opening(self) -> OpeningScreen:
        """The opening screen."""
        return next(screen for screen in self.app.screen_stack if isinstance(screen, OpeningScreen))

    async def until(self, true: Callable[[], object], what: str = "") -> None:
        """See `until`."""
        await until(self.pilot, true, what)

    async def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def started(self, true: Callable[[SessionScreen], object]) -> None:
        """From the opening screen into the session, until `true(session)`."""
        await self.until(lambda: self.opening.plan is not None, "the plan")
        await self.press("enter")
        await self.until(lambda: len(self.app.screen_stack) > 1, "the session's screen")
        await self.until(lambda: true(self.session), "the session's state")

    def text(self, selector: str) -> str:
        """What a widget shows, as text."""
        widgets = self.app.screen.query(selector)
        lines = [strip.text for widget in widgets for strip in widget.render_lines(widget.outer_size.region)]
        return "\n".join(lines).rstrip()


@asynccontextmanager
async def driven(
    script: list[Item], *, size: tuple[int, int] = (120, 40), backend: ScriptedBackend | None = None
) -> AsyncGenerator[Driven]:
    """The app on a scripted backend; its session is stopped in the end."""
    backend = backend or ScriptedBackend(PLAN, script)
    app = MLAgentApp(backend, "~/digits")
    async with app.run_test(size=size) as pilot:
        run = Driven(app, backend, pilot)
        try:
            yield run
        finally:
            for screen in app.screen_stack:
                if isinstance(screen, SessionScreen):
                    screen.thread.controls.stop()
