"""What the app needs from the outside, the `Backend`, and the way of events from its thread to the screen."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from mlagent_app.agent.errors import UserError
from mlagent_app.agent.events import Event, Failed
from mlagent_app.session.control import Controls

if TYPE_CHECKING:
    # The first frame does without it: making a plan needs the whole of detection.
    from mlagent_app.plan import Plan


class Backend(Protocol):
    """Opens one project and runs one session. Both methods block and are called in a thread of their own."""

    def open(self) -> Plan:
        """What was detected, and from where. Raises `UserError`; changes nothing."""
        ...

    def run(self, plan: Plan, emit: Callable[[Event], None], controls: Controls) -> object:
        """Run a session to its end. `emit` may be called from any thread; raises `UserError` when it cannot begin."""
        ...


class DeferredBackend:
    """A backend that is made when the project is opened, in that thread: the first frame does not wait for its imports."""

    def __init__(self, make: Callable[[], Backend]) -> None:
        self._make = make
        self._made: Backend | None = None

    def open(self) -> Plan:
        """Make the backend, once, and open the project. Raises `UserError`."""
        self._made = self._made or self._make()
        return self._made.open()

    def run(self, plan: Plan, emit: Callable[[Event], None], controls: Controls) -> object:
        """Run the session of the backend that `open` made."""
        if self._made is None:
            raise RuntimeError("a project is opened before a session is run")
        return self._made.run(plan, emit, controls)


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

    def take(self, most: int) -> list[Event]:
        """The next events, at most `most`; `wake` is called again when some are left."""
        with self._lock:
            taken = [self._events.popleft() for _ in range(min(most, len(self._events)))]
            self._woken = bool(self._events)
        if self._woken:
            self._wake()
        return taken


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

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def take(self, most: int) -> list[Event]:
        """The next events, at most `most`."""
        return self._inbox.take(most)

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


def unexpected(error: BaseException) -> str:
    """One line for an error that is nobody's fault but ours."""
    text = " ".join(str(error).split())
    return f"an unexpected error: {type(error).__name__}{f': {text}' if text else ''} - please report it; --continue goes on"
