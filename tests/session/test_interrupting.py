"""Killing a run: what was asked for meanwhile, and what a pause and a question are afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlagent_app.agent import events as ev
from mlagent_app.agent.events import Event
from mlagent_app.session.control import Controls
from tests.session.outcomes import LONGER, edited_by
from tests.session.project import make_project
from tests.session.test_session import Recording, run

LONGER_STILL = LONGER.replace("40", "80").replace("20", "40")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    edited_by(monkeypatch, LONGER, LONGER_STILL)
    return make_project(tmp_path / "parabola")


def paused_part(seen: Recording) -> list[Event]:
    """What happened between the one pause and its end."""
    seen.one(ev.Paused)
    seen.one(ev.Resumed)
    first, last = (
        next(at for at, event in enumerate(seen.events) if isinstance(event, kind)) for kind in (ev.Paused, ev.Resumed)
    )
    return seen.events[first + 1 : last]


def runs(events: list[Event]) -> list[tuple[int, str]]:
    return [(event.step, event.outcome) for event in events if isinstance(event, ev.RunFinished)]


def test_a_step_is_measured_again_in_the_pause_after_a_kill(project: Path) -> None:
    pauses: list[bool] = []

    def react(event: Event, controls: Controls) -> None:
        match event:
            case ev.DecisionNeeded():
                controls.answer(event.step, "accept")
            case ev.RunStarted(step=2, repeat=0):
                controls.interrupt()
            case ev.Paused():
                controls.rerun(1)
                pauses.append(True)
            case ev.Measured(step=1) if pauses:
                pauses.append(controls.paused)
                controls.resume()
            case _:
                pass

    seen, _ = run(project, react, session__approve="run")
    assert pauses == [True, True]
    assert runs(paused_part(seen)) == [(1, "ok")]
    assert seen.one(ev.Paused).why == "interrupted"
    assert runs(seen.events)[-2:] == [(2, "ok"), (2, "ok")]


def test_a_kill_with_a_measurement_in_the_queue_pauses_and_then_measures(project: Path) -> None:
    def react(event: Event, controls: Controls) -> None:
        match event:
            case ev.RunStarted(step=2, repeat=0):
                controls.rerun(1)
                controls.interrupt()
            case ev.Measured(step=1) if controls.paused:
                controls.resume()
            case _:
                pass

    seen, _ = run(project, react)
    assert runs(paused_part(seen)) == [(1, "ok")]
    assert seen.one(ev.Paused).why == "interrupted"


def test_a_kill_of_a_measurement_from_the_queue_pauses(project: Path) -> None:
    asked: list[int] = []

    def react(event: Event, controls: Controls) -> None:
        match event:
            case ev.Decided(step=1):
                controls.rerun(1)
                asked.append(1)
            case ev.RunStarted(step=1) if asked:
                controls.interrupt()
            case ev.Paused():
                controls.resume()
            case _:
                pass

    seen, _ = run(project, react)
    assert paused_part(seen) == []
    assert runs(seen.events[: seen.events.index(seen.one(ev.Paused))])[-1] == (1, "killed")
    assert [event.step for event in seen.all(ev.Rewarded)][:2] == [1, 2]


@pytest.mark.parametrize("paused", [False, True])
def test_a_kill_of_a_measurement_at_a_question_leaves_the_question_open(project: Path, paused: bool) -> None:
    asked: list[int] = []

    def react(event: Event, controls: Controls) -> None:
        match event:
            case ev.DecisionNeeded(step=1):
                asked.append(1)
                if len(asked) > 1:
                    controls.answer(1, "accept")
                    return
                if paused:
                    controls.pause()
                controls.rerun(1)
            case ev.RunStarted(step=1) if asked:
                controls.interrupt()
            case ev.DecisionNeeded():
                controls.answer(event.step, "refuse")
            case ev.Paused():
                controls.resume()
            case _:
                pass

    seen, _ = run(project, react, session__approve="run")
    assert runs(seen.events[: seen.events.index(seen.all(ev.Decided)[0])])[-1] == (1, "killed")
    assert asked == [1, 1]
    assert seen.all(ev.Decided)[0].decision == "accept"
    # Whoever had paused before is still paused once the question is answered; nobody else is.
    assert len(seen.all(ev.Paused)) == paused


def test_a_kill_of_a_measurement_in_a_pause_leaves_it_a_pause(project: Path) -> None:
    after: list[bool] = []

    def react(event: Event, controls: Controls) -> None:
        match event:
            case ev.RunStarted(step=1, repeat=0):
                controls.pause()
            case ev.Paused():
                controls.rerun(1)
            case ev.RunStarted(step=1) if controls.paused and any(isinstance(one, ev.Paused) for one in recorded):
                controls.interrupt()
            case ev.RunFinished(outcome="killed"):
                controls.set_approve("run")  # taken once the killed run has been dealt with
            case ev.ApproveChanged():
                after.append(controls.paused)
                controls.resume()
            case ev.DecisionNeeded():
                controls.answer(event.step, "accept")
            case _:
                pass
        recorded.append(event)

    recorded: list[Event] = []
    seen, _ = run(project, react)
    assert after == [True]
    assert runs(paused_part(seen)) == [(1, "killed")]


def test_an_interrupt_is_taken_back_to_what_was_before() -> None:
    controls = Controls()
    controls.interrupt()
    controls.interrupt()
    controls.forget_interrupt()
    assert (controls.paused, controls.cancel.is_set()) == (False, False)
    controls.pause()
    controls.interrupt()
    controls.forget_interrupt()
    assert (controls.paused, controls.cancel.is_set()) == (True, False)


def test_nothing_takes_back_that_the_session_stops() -> None:
    controls = Controls()
    controls.stop()
    controls.resume()
    controls.spare()
    controls.forget_interrupt()
    assert controls.cancel.is_set()
