"""The app: an opening screen, then the session's."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.actions import SkipAction
from textual.app import App
from textual.command import Provider
from textual.screen import Screen
from textual.types import CSSPathType

from mlagent_app.agent.errors import Exit
from mlagent_app.tui.link import Backend, unexpected
from mlagent_app.tui.screens.opening import OpeningScreen
from mlagent_app.tui.theme import DARK, LIGHT

if TYPE_CHECKING:
    from mlagent_app.plan import Plan
    from mlagent_app.tui.screens.deciding import DecidingScreen


def _session_commands() -> type[Provider]:
    from mlagent_app.tui.commands import SessionCommands

    return SessionCommands


# A stopping session kills its run within two seconds; one that does not must not keep the process.
PATIENCE = 8.0
HERE = Path(__file__).parent


class MLAgentApp(App[None]):
    """Improves one project, by way of `backend`."""

    TITLE = "ML-Agent"
    # The first screen is not pushed, so its stylesheet is read with the app's own.
    CSS_PATH: ClassVar[CSSPathType | None] = [HERE / "app.tcss", HERE / "screens" / "opening.tcss"]
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = App.COMMANDS | {_session_commands}

    def __init__(self, backend: Backend, project: str, clock: Callable[[], float] = time.monotonic) -> None:
        """`project` is its name for the title; `clock` gives seconds, for what is shown as passed."""
        super().__init__()
        self.backend = backend
        self.project = project
        self.clock = clock
        self._session: DecidingScreen | None = None
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        if "TEXTUAL_THEME" not in os.environ:
            self.theme = DARK.name

    def get_default_screen(self) -> Screen[None]:
        """The opening screen is the first frame."""
        return OpeningScreen(self.backend, self.project, self.clock)

    def on_mount(self) -> None:
        """A `kill` or a closed terminal stops the session as `q` does, so that no run is left behind."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.interrupt)
        loop.add_signal_handler(signal.SIGHUP, self.hang_up)

    def on_opening_screen_started(self, event: OpeningScreen.Started) -> None:
        """Leave the opening screen for the session."""
        self._begin(event.plan)

    def _begin(self, plan: Plan) -> None:
        from mlagent_app.tui.screens.session import SessionScreen

        self._session = SessionScreen(self.backend, plan, self.clock)
        self.push_screen(self._session)

    def interrupt(self) -> None:
        """Leave without asking, as a signal demands."""
        session = self._session
        if session is None:
            self.exit(return_code=Exit.INTERRUPTED)
        else:
            session.leave(Exit.INTERRUPTED)

    def hang_up(self) -> None:
        """Leave when the terminal is gone: nothing more can be drawn, and putting it in order would wait for ever."""
        session = self._session

        def end() -> None:
            if session is not None:
                session.thread.controls.stop()
                session.thread.join(PATIENCE)
            os._exit(Exit.INTERRUPTED)

        threading.Thread(target=end, name="hang-up", daemon=True).start()

    async def action_quit(self) -> None:
        """ctrl+q does what q does."""
        self._leave_politely()

    def action_help_quit(self) -> None:
        """ctrl+c, when no text is selected, does so too."""
        self._leave_politely()

    def _leave_politely(self) -> None:
        session = self._session
        if session is None:
            self.exit(return_code=Exit.INTERRUPTED)
        elif self.screen is session:
            session.action_leave()
        else:
            # What is open over the session has its own meaning for these keys.
            raise SkipAction

    def _handle_exception(self, error: Exception) -> None:
        """One line instead of Textual's traceback with all local variables, which is no help to a user."""
        session = self._session
        if session is not None:
            session.thread.controls.stop()
        self._return_code = 1
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        self.panic(unexpected(error))
