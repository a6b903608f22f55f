"""What the app needs from the outside: the `Backend`. Light: the first frame imports it."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mlagent_app.agent.events import Event
    from mlagent_app.plan import Plan
    from mlagent_app.session.control import Controls


class Backend(Protocol):
    """Opens one project and runs one session. Both methods block and are called in a thread of their own."""

    @property
    def session(self) -> str:
        """Once the project is opened: the session that goes on, empty for a new one."""
        ...

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

    @property
    def session(self) -> str:
        """The session that goes on, empty for a new one."""
        return self._made.session if self._made is not None else ""

    def open(self) -> Plan:
        """Make the backend, once, and open the project. Raises `UserError`."""
        self._made = self._made or self._make()
        return self._made.open()

    def run(self, plan: Plan, emit: Callable[[Event], None], controls: Controls) -> object:
        """Run the session of the backend that `open` made."""
        if self._made is None:
            raise RuntimeError("a project is opened before a session is run")
        return self._made.run(plan, emit, controls)


def unexpected(error: BaseException) -> str:
    """One line for an error that is our fault; the traceback goes to a file that the line names."""
    text = " ".join(str(error).split())[:200]
    return f"an unexpected error: {type(error).__name__}{f': {text}' if text else ''} - the details are in {_keep(error)}"


def _keep(error: BaseException) -> str:
    """Write the traceback where a bug report can find it; where that is."""
    from mlagent_app.repo.locks import state_dir

    try:
        path = state_dir() / "crash.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(traceback.format_exception(error)), "utf-8")
    except OSError as problem:
        return f"no file ({problem.strerror})"
    return str(path)
