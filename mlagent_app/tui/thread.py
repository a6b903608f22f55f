"""The session's thread, and the way of its events to the screen. No Textual."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from mlagent_app.agent.errors import UserError
from mlagent_app.agent.events import Event, Failed
from mlagent_app.session.control import Controls
from mlagent_app.tui.link import Backend, unexpected

if TYPE_CHECKING:
    from mlagent_app.plan import Plan


class Inbox:
    """Events on their way from the session's thread to the screen.

    `wake` is called once for any number of events until `take` is called, so that a session that prints faster than a
    screen can draw never fills the app's message queue, behind which key presses would wait.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._lock = threading.Lock()
        self._events: deque[Event] = deque()
        self._woken = False

    def put(self, event: Event) -> None:
        """Add an event, from any thread."""
        with self._lock:
            self._events.append(event)
            wake = not self._woken
            self._woken = True
        if wake:
            self._wake()

    def take(self, go_on: Callable[[], bool]) -> Iterator[Event]:
        """The events so far, as long as `go_on()` says so; `wake` is called again when some are left."""
        while go_on():
            with self._lock:
                if not self._events:
                    self._woken = False
                    return
                event = self._events.popleft()
            yield event
        self._wake()


class SessionThread:
    """Runs a backend's session in a daemon thread and collects its events.

    `wake` is called from any thread when there is something to `take`. Whatever the backend raises becomes a `Failed`
    event, so that a screen has one way to learn of an end; `alive` is False once nothing more will come.
    """

    def __init__(self, backend: Backend, plan: Plan, wake: Callable[[], None]) -> None:
        self.controls = Controls()
        self._backend = backend
        self._plan = plan
        self._inbox = Inbox(wake)
        self._wake = wake
        self._finished = threading.Event()
        self._thread = threading.Thread(target=self._run, name="session", daemon=True)

    @property
    def alive(self) -> bool:
        """Whether events may still come."""
        return not self._finished.is_set()

    def join(self, seconds: float) -> None:
        """Wait for the end, at most so long."""
        self._finished.wait(seconds)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def take(self, go_on: Callable[[], bool]) -> Iterator[Event]:
        """The events so far, as long as `go_on()` says so."""
        return self._inbox.take(go_on)

    def _run(self) -> None:
        try:
            self._backend.run(self._plan, self._inbox.put, self.controls)
        except UserError as error:
            self._inbox.put(Failed(message=error.line(), code=int(error.code)))
        except Exception as error:
            # The last line of defence: a person sees one line, not a traceback over the screen.
            self._inbox.put(Failed(message=unexpected(error), code=1))
        finally:
            self._finished.set()
            self._wake()
