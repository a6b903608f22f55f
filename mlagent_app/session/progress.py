"""Where a session stands: a pure fold over its events. The running session and a resumed one use the same fold."""

from __future__ import annotations

from dataclasses import dataclass, field

from mlagent_app.agent import events as ev
from mlagent_app.agent.cookbook import lengthened
from mlagent_app.agent.events import Approve, Event
from mlagent_app.agent.metrics import MetricSpec
from mlagent_app.agent.state import Turn
from mlagent_app.agent.summary import StepSummary, Summary


@dataclass
class Progress:
    """The summary that reports are made of, and what only the session itself needs.

    `head` is the private commit that is accepted and `head_value` its metric, None when no measurement speaks for it.
    `allowed` are steps whose run a person has allowed, `withheld` those accepted while nothing was to be landed. `active` is
    the seconds in which a process worked on the session: pauses, waiting for a person and the time between two processes are
    left out. `_seconds` is what the newest whole run of a private commit took, or of the files nearest to it as long as it was
    not run; `_longer`, by step, how much longer its newest run before its decision took than one of what it was proposed on.
    """

    summary: Summary = field(default_factory=Summary)
    head: str = ""
    head_value: float | None = None
    approve: Approve = "run"
    allowed: set[int] = field(default_factory=set[int])
    withheld: set[int] = field(default_factory=set[int])
    active: float = 0.0
    _seconds: dict[str, float] = field(default_factory=dict[str, float])
    _longer: dict[int, float | None] = field(default_factory=dict[int, float | None])
    _landing: bool = False
    _last: float | None = None
    _paused: bool = False
    _asked: bool = False
    _running: bool = False

    def apply(self, event: Event, time: float) -> None:
        """Take in one event that happened at `time` (seconds since the epoch)."""
        self._count(event, time)
        self.summary.add(event)
        self._time(event)
        match event:
            case ev.SessionStarted():
                self.approve, self._landing = event.approve, event.apply
            case ev.Resumed(apply=bool()):
                self._landing = bool(event.apply)
            case ev.ApproveChanged():
                self.approve = event.approve
            case ev.SnapshotTaken():
                self.head = event.commit
            case ev.BaselineMeasured():
                if self.snapshot is None or self.head == self.snapshot.commit:
                    self.head_value = event.value
            case ev.HeadMeasured():
                self.head_value = event.value
            case ev.Decided():
                self._decide(event)
            case ev.Measured():
                self._measure(event)
            case ev.Reverted():
                self._revert(event)
            case _:
                pass

    def _count(self, event: Event, time: float) -> None:
        """The time since the last event is active unless somebody was waited for; a run that they asked for meanwhile is."""
        idle = isinstance(event, ev.Resumed | ev.MetricChosen) or (isinstance(event, ev.Decided) and event.by == "user")
        if self._last is not None and not idle and (self._running or not (self._paused or self._asked)):
            self.active += max(0.0, time - self._last)
        self._last = time
        match event:
            case ev.Paused():
                self._paused = True
            case ev.Resumed(again=again):
                self._paused, self._running = False, self._running and not again
            case ev.DecisionNeeded():
                self._asked = True
            case ev.Decided():
                self._asked = False
            case ev.RunStarted() | ev.RunFinished():
                self._running = isinstance(event, ev.RunStarted)
            case _:
                pass

    def _time(self, event: Event) -> None:
        """Note what runs took. `head` is still what it was before the event."""
        match event:
            case ev.BaselineMeasured():
                self._seconds[self.snapshot.commit if self.snapshot else self.head] = event.seconds
            case ev.ActionProposed():
                self._longer.pop(event.step, None)
            case ev.RunFinished(step=ev.HEAD):
                self._ran(self.head, event)
            case ev.RunFinished() if step := self.summary.step(event.step):
                if step.decided is None and event.outcome not in ("killed", "infrastructure"):
                    before = self._seconds.get(step.proposed.base)
                    self._longer[step.index] = lengthened(before, event.seconds, event.outcome)
                self._ran(step.measurable, event)
            case ev.Decided(decision="accept"):
                proposed = self.step(event.step).proposed
                self._stand_in(event.commit, proposed.commit, proposed.base)
            case ev.Reverted():
                step = self.step(event.step)
                self._stand_in(event.head, step.proposed.base if self._leads_back(step) else self.head)
            case _:
                pass

    def _ran(self, commit: str, run: ev.RunFinished) -> None:
        if run.outcome == "ok":
            self._seconds[commit] = run.seconds

    def _stand_in(self, commit: str, *nearest: str) -> None:
        """Until `commit` is run itself, it is taken to run as long as the first of `nearest` that is known."""
        known = [self._seconds[other] for other in (commit, *nearest) if other in self._seconds]
        if known:
            self._seconds[commit] = known[0]

    def _decide(self, event: ev.Decided) -> None:
        if event.decision == "run":
            self.allowed.add(event.step)
        elif event.decision == "accept":
            step = self.step(event.step)
            self.head = event.commit
            if not self._landing:
                self.withheld.add(step.index)
            if step.edits:
                self.head_value = None if step.partial else step.value

    def _measure(self, event: ev.Measured) -> None:
        step = self.step(event.step)
        if step.kept and step.decided is not None and step.decided.commit == self.head:
            self.head_value = event.value

    def _revert(self, event: ev.Reverted) -> None:
        step = self.step(event.step)
        self.head = event.head
        self.head_value = step.before if self._leads_back(step) else None

    def _leads_back(self, step: StepSummary) -> bool:
        """Whether the files without this step are those that it was proposed on."""
        newest = all(not later.kept for later in self.steps if later.index > step.index)
        return newest and not step.stale  # what a stale step started from held a step that has been undone since

    @property
    def head_seconds(self) -> float | None:
        """What the newest run of the accepted files took; a part of a step that was not run is taken for the whole of it."""
        return self._seconds.get(self.head)

    @property
    def started(self) -> ev.SessionStarted | None:
        return self.summary.started

    @property
    def snapshot(self) -> ev.SnapshotTaken | None:
        return self.summary.snapshot

    @property
    def metric(self) -> MetricSpec | None:
        return self.summary.metric

    @property
    def baseline(self) -> ev.BaselineMeasured | None:
        return self.summary.baseline

    @property
    def ended(self) -> ev.SessionEnded | None:
        return self.summary.ended

    @property
    def steps(self) -> list[StepSummary]:
        return self.summary.steps

    @property
    def baseline_values(self) -> list[float]:
        """What the baseline's runs have given so far."""
        return [run.value for run in self.summary.baseline_runs if run.value is not None]

    def step(self, index: int) -> StepSummary:
        """The step of that number. Raises KeyError."""
        found = self.summary.step(index)
        if found is None:
            raise KeyError(index)
        return found

    @property
    def open_step(self) -> StepSummary | None:
        """The last step when it is not decided yet."""
        return self.steps[-1] if self.steps and self.steps[-1].decided is None else None

    @property
    def kept(self) -> list[StepSummary]:
        return [step for step in self.steps if step.kept]

    @property
    def best(self) -> tuple[float | None, int]:
        """The metric of the best kept state and the step it comes from, 0 for the baseline."""
        best = self.summary.best
        return (best.value, best.step) if best else (None, 0)

    def turns(self) -> tuple[Turn, ...]:
        """The history as the policy sees it."""
        return tuple(_turn(step, self._longer.get(step.index)) for step in self.steps if step.decided is not None)


def _turn(step: StepSummary, longer: float | None) -> Turn:
    proposed, rewarded, decided = step.proposed, step.rewarded, step.decided
    by_hand = decided is not None and decided.by == "user"
    feedback = rewarded.feedback if rewarded else ""
    if decided is not None and rewarded is None and not by_hand:
        feedback = decided.reason  # refused without a run
    refused = decided is not None and by_hand and decided.decision in ("refuse", "skip")
    return Turn(
        index=step.index,
        action=proposed.action,
        instruction=proposed.instruction,
        file=proposed.file,
        family=proposed.family,
        outcome=step.outcome,
        value=step.value,
        reward=step.reward,
        delta=rewarded.delta if rewarded else None,
        kept=step.kept,
        feedback=feedback,
        reason=decided.reason if decided and by_hand else "",
        diff=proposed.diff if refused else "",
        base=proposed.base,
        reply=proposed.reply,
        undo=proposed.undo,
        longer=longer,
    )
