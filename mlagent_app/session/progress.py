"""Where a session stands: a pure fold over its events. The running session and a resumed one use the same fold."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from mlagent_app.agent.events import (
    ActionProposed,
    ApproveChanged,
    BaselineMeasured,
    Decided,
    Event,
    HeadMeasured,
    Landed,
    Measured,
    MetricChosen,
    Resumed,
    Reverted,
    Rewarded,
    RunFinished,
    SessionEnded,
    SessionStarted,
    SnapshotTaken,
)
from mlagent_app.agent.metrics import MetricSpec
from mlagent_app.agent.state import Turn


@dataclass
class Step:
    """One step as far as it has come. `commit` is the private commit of its edit, `head` of what was kept of it."""

    proposed: ActionProposed
    runs: list[RunFinished] = field(default_factory=list[RunFinished])
    rewarded: Rewarded | None = None
    run_allowed: bool = False
    decided: Decided | None = None
    landed: Landed | None = None
    reverted: Reverted | None = None
    values: tuple[float, ...] = ()

    @property
    def index(self) -> int:
        return self.proposed.step

    @property
    def edits(self) -> bool:
        return self.proposed.commit != self.proposed.base

    @property
    def kept(self) -> bool:
        return self.decided is not None and self.decided.decision == "accept" and self.reverted is None

    @property
    def partial(self) -> bool:
        """Whether only some hunks were accepted, so that the step's own metric does not speak for what was kept."""
        return self.kept and self.decided is not None and self.decided.hunks is not None

    @property
    def value(self) -> float | None:
        """The mean over all measurements of the step, None when it has none."""
        if self.values:
            return sum(self.values) / len(self.values)
        return self.rewarded.value if self.rewarded else None


@dataclass
class Progress:
    """The state of a session. `head` is the private commit that is accepted, `head_value` its metric, None if unknown.

    `active` is the seconds in which a process worked on the session: pauses, waiting for a person and the time between two
    processes are left out.
    """

    started: SessionStarted | None = None
    snapshot: SnapshotTaken | None = None
    metric: MetricSpec | None = None
    baseline_values: list[float] = field(default_factory=list[float])
    baseline: BaselineMeasured | None = None
    steps: list[Step] = field(default_factory=list[Step])
    head: str = ""
    head_value: float | None = None
    approve: str = "run"
    ended: SessionEnded | None = None
    active: float = 0.0
    _last: float | None = None

    def apply(self, event: Event, time: float) -> None:
        """Take in one event that happened at `time` (seconds since the epoch)."""
        idle = isinstance(event, Resumed) or (isinstance(event, Decided) and event.by == "user")
        if self._last is not None and not idle:
            self.active += max(0.0, time - self._last)
        self._last = time
        match event:
            case SessionStarted():
                self.started = event
                self.approve = event.approve
                self.metric = spec_from(event.metric) if event.metric else None
            case SnapshotTaken():
                self.snapshot, self.head = event, event.commit
            case MetricChosen():
                self.metric = spec_from(event.metric)
            case BaselineMeasured():
                self.baseline, self.head_value = event, event.value
            case ApproveChanged():
                self.approve = event.approve
            case HeadMeasured():
                self.head_value = event.value
            case SessionEnded():
                self.ended = event
            case Resumed():
                self.ended = None
            case _:
                self._apply_step(event)

    def _apply_step(self, event: Event) -> None:
        match event:
            case ActionProposed():
                self.steps.append(Step(event))
            case RunFinished(step=0):
                if event.value is not None and self.baseline is None:
                    self.baseline_values.append(event.value)
            case RunFinished():
                self.step(event.step).runs.append(event)
            case Rewarded():
                step = self.step(event.step)
                step.rewarded = event
                step.values = () if event.value is None else (event.value,)
            case Decided():
                self._decide(self.step(event.step), event)
            case Landed():
                self.step(event.step).landed = event
            case Reverted():
                self._revert(self.step(event.step), event)
            case Measured():
                step = self.step(event.step)
                step.values = event.values
                if step.kept and self.head == (step.decided.commit if step.decided else ""):
                    self.head_value = event.value
            case _:
                pass

    def _decide(self, step: Step, event: Decided) -> None:
        if event.decision == "run":
            step.run_allowed = True
            return
        step.decided = event
        if event.decision == "accept":
            self.head = event.commit
            self.head_value = None if event.hunks is not None else step.value

    def _revert(self, step: Step, event: Reverted) -> None:
        newest = all(not later.kept for later in self.steps if later.index > step.index)
        step.reverted = event
        self.head = event.head
        self.head_value = step.rewarded.before if newest and step.rewarded and not step.partial else None

    def step(self, index: int) -> Step:
        """The step of that number. Raises KeyError."""
        for step in reversed(self.steps):
            if step.index == index:
                return step
        raise KeyError(index)

    @property
    def open_step(self) -> Step | None:
        """The last step when it is not decided yet."""
        return self.steps[-1] if self.steps and self.steps[-1].decided is None else None

    @property
    def kept(self) -> list[Step]:
        return [step for step in self.steps if step.kept]

    def best(self) -> tuple[float | None, int]:
        """The value of the files as they stand where known, else the last kept step's, and the step it comes from."""
        for step in reversed(self.steps):
            if step.kept and not step.partial and step.value is not None:
                return step.value, step.index
        return (self.baseline.value if self.baseline else None), 0

    def turns(self) -> tuple[Turn, ...]:
        """The history as the policy sees it."""
        return tuple(_turn(step) for step in self.steps if step.decided is not None)


def spec_from(data: dict[str, Any]) -> MetricSpec:
    """The metric that an event carries as plain values."""
    return replace(MetricSpec(data["name"], data["direction"]), **data)


def _turn(step: Step) -> Turn:
    proposed, rewarded, decided = step.proposed, step.rewarded, step.decided
    return Turn(
        index=step.index,
        action=proposed.action,
        instruction=proposed.instruction,
        file=proposed.file,
        family=proposed.family,
        outcome=rewarded.outcome if rewarded else "skipped",
        value=step.value,
        reward=rewarded.scalar if rewarded else None,
        delta=rewarded.delta if rewarded else None,
        kept=step.kept,
        feedback=rewarded.feedback if rewarded else "",
        reason=decided.reason if decided and decided.by == "user" else "",
        diff=proposed.diff if decided and decided.by == "user" and decided.decision in ("refuse", "skip") else "",
        base=proposed.base,
    )
