"""The way of events between threads, and what becomes of errors on it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from mlagent_app.agent.errors import Exit, UserError
from mlagent_app.agent.events import Event, Failed, LogLines
from mlagent_app.plan import Plan
from mlagent_app.session.control import Controls
from mlagent_app.tui.link import DeferredBackend
from mlagent_app.tui.thread import Inbox, SessionThread
from tests.tui.recording import ENDED, PLAN
from tests.tui.scripted import ScriptedBackend


def lines(at: int) -> LogLines:
    return LogLines(step=at, lines=())


def most(count: int) -> Callable[[], bool]:
    """Go on for `count` events."""
    left = iter(range(count))
    return lambda: next(left, None) is not None


def always() -> bool:
    return True


def test_many_events_wake_once() -> None:
    woken: list[int] = []
    inbox = Inbox(lambda: woken.append(1))
    for at in range(1000):
        inbox.put(lines(at))
    assert len(woken) == 1
    assert list(inbox.take(most(600))) == [lines(at) for at in range(600)]
    assert len(woken) == 2
    assert list(inbox.take(always)) == [lines(at) for at in range(600, 1000)]
    assert len(woken) == 2
    inbox.put(lines(0))
    assert len(woken) == 3


def test_no_event_is_lost_between_two_threads() -> None:
    ready = threading.Event()
    inbox = Inbox(ready.set)
    count = 20_000
    thread = threading.Thread(target=lambda: [inbox.put(lines(at)) for at in range(count)])
    thread.start()
    taken: list[Event] = []
    while len(taken) < count:
        assert ready.wait(10)
        ready.clear()
        taken += inbox.take(most(500))
    thread.join()
    assert taken == [lines(at) for at in range(count)]


class Raising:
    """A backend that cannot run."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.session = ""

    def open(self) -> Plan:
        return PLAN

    def run(self, plan: Plan, emit: Callable[[Event], None], controls: Controls) -> None:
        del plan, emit, controls
        raise self.error


def finish(backend: ScriptedBackend | Raising) -> list[Event]:
    done = threading.Event()
    thread = SessionThread(backend, PLAN, done.set)
    thread.start()
    while thread.alive:
        assert done.wait(10)
        done.clear()
    return list(thread.take(always))


def test_a_session_ends_with_its_thread() -> None:
    assert finish(ScriptedBackend(PLAN, ENDED)) == ENDED


def test_what_a_user_can_mend_becomes_a_failure_with_its_exit_code() -> None:
    (event,) = finish(Raising(UserError("no sandbox is available", how="start Docker", code=Exit.NO_SANDBOX)))
    assert event == Failed(message="no sandbox is available - start Docker", code=5)


def test_what_nobody_foresaw_becomes_one_line_and_a_file(isolated: Path) -> None:
    (event,) = finish(Raising(ZeroDivisionError("division\nby zero")))
    assert isinstance(event, Failed)
    assert event.code == 1
    assert "ZeroDivisionError: division by zero" in event.message and "\n" not in event.message
    assert "Traceback" in (isolated / "state" / "crash.log").read_text()


def test_a_deferred_backend_is_made_once_when_the_project_is_opened() -> None:
    made: list[ScriptedBackend] = []

    def make() -> ScriptedBackend:
        made.append(ScriptedBackend(PLAN, ENDED))
        return made[-1]

    backend = DeferredBackend(make)
    assert made == []
    assert backend.open() is PLAN and backend.open() is PLAN
    events: list[Event] = []
    backend.run(PLAN, events.append, Controls())
    assert len(made) == 1 and events == ENDED
