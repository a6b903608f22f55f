"""The view is a fold over events, and nothing else."""

from __future__ import annotations

from mlagent_app.agent.events import (
    HEAD,
    ActionProposed,
    ApproveChanged,
    DecisionNeeded,
    Event,
    Failed,
    HeadMeasured,
    Measured,
    Paused,
    ResourceSample,
    Resumed,
    SessionEnded,
    from_json,
    to_json,
)
from mlagent_app.tui.model import View
from mlagent_app.tui.widgets.status import activity
from tests.tui.recording import (
    BASELINE,
    BEGINNING,
    ENDED,
    QUESTION,
    RUN_QUESTION,
    RUNNING,
    STEPS,
    decided,
    landed,
    run_began,
)
from tests.tui.scripted import Item, run_finished


def fold(*items: Item) -> View:
    view = View()
    for item in items:
        if isinstance(item, Event):
            view.apply(item)
    return view


def test_the_beginning_goes_from_snapshot_to_the_first_run() -> None:
    phases = [fold(*BEGINNING[:end]).activity.phase for end in range(len(BEGINNING))]
    assert phases == ["starting", "snapshot", "preparing", "running"]


def test_the_baseline_is_row_zero_and_the_metric_comes_from_its_run() -> None:
    view = fold(*BASELINE)
    assert [row.index for row in view.rows] == [0]
    assert (view.rows[0].outcome, view.metric_name) == ("ok", "val_accuracy")
    assert (view.activity.phase, view.activity.step) == ("thinking", 1)


def test_every_step_has_a_row_with_what_became_of_it() -> None:
    view = fold(*STEPS)
    assert [row.index for row in view.rows] == [0, 1, 2, 3]
    assert [row.status for row in view.rows] == ["open", "accepted", "refused", "refused"]
    assert [row.outcome for row in view.rows] == ["ok", "ok", "error", "ok"]
    gains = [view.gain(step) for step in view.summary.steps]
    assert gains[0] is not None and round(gains[0], 4) == 0.0084
    assert gains[1] is None


def test_a_run_under_way_has_no_outcome_yet() -> None:
    view = fold(*RUNNING)
    row = view.row(4)
    assert row is not None and row.running and row.outcome == ""
    assert view.sample is not None and view.sample.memory == 212_000_000
    assert (view.activity.phase, view.activity.step) == ("running", 4)


def test_a_question_is_open_until_it_is_decided() -> None:
    view = fold(*QUESTION)
    assert view.question is not None and view.question.step == 4
    assert view.rows[-1].status == "waiting"
    view.apply(decided(4, "refuse"))
    assert view.question is None
    assert view.rows[-1].status == "refused"
    assert (view.activity.phase, view.activity.step) == ("thinking", 5)


def test_a_question_stays_open_while_another_step_is_measured_again() -> None:
    view = fold(*QUESTION, run_began(1, 1), run_finished(1, 0.95, repeat=1))
    assert view.question is not None
    view.apply(Measured(step=1, values=(0.95, 0.95), value=0.95, confidence=4.0))
    assert view.question is not None and view.rows[1].status == "accepted"
    assert view.rows[1].summary is not None and view.rows[1].summary.values == (0.95, 0.95)


def test_leave_to_run_is_no_decision_on_the_edit() -> None:
    view = fold(*RUN_QUESTION, decided(4, "run"))
    assert (view.question, view.rows[-1].status, view.activity.phase) == (None, "open", "preparing")


def test_a_step_that_is_proposed_anew_starts_over() -> None:
    again = next(item for item in RUNNING if isinstance(item, ActionProposed) and item.step == 4)
    view = fold(*QUESTION, again)
    row = view.row(4)
    assert row is not None and row.outcome == "" and not row.runs and view.question is None
    assert [each.index for each in view.rows] == [0, 1, 2, 3, 4]


def test_pausing_and_the_mode_of_decisions() -> None:
    view = fold(*RUNNING, Paused(why="interrupted"), ApproveChanged(approve="auto"))
    assert view.paused is not None and view.approve == "auto"
    view.apply(Resumed())
    assert view.paused is None and view.rows[-1].running


def test_another_process_takes_over_where_the_journal_ends() -> None:
    ended = SessionEnded(reason="stopped", steps=4, best=0.95, best_step=1, seconds=40.0)
    view = fold(*QUESTION, ended)
    assert view.over
    view.apply(Resumed(again=True, sandbox="bwrap"))
    assert not view.over and view.question is None and view.summary.sandbox == "bwrap"
    assert view.earlier_seconds == 40.0
    assert not any(row.running or row.asked for row in view.rows)


def test_failure_and_end_leave_nothing_open() -> None:
    for last in (
        Failed(message="the sandbox failed", code=5),
        SessionEnded(reason="steps", steps=4, best=0.95, best_step=1, seconds=40.0),
    ):
        view = fold(*QUESTION, ResourceSample(step=4, seconds=1.0, memory=1, cpu=1.0), last)
        assert view.over and view.question is None and view.sample is None


def test_a_partly_accepted_step_is_told_apart_and_its_files_are_measured() -> None:
    part = decided(4, "accept")
    view = fold(*QUESTION, from_json({**to_json(part), "hunks": (0,)}), landed(4))
    assert view.rows[-1].status == "partly"
    assert view.summary.best_step == 1
    view.apply(HeadMeasured(value=0.99, why="accepted in part"))
    assert view.summary.best is not None and view.summary.best.value == 0.99


def test_a_run_of_the_accepted_files_has_a_row_of_its_own_below_the_last_step() -> None:
    view = fold(*STEPS, run_began(HEAD))
    assert [row.index for row in view.rows] == [0, 1, 2, 3, HEAD]
    assert view.rows[-1].running and view.rows[-1].title == "accepted files"
    assert not view.rows[-2].running and len(view.rows[-2].runs) == 1
    assert [text for text, _ in activity(view, 3.0, "*")] == ["* ", "Measuring the accepted files, 3 s"]
    for event in (run_finished(HEAD, 0.95), HeadMeasured(value=0.95, why=""), decided(3, "refuse"), run_began(HEAD, 1)):
        view.apply(event)
    assert [row.index for row in view.rows] == [0, 1, 2, 3, HEAD]
    assert [len(row.runs) for row in view.rows[-2:]] == [1, 0], "a new run of them begins its row anew"


def test_the_view_of_a_journal_is_the_view_of_the_session() -> None:
    replayed = View()
    live = View()
    for item in ENDED:
        if isinstance(item, Event):
            live.apply(item)
            replayed.apply(from_json(to_json(item)))
    assert replayed == live


def test_a_question_of_the_metric_belongs_to_the_baseline() -> None:
    ask = DecisionNeeded(step=0, question="metric", suggestion="accept", why="")
    view = fold(*BEGINNING, run_finished(0, None), ask)
    assert view.rows[0].asked
    assert not fold(*BEGINNING, run_finished(0, None), ask, *BASELINE[len(BEGINNING) + 1 :]).rows[0].asked
