"""What the fold over a session's events says of the time that was worked and of the head, on event streams made by hand."""

from __future__ import annotations

from dataclasses import replace

from mlagent_app.agent import events as ev
from mlagent_app.agent.events import Event
from mlagent_app.session.progress import Progress
from tests.report import sample

PAUSE, GO_ON = ev.Paused(), ev.Resumed()
QUESTION = ev.DecisionNeeded(step=1, question="accept", suggestion="accept", why="")
ALLOWED = ev.Decided(step=1, decision="run", by="user", reason="", commit="c0")


def ran(step: int = 1) -> list[tuple[float, Event]]:
    """A run of 5 seconds that begins 10 seconds after what was before."""
    return [(10.0, ev.RunStarted(step=step, repeat=1, command="", log_path="")), (5.0, finished(step, "ok", 5.0))]


def finished(step: int, outcome: str, seconds: float) -> Event:
    return ev.RunFinished(step=step, repeat=1, outcome=outcome, exit_code=0, seconds=seconds, value=0.5, line="", message="")


def active(*events: tuple[float, Event]) -> float:
    """The active seconds after these events, each with the seconds that passed before it."""
    progress, now = Progress(), 1000.0
    progress.apply(ev.Notice(text="begin"), now)
    for passed, event in events:
        now += passed
        progress.apply(event, now)
    return progress.active


def test_work_counts_and_a_pause_does_not() -> None:
    assert active((2.0, PAUSE), (100.0, GO_ON), (3.0, ev.Notice(text="")), *ran()) == 20.0


def test_a_run_that_is_asked_for_in_a_pause_counts_alone() -> None:
    assert active((2.0, PAUSE), *ran(), (100.0, GO_ON)) == 7.0


def test_a_run_that_is_asked_for_while_a_question_is_open_counts_alone() -> None:
    assert active((0.0, QUESTION), *ran(), (100.0, ALLOWED), (1.0, ev.Notice(text=""))) == 6.0
    assert active((0.0, QUESTION), (9.0, PAUSE), (9.0, GO_ON), *ran(), (9.0, ALLOWED)) == 5.0


def test_the_time_in_which_a_metric_was_asked_for_does_not_count() -> None:
    chosen = ev.MetricChosen(metric={"name": "accuracy", "direction": "max"}, line="", where="log", reason="")
    assert active((1.0, ev.MetricsFound(found=())), (50.0, chosen), (2.0, ev.Notice(text=""))) == 3.0


def test_a_process_that_was_killed_in_a_run_does_not_work_until_it_goes_on() -> None:
    started = ran()[0]
    assert active(started, (500.0, ev.Resumed(again=True)), (2.0, PAUSE), (50.0, GO_ON)) == 12.0


def stepped(progress: Progress, step: int, before: float, value: float) -> None:
    """A step that takes the metric from `before` to `value` and is kept."""
    edit = replace(sample.proposed(step), base=f"c{step - 1}")
    for event in (edit, sample.rewarded(step, before, value), sample.decided(step, "accept")):
        progress.apply(event, float(step))


def reverted(step: int) -> Event:
    return ev.Reverted(step=step, files=("train.py",), commit="", head=f"r{step}", note="")


def test_the_head_after_the_newest_step_was_undone_is_what_it_started_from() -> None:
    progress = Progress()
    for step in (1, 2, 3):
        stepped(progress, step, 0.5 + 0.1 * (step - 1), 0.5 + 0.1 * step)
    progress.apply(reverted(3), 4.0)
    assert progress.head == "r3" and progress.head_value == 0.7


def test_what_a_step_started_from_says_nothing_once_an_earlier_one_was_undone() -> None:
    progress = Progress()
    for step in (1, 2, 3):
        stepped(progress, step, 0.5 + 0.1 * (step - 1), 0.5 + 0.1 * step)
    progress.apply(reverted(1), 4.0)
    assert progress.head_value is None
    progress.apply(ev.HeadMeasured(value=0.75, why="step 1 was undone"), 5.0)
    progress.apply(reverted(3), 6.0)
    assert progress.head_value is None
