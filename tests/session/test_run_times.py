"""What the fold over a session's events says of how long runs take, whatever is undone, kept in part or run by itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from mlagent_app.agent import events as ev
from mlagent_app.agent.cookbook import lengthened
from mlagent_app.agent.events import DecisionKind, Event
from mlagent_app.session.progress import Progress
from tests.report import sample

SPEC = {"name": "accuracy", "direction": "max"}


class Made:
    """A session made by hand: every event is folded, and kept for another fold."""

    def __init__(self, seconds: float = 2.0) -> None:
        self.progress = Progress()
        self.events: list[Event] = []
        self.say(
            ev.SnapshotTaken(commit="c0", files=1, size=1),
            ev.MetricChosen(metric=SPEC, line="", where="log", reason=""),
            ev.BaselineMeasured(values=(0.5,), value=0.5, noise=None, seconds=seconds, m_best=1.0, m_best_source="", line=""),
        )

    def say(self, *events: Event) -> None:
        for event in events:
            self.events.append(event)
            self.progress.apply(event, float(len(self.events)))

    def propose(self) -> int:
        """An edit of the accepted files; its number."""
        step = len(self.progress.steps) + 1
        self.say(replace(sample.proposed(step), base=self.progress.head))
        return step

    def ran(self, step: int, seconds: float, outcome: str = "ok") -> None:
        """A run and its end."""
        value = 0.6 if outcome == "ok" else None
        self.say(
            ev.RunStarted(step=step, repeat=0, command="", log_path=""),
            replace(sample.run(step, value=value, outcome=outcome), seconds=seconds),
        )

    def reward(self, step: int, outcome: str = "ok") -> None:
        self.say(sample.rewarded(step, 0.5, 0.6) if outcome == "ok" else sample.unscored(step, 0.5, "error", outcome, ""))

    def decide(self, step: int, decision: DecisionKind, hunks: tuple[int, ...] | None = None) -> None:
        commit = self.progress.head if decision == "refuse" else f"c{step}" if hunks is None else f"p{step}"
        self.say(replace(sample.decided(step, decision, hunks=hunks), commit=commit))

    def step(
        self, seconds: float, decision: DecisionKind = "accept", outcome: str = "ok", hunks: tuple[int, ...] | None = None
    ) -> int:
        """An edit of the accepted files that is run once and decided; its number."""
        step = self.propose()
        self.ran(step, seconds, outcome)
        self.reward(step, outcome)
        self.decide(step, decision, hunks)
        return step

    def undo(self, step: int) -> None:
        self.say(ev.Reverted(step=step, files=("train.py",), commit="", head=f"r{len(self.events)}", note=""))

    def measure_head(self, seconds: float) -> None:
        self.ran(ev.HEAD, seconds)
        self.say(ev.HeadMeasured(value=0.6, why=""))

    @property
    def longer(self) -> list[float | None]:
        return [turn.longer for turn in self.progress.turns()]


def test_a_turn_says_how_much_longer_its_run_took_than_one_of_the_files_it_was_proposed_on() -> None:
    made = Made(seconds=2.0)
    made.step(4.0)
    made.step(1.0, "refuse", "error")
    made.step(60.0, "refuse", "timeout")
    made.step(8.0)
    doubled, cut_off = lengthened(2.0, 4.0), lengthened(4.0, 60.0, "timeout")
    assert made.longer == [doubled, None, cut_off, lengthened(4.0, 8.0)]
    assert made.progress.head_seconds == 8.0


def test_before_the_baseline_no_run_time_is_known() -> None:
    assert Progress().head_seconds is None


def test_a_run_that_was_stopped_or_that_the_sandbox_failed_says_nothing_of_the_time() -> None:
    made = Made(seconds=2.0)
    step = made.propose()
    made.ran(step, 0.5, "killed")
    made.ran(step, 4.0)
    made.reward(step)
    made.ran(step, 0.1, "infrastructure")
    made.decide(step, "accept")
    assert made.longer == [lengthened(2.0, 4.0)]
    assert made.progress.head_seconds == 4.0


def test_a_run_after_the_decision_says_what_the_files_take_now_and_leaves_the_history_as_it_was() -> None:
    made = Made(seconds=2.0)
    kept = made.step(4.0)
    made.ran(kept, 5.0)
    assert made.progress.head_seconds == 5.0 and made.longer == [lengthened(2.0, 4.0)]
    made.step(10.0)
    assert made.longer[-1] == lengthened(5.0, 10.0)


def test_the_history_stays_as_it_was_when_the_newest_step_is_undone() -> None:
    made = Made(seconds=2.0)
    made.step(3.0)
    newest = made.step(9.0)
    made.undo(newest)
    assert made.progress.head_seconds == 3.0
    made.step(6.0)
    assert made.longer == [lengthened(2.0, 3.0), lengthened(3.0, 9.0), lengthened(3.0, 6.0)]


def test_the_history_stays_as_it_was_when_an_older_step_is_undone() -> None:
    made = Made(seconds=2.0)
    slow = made.step(20.0)
    made.step(22.0)
    made.undo(slow)
    assert made.progress.head_seconds == 22.0, "until they are run, the files are taken for those they descend from"
    made.measure_head(4.0)
    assert made.progress.head_seconds == 4.0
    made.step(8.0, "refuse")
    assert made.longer == [lengthened(2.0, 20.0), lengthened(20.0, 22.0), lengthened(4.0, 8.0)]


def test_undoing_all_steps_leads_back_to_what_the_baseline_took() -> None:
    made = Made(seconds=2.0)
    first, second = made.step(3.0), made.step(9.0)
    made.undo(second)
    made.undo(first)
    assert made.progress.head_seconds == 2.0


def test_a_run_of_the_accepted_files_is_none_of_a_refused_last_step() -> None:
    made = Made(seconds=2.0)
    first, _ = made.step(4.0), made.step(5.0)
    refused = made.step(50.0, "refuse")
    made.undo(first)
    made.measure_head(3.0)
    step = made.progress.step(refused)
    assert [run.seconds for run in step.runs] == [50.0] and step.seconds == 50.0
    assert made.longer[-1] == lengthened(5.0, 50.0)
    assert made.progress.head_seconds == 3.0
    assert made.progress.summary.seconds == 4.0 + 5.0 + 50.0 + 3.0, "but it took the session's time"


def test_a_part_of_a_step_is_taken_for_the_whole_of_it_until_it_is_run() -> None:
    made = Made(seconds=2.0)
    part = made.step(8.0, hunks=(0,))
    assert made.progress.head_seconds == 8.0
    made.measure_head(3.0)
    assert made.progress.head_seconds == 3.0 and made.longer == [lengthened(2.0, 8.0)]
    made.ran(part, 4.0)  # measured again: what was kept of it
    assert made.progress.head_seconds == 4.0
    made.undo(part)
    assert made.progress.head_seconds == 2.0


def test_a_step_that_is_proposed_anew_has_the_times_of_its_new_runs_alone() -> None:
    made = Made(seconds=2.0)
    made.ran(made.propose(), 30.0)
    again = made.events[-3]
    made.say(again)
    made.decide(1, "refuse")
    assert made.longer == [None]


def test_an_older_journal_whose_run_of_the_accepted_files_is_booked_under_the_last_step_is_read() -> None:
    made = Made(seconds=2.0)
    first, _, last = made.step(4.0), made.step(5.0), made.step(50.0, "refuse")
    made.undo(first)
    made.ran(last, 3.0)
    made.say(ev.HeadMeasured(value=0.6, why="accepted in part, or reverted out of order"))
    assert made.longer == [lengthened(2.0, 4.0), lengthened(4.0, 5.0), lengthened(5.0, 50.0)]
    assert made.progress.head_seconds == 5.0


MOVES = st.lists(st.tuples(st.sampled_from(("accept", "part", "refuse", "undo", "again")), st.integers(0, 9)), max_size=12)


def played(moves: Sequence[tuple[str, int]]) -> tuple[Made, list[float | None], list[tuple[float | None, float]]]:
    """A session whose every kept edit adds to the run time; what `longer` should be, and (said, true) times of the head."""
    made, adds, kept = Made(seconds=1.0), dict[int, float](), list[int]()
    wanted, heads = list[float | None](), list[tuple[float | None, float]]()
    for move, number in moves:
        if move in ("undo", "again"):
            if kept and move == "undo":
                made.undo(kept.pop(number % len(kept)))
            elif kept and made.progress.step(kept[-1]).measurable == made.progress.head:
                made.ran(kept[-1], 1.0 + sum(adds[each] for each in kept))
        else:
            before, own = 1.0 + sum(adds[each] for each in kept), float(2**number)
            step = made.step(before + own, "refuse" if move == "refuse" else "accept", hunks=(0,) if move == "part" else None)
            wanted.append(lengthened(before, before + own))
            if move != "refuse":
                kept.append(step)
                adds[step] = own / 2 if move == "part" else own
        now = 1.0 + sum(adds[each] for each in kept)
        if made.progress.head_value is None:  # as the session does before its next step
            made.measure_head(now)
        heads.append((made.progress.head_seconds, now))
    return made, wanted, heads


@given(MOVES)
def test_run_times_are_those_of_the_files_whatever_is_kept_and_undone(moves: list[tuple[str, int]]) -> None:
    made, wanted, heads = played(moves)
    assert made.longer == wanted
    assert [said for said, _ in heads] == [true for _, true in heads]


@given(MOVES)
def test_a_session_that_goes_on_knows_the_same_run_times(moves: list[tuple[str, int]]) -> None:
    made, _, _ = played(moves)
    again = Progress()
    for at, event in enumerate(made.events):
        again.apply(ev.from_json(json.loads(json.dumps(ev.to_json(event)))), float(at + 1))
    assert again.turns() == made.progress.turns()
    assert again.head_seconds == made.progress.head_seconds
