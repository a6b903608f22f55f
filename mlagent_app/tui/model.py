"""What the screens show: the session's summary, and beside it what only a screen needs to know.

Pure: no Textual, no I/O, no clock. A view is a fold over the events alone, so a resumed session, whose journal is replayed,
looks exactly as it did. What a session came to is `mlagent_app.agent.summary`, the same fold that reports are made of.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from mlagent_app.agent import events as ev
from mlagent_app.agent.events import Approve, Event
from mlagent_app.agent.summary import StepSummary, Summary

Phase = Literal["starting", "snapshot", "preparing", "running", "reading", "thinking", "deciding", "over"]
# The end of an answer that is being written: more than the screen shows of it.
MAX_WORDS = 4_000
Status = Literal["open", "waiting", "accepted", "partly", "refused", "skipped", "reverted"]


@dataclass(frozen=True, slots=True)
class Activity:
    """What the session is doing now."""

    phase: Phase = "starting"
    step: int = 0
    repeat: int = 0


@dataclass(slots=True)
class Row:
    """One row of the table. Step 0 is the baseline, `HEAD` the accepted files; neither has a summary of its own.

    `begun` is the newest run of the step, `running` whether it is under way.
    """

    index: int
    summary: StepSummary | None = None
    begun: ev.RunStarted | None = None
    running: bool = False
    asked: bool = False
    runs: list[ev.RunFinished] = field(default_factory=list[ev.RunFinished])

    @property
    def title(self) -> str:
        """What the step does, in one line."""
        if self.summary is not None:
            return self.summary.title
        return "accepted files" if self.index == ev.HEAD else "baseline"

    @property
    def outcome(self) -> str:
        """How the step ended, empty while it has not."""
        if self.summary is not None and self.summary.rewarded is not None:
            return self.summary.outcome
        return self.runs[-1].outcome if self.runs and not self.running else ""

    @property
    def status(self) -> Status:
        """Where the step stands, for its last column."""
        summary = self.summary
        if summary is not None and summary.reverted is not None:
            return "reverted"
        if summary is not None and summary.decided is not None:
            if summary.partial:
                return "partly"
            words: dict[str, Status] = {"accept": "accepted", "refuse": "refused", "skip": "skipped"}
            return words[summary.decided.decision]
        return "waiting" if self.asked else "open"


@dataclass(slots=True)
class View:
    """Everything the screens know about a session.

    `words` is the end of what the policy is writing now; empty while it does not. `earlier_seconds` is the run time of earlier
    processes, for what is left of a time budget.
    """

    summary: Summary = field(default_factory=Summary)
    rows: list[Row] = field(default_factory=list[Row])
    activity: Activity = Activity()
    question: ev.DecisionNeeded | None = None
    metrics: ev.MetricsFound | None = None
    paused: ev.Paused | None = None
    approve: Approve = "ask"
    sample: ev.ResourceSample | None = None
    words: str = ""
    earlier_seconds: float = 0.0

    @property
    def over(self) -> bool:
        """Whether nothing more will happen."""
        return self.summary.ended is not None or self.summary.failed is not None

    @property
    def metric_name(self) -> str:
        """The metric's name, or `metric` while it is unknown."""
        return self.summary.metric.name if self.summary.metric is not None else "metric"

    @property
    def open_step(self) -> StepSummary | None:
        """The step that was proposed and not yet decided."""
        last = self.summary.steps[-1] if self.summary.steps else None
        return last if last is not None and last.decided is None else None

    def row(self, index: int) -> Row | None:
        """The row of this step, if it has been seen."""
        return next((row for row in self.rows if row.index == index), None)

    def gain(self, step: StepSummary) -> float | None:
        """How much better the step's metric is than the one before it, in the metric's unit; positive is better."""
        if self.summary.metric is None or step.value is None or step.before is None:
            return None
        return self.summary.metric.gain(step.value, step.before)

    def apply(self, event: Event) -> None:
        """Take in the next event. Those that say nothing to a screen leave the view as it is."""
        earlier = self.summary.seconds if isinstance(event, ev.Resumed) else 0.0
        self.summary.add(event)
        match event:
            case ev.SessionStarted():
                self.approve, self.rows = event.approve, [Row(0)]
                self.activity = Activity("snapshot")
            case ev.MetricsFound():
                self.metrics = event
            case ev.ApproveChanged():
                self.approve = event.approve
            case ev.ResourceSample():
                self.sample = event
            case ev.Paused():
                self.paused, self.words = event, ""
            case ev.Resumed():
                self._resume(event, earlier)
            case ev.ReplyText():
                self.words = (self.words + event.text)[-MAX_WORDS:]
            case ev.Failed() | ev.SessionEnded():
                self.words = ""
                self.question = self.paused = self.sample = None
                self.activity = Activity("over")
            case _:
                self._apply_to_step(event)

    def _apply_to_step(self, event: Event) -> None:
        """Events that move the session on from one thing to the next."""
        match event:
            case ev.SnapshotTaken():
                self.activity = Activity("preparing")
            case ev.BaselineMeasured() | ev.HeadMeasured():
                self.activity = Activity("thinking", self._next)
            case ev.ActionProposed():
                self._propose(event)
            case ev.RunStarted():
                if event.step == ev.HEAD:  # its row stands below the step that made it necessary
                    self.rows = [row for row in self.rows if row.index != ev.HEAD]
                row = self._row(event.step)
                row.begun, row.running = event, True
                self.activity, self.sample = Activity("running", event.step, event.repeat), None
            case ev.RunFinished():
                row = self._row(event.step)
                row.running = False
                row.runs.append(event)
                self.activity, self.sample = Activity("reading", event.step), None
            case ev.Rewarded():
                self.activity = Activity("deciding", event.step)
            case ev.Measured():
                self.activity = Activity("deciding", event.step) if self.open_step else Activity("thinking", self._next)
            case ev.DecisionNeeded():
                self.question = event
                self._row(event.step).asked = True
                self.activity = Activity("deciding", event.step)
            case ev.Decided() | ev.MetricChosen():
                self._decide(event)
            case _:
                pass

    def _propose(self, event: ev.ActionProposed) -> None:
        """A step that was interrupted may be proposed anew: what its earlier runs came to counts no more."""
        self.rows = [row for row in self.rows if row.index != event.step]
        self.rows.append(Row(event.step, self.summary.step(event.step)))
        self.question, self.words = None, ""
        self.activity = Activity("preparing", event.step)

    def _decide(self, event: ev.Decided | ev.MetricChosen) -> None:
        """A question is answered, by a person or otherwise."""
        step = event.step if isinstance(event, ev.Decided) else 0
        self._row(step).asked = False
        if self.question is not None and self.question.step == step:
            self.question = None
        if isinstance(event, ev.Decided):
            again = event.decision == "run"
            self.activity = Activity("preparing", step) if again else Activity("thinking", self._next)

    def _resume(self, event: ev.Resumed, earlier: float) -> None:
        """The session goes on after a pause, or in another process, where nothing of the earlier one still runs."""
        self.paused = None
        if event.again:
            self.earlier_seconds = earlier
            self.question = self.sample = None
            for row in self.rows:
                row.running = row.asked = False
            self.activity = Activity("preparing", self.open_step.index if self.open_step is not None else 0)

    def _row(self, index: int) -> Row:
        found = self.row(index)
        if found is None:
            found = Row(index, self.summary.step(index))
            self.rows.append(found)
        return found

    @property
    def _next(self) -> int:
        """The index of the step that has not begun."""
        return len(self.summary.steps) + 1
