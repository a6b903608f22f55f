"""Dialogs over the session screen: leaving, stopping, the metric that is asked, the summary."""

from __future__ import annotations

import pytest

from mlagent_app.agent.events import Failed
from mlagent_app.tui.screens.dialogs import ConfirmDialog, LeaveDialog, MetricDialog
from mlagent_app.tui.screens.help import HelpScreen
from mlagent_app.tui.screens.session import SessionScreen
from mlagent_app.tui.screens.summary import SummaryScreen
from tests.tui.driving import driven
from tests.tui.recording import BASELINE, BEGINNING, ENDED, QUESTION, RUNNING, decided, landed, step
from tests.tui.scripted import Gate, Hold
from tests.tui.situations import ASKED, METRIC_ASKED, asking, running, said


async def test_stop_asks_first() -> None:
    async with driven([*RUNNING, Hold()]) as run:
        await run.started(running)
        await run.press("s", "n")
        assert not run.session.thread.controls.stopping
        await run.press("s", "y")
        await run.until(lambda: isinstance(run.app.screen, SummaryScreen))
        assert run.backend.done == ["stopped"]
        assert run.session.view.summary.ended is not None


@pytest.mark.parametrize(("key", "code"), [("q", 0), ("ctrl+q", 0), ("ctrl+c", 0)])
async def test_quitting_in_the_middle_stops_the_session_first(key: str, code: int) -> None:
    async with driven([*RUNNING, Hold()]) as run:
        await run.started(running)
        await run.press(key)
        assert isinstance(run.app.screen, ConfirmDialog)
        await run.press("n")
        assert not run.session.thread.controls.stopping
        await run.press(key, "y")
        await run.until(lambda: run.app.return_code is not None)
        assert run.app.return_code == code
        assert run.backend.done == ["stopped"]


@pytest.mark.parametrize("key", ["ctrl+c", "ctrl+q"])
async def test_the_keys_that_leave_mean_yes_only_where_leaving_is_asked(key: str) -> None:
    async with driven(ASKED) as run:
        await run.started(asking)
        await run.press("up", "up", "up", "v")
        assert isinstance(run.app.screen, ConfirmDialog)
        await run.press(key)
        assert isinstance(run.app.screen, SessionScreen)
        await run.press("s", key)
        assert isinstance(run.app.screen, SessionScreen)
        assert not run.session.thread.controls.stopping
        assert run.backend.requests == []
        await run.press(key)
        assert isinstance(run.app.screen, LeaveDialog)
        await run.press(key)
        await run.until(lambda: run.app.return_code is not None)
        assert run.backend.done == ["stopped"]


async def test_a_signal_stops_the_session_without_asking() -> None:
    async with driven([*RUNNING, Hold()]) as run:
        await run.started(running)
        run.app.interrupt()
        await run.until(lambda: run.app.return_code is not None)
        assert run.app.return_code == 130
        assert run.backend.done == ["stopped"]


async def test_quitting_after_the_end_asks_nothing() -> None:
    async with driven(ENDED) as run:
        await run.started(lambda session: session.view.over)
        await run.until(lambda: isinstance(run.app.screen, SummaryScreen))
        await run.press("q")
        await run.until(lambda: run.app.return_code is not None)
        assert run.app.return_code == 0


async def test_after_the_end_decisions_say_that_it_is_over() -> None:
    async with driven(ENDED) as run:
        await run.started(lambda session: session.view.over)
        await run.until(lambda: isinstance(run.app.screen, SummaryScreen))
        await run.press("escape", "m", "v", "p", "s", "e", "escape", "a", "r")
        assert isinstance(run.app.screen, SessionScreen)
        assert run.backend.requests == []


async def test_the_summary_is_there_at_any_time() -> None:
    async with driven(ASKED) as run:
        await run.started(asking)
        await run.press("i")
        assert isinstance(run.app.screen, SummaryScreen)
        words = run.text("#summary")
        assert "0.9500" in words and "mlagent report" in words
        await run.press("escape")
        assert run.session.view.question is not None


async def test_no_line_of_the_summary_is_broken_twice() -> None:
    long = " ".join(["word"] * 12)
    failed = Failed(message=f"it broke: {long} {long}", code=3)
    script = [*BASELINE, *step(1, long, 0.94, 0.96, 1.0), decided(1, "accept"), landed(1), failed]
    async with driven(script, size=(80, 24)) as run:
        await run.started(lambda session: session.view.over)
        await run.press("i")
        assert isinstance(run.app.screen, SummaryScreen)
        lines = [line.rstrip() for line in run.text("#summary").splitlines()]
        # Wrapped once, a line of words is short only where its last words stand.
        assert max(map(len, lines)) <= 70
        assert [line for line in lines if line and " " not in line.strip()] == []


async def test_the_metric_is_chosen_by_the_person() -> None:
    async with driven([*BEGINNING, *METRIC_ASKED, Hold()]) as run:
        await run.started(asking)
        await run.until(lambda: isinstance(run.app.screen, MetricDialog))
        await run.press("escape")
        assert isinstance(run.app.screen, SessionScreen)
        await run.press("space")
        assert said(run) == "The metric is asked, not an edit: choose it with a."
        await run.press("a", "down")
        assert "the training loss" in run.text("#metric-line")
        await run.press("enter")
        await run.until(lambda: run.backend.requests)
        assert (run.backend.requests[0].step, run.backend.requests[0].choice) == (0, 1)


@pytest.mark.parametrize(("key", "close"), [("question_mark", "enter"), ("s", "n"), ("e", "enter")])
async def test_the_metric_is_asked_when_no_dialog_is_open(key: str, close: str) -> None:
    gate = Gate()
    async with driven([*BEGINNING, gate, *METRIC_ASKED, Hold()]) as run:
        await run.started(lambda session: session.view.activity.phase == "running")
        await run.press(key)
        over = run.app.screen
        assert over is not run.session
        gate.open()
        await run.until(lambda: asking(run.session))
        assert run.app.screen is over
        await run.press(close)
        await run.until(lambda: isinstance(run.app.screen, MetricDialog))
        assert run.backend.requests == []
        await run.press("escape")
        assert isinstance(run.app.screen, SessionScreen)


async def test_the_summary_waits_for_a_dialog_to_close() -> None:
    gate = Gate()
    async with driven([*QUESTION[:-1], gate, *ENDED[-4:]]) as run:
        await run.started(lambda session: session.view.activity.phase == "deciding")
        await run.press("question_mark")
        gate.open()
        await run.until(lambda: not run.session.thread.alive and run.session.view.over)
        assert isinstance(run.app.screen, HelpScreen)
        await run.press("enter")
        await run.until(lambda: isinstance(run.app.screen, SummaryScreen))
        await run.press("enter")
        assert isinstance(run.app.screen, SessionScreen)


async def test_leaving_a_session_that_has_just_ended_shows_no_summary() -> None:
    gate = Gate()
    async with driven([*QUESTION[:-1], gate, *ENDED[-4:]]) as run:
        await run.started(lambda session: session.view.activity.phase == "deciding")
        await run.press("q")
        gate.open()
        await run.until(lambda: not run.session.thread.alive and run.session.view.over)
        assert isinstance(run.app.screen, LeaveDialog)
        await run.press("y")
        await run.until(lambda: run.app.return_code is not None)
        assert not any(isinstance(screen, SummaryScreen) for screen in run.app.screen_stack)
