"""What a session came to: a fold over its events that reports, tables and `--format json` are made of. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mlagent_app.agent import events as ev
from mlagent_app.agent.actions import InspectScriptLines, ListFiles, UnderstandFile, parse
from mlagent_app.agent.events import Event
from mlagent_app.agent.metrics import MetricSpec

_LOOKS = (ListFiles.NAME, InspectScriptLines.NAME, UnderstandFile.NAME)


@dataclass(slots=True)
class StepSummary:
    """One step as far as it has come.

    `stale` is set when an earlier kept step was undone after this one was measured: its value no longer describes the files
    as they stand. `remeasured` is set when the part that was kept of it has been measured by itself. `origin` is the metric of
    the files that it started from, where that was measured once more afterwards. `unconfirmed` says why the last of its runs
    gave no metric, where an earlier one did; empty while it is not so.
    """

    proposed: ev.ActionProposed
    runs: list[ev.RunFinished] = field(default_factory=list[ev.RunFinished])
    rewarded: ev.Rewarded | None = None
    measured: ev.Measured | None = None
    decided: ev.Decided | None = None
    landed: ev.Landed | None = None
    reverted: ev.Reverted | None = None
    stale: bool = False
    remeasured: bool = False
    origin: float | None = None
    unconfirmed: str = ""

    def add(self, run: ev.RunFinished) -> None:
        """Take in a run. Of one that was stopped, or that the sandbox failed, nothing follows for a measured step."""
        self.runs.append(run)
        if self.rewarded is None or self.decided is not None or run.outcome in ("killed", "infrastructure"):
            return
        if run.value is None:
            self.unconfirmed = run.message or run.outcome
        else:
            self.unconfirmed = "" if math.isfinite(run.value) else f"the metric is {run.value:g}"

    @property
    def index(self) -> int:
        return self.proposed.step

    @property
    def title(self) -> str:
        """What the step did, in one line."""
        return self.proposed.instruction or self.proposed.action

    @property
    def thought(self) -> str:
        """Why, in the words of a policy that writes; empty for others."""
        return parse(self.proposed.reply)[0].thought if self.proposed.reply else ""

    @property
    def looks(self) -> bool:
        """Whether it only looked at files."""
        return not self.proposed.invalid and self.proposed.action in _LOOKS

    @property
    def edits(self) -> bool:
        return self.proposed.commit != self.proposed.base

    @property
    def outcome(self) -> str:
        """How the step ended; `open` while it has not."""
        if self.rewarded is not None:
            return self.rewarded.outcome
        if self.decided is not None:
            return "skipped"  # by a person, or by what forbids its run
        return self.runs[-1].outcome if self.runs else "open"

    @property
    def value(self) -> float | None:
        """m_t+1, the mean after repeated measurements."""
        if self.measured is not None:
            return self.measured.value
        return self.rewarded.value if self.rewarded else None

    @property
    def values(self) -> tuple[float, ...]:
        """Every measurement that `value` is the mean of."""
        if self.measured is not None:
            return self.measured.values
        return () if self.value is None else (self.value,)

    @property
    def before(self) -> float | None:
        """m_t, the metric that the step started from; the newest mean of it where it was measured more than once."""
        if self.rewarded is None or self.origin is not None:
            return self.origin
        return self.rewarded.before

    @property
    def confidence(self) -> float | None:
        """The step's own gain / noise, from its latest measurement."""
        if self.measured is not None:
            return self.measured.confidence
        return self.rewarded.confidence if self.rewarded else None

    @property
    def reward(self) -> float | None:
        return self.rewarded.scalar if self.rewarded else None

    @property
    def seconds(self) -> float:
        """The wall time of all its runs, interrupted ones included."""
        return round(sum(run.seconds for run in self.runs), 3)

    @property
    def kept(self) -> bool:
        return self.decided is not None and self.decided.decision == "accept" and self.reverted is None

    @property
    def partial(self) -> bool:
        """Whether only some hunks were accepted."""
        return self.kept and self.decided is not None and self.decided.hunks is not None

    @property
    def measurable(self) -> str:
        """The private commit that a run of the step is of: what is kept of it, else all that it proposed."""
        return self.decided.commit if self.kept and self.decided is not None else self.proposed.commit

    @property
    def decision(self) -> str | None:
        """`accept`, `refuse`, `skip`, `reverted`, or None while it is open."""
        if self.reverted is not None:
            return "reverted"
        return self.decided.decision if self.decided else None

    @property
    def speaks(self) -> bool:
        """Whether its value is the metric of files that were really kept."""
        measured = self.value is not None and math.isfinite(self.value)
        return measured and self.kept and not self.stale and (self.remeasured or not self.partial)

    @property
    def commit(self) -> str | None:
        """The project's commit once the step has landed, before that the session's private one; None without an edit."""
        if self.landed is not None and self.landed.commit:
            return self.landed.commit
        return self.proposed.commit if self.edits else None


@dataclass(frozen=True, slots=True)
class Best:
    """The best state that was kept. `step` 0 is the baseline; `gain` is signed so that positive is better.

    `relative_gain` is gain / |baseline|, None for a baseline of zero; `confidence` is gain / noise, None when the noise is
    unknown or zero.
    """

    value: float
    step: int
    gain: float
    relative_gain: float | None
    confidence: float | None


@dataclass(slots=True)
class Summary:
    """The fold. `head` is the metric of the files as they were last measured on their own; see `HeadMeasured`.

    `most_steps` and `most_minutes` (None: no limit) are what the session may take, as it was last told.
    """

    started: ev.SessionStarted | None = None
    most_steps: int = 0
    most_minutes: float | None = None
    snapshot: ev.SnapshotTaken | None = None
    choice: ev.MetricChosen | None = None
    baseline: ev.BaselineMeasured | None = None
    metric: MetricSpec | None = None
    baseline_runs: list[ev.RunFinished] = field(default_factory=list[ev.RunFinished])
    head_runs: list[ev.RunFinished] = field(default_factory=list[ev.RunFinished])
    steps: list[StepSummary] = field(default_factory=list[StepSummary])
    sandboxes: list[str] = field(default_factory=list[str])
    notices: list[ev.Notice] = field(default_factory=list[ev.Notice])
    head: tuple[int, float] | None = None
    failed: ev.Failed | None = None
    test: ev.TestScored | None = None
    ended: ev.SessionEnded | None = None

    def add(self, event: Event) -> None:
        """Take in the next event."""
        match event:
            case ev.SessionStarted():
                self.started, self.most_steps, self.most_minutes = event, event.steps, event.minutes
                self.metric = _spec(event.metric) if event.metric else None
                self.sandboxes = [event.sandbox]
            case ev.SnapshotTaken():
                self.snapshot = event
            case ev.MetricChosen():
                self.choice, self.metric = event, _spec(event.metric)
            case ev.BaselineMeasured():
                self.baseline = event
                for step in self.steps:
                    if self.snapshot is not None and step.proposed.base == self.snapshot.commit:
                        step.origin = event.value
            case ev.Notice():
                self.notices.append(event)
            case ev.Failed():
                self.failed = event
            case ev.TestScored():
                self.test = event
            case ev.SessionEnded():
                self.ended = event
            case ev.Resumed():
                self._resume(event)
            case _:
                self._add_to_step(event)

    def _resume(self, event: ev.Resumed) -> None:
        """A session that goes on has neither failed nor ended; it may go on in another sandbox."""
        self.failed = self.ended = None
        if event.steps is not None:
            self.most_steps, self.most_minutes = event.steps, event.minutes
        if event.sandbox and event.sandbox not in self.sandboxes:
            self.sandboxes.append(event.sandbox)

    def _add_to_step(self, event: Event) -> None:
        if isinstance(event, ev.ActionProposed):
            # A step that was interrupted before it was decided is proposed anew.
            self.steps = [step for step in self.steps if step.index != event.step]
            self.steps.append(StepSummary(event))
            return
        if isinstance(event, ev.RunFinished) and event.step in (0, ev.HEAD):
            (self.baseline_runs if event.step == 0 else self.head_runs).append(event)
            return
        if isinstance(event, ev.HeadMeasured):
            self._measure_head(event)
            return
        step = self.step(getattr(event, "step", 0))
        if step is None:
            return
        match event:
            case ev.RunFinished():
                step.add(event)
            case ev.Rewarded():
                step.rewarded = event
            case ev.Measured():
                step.measured = event
                step.remeasured = step.decided is not None
            case ev.Decided(decision="run"):
                pass
            case ev.Decided():
                step.decided = event
                self.head = None if event.decision == "accept" else self.head
            case ev.Landed():
                step.landed = event
            case ev.Reverted():
                self._revert(step, event)
            case _:
                pass

    def _revert(self, step: StepSummary, event: ev.Reverted) -> None:
        step.reverted = event
        self.head = None
        for later in self.steps:
            later.stale = later.stale or (later.index > step.index and later.kept)

    def _measure_head(self, event: ev.HeadMeasured) -> None:
        kept = [step.index for step in self.steps if step.kept]
        self.head = (kept[-1] if kept else 0, event.value) if event.value is not None else None

    def step(self, index: int) -> StepSummary | None:
        """The step of that number, if it has been seen."""
        return next((step for step in self.steps if step.index == index), None)

    @property
    def sandbox(self) -> str:
        """The sandbox used last; `sandboxes` holds all of them."""
        return self.sandboxes[-1] if self.sandboxes else ""

    @property
    def best(self) -> Best | None:
        """The best kept state; None before the baseline is measured."""
        if self.baseline is None or self.metric is None:
            return None
        value, index = self.baseline.value, 0
        known = [(step.index, step.value) for step in self.steps if step.speaks and step.value is not None]
        for number, candidate in [*known, *([self.head] if self.head else [])]:
            if self.metric.better(candidate, value):
                value, index = candidate, number
        gain = self.metric.gain(value, self.baseline.value)
        size, noise = abs(self.baseline.value), self.baseline.noise
        return Best(
            value=value,
            step=index,
            gain=gain,
            relative_gain=gain / size if size else None,
            confidence=gain / noise if noise and index else None,
        )

    @property
    def best_step(self) -> int:
        """The step of the best kept state, 0 for the baseline."""
        return self.best.step if self.best else 0

    @property
    def applied(self) -> bool:
        """Whether an accepted step stands in the project."""
        return any(step.kept and step.landed is not None for step in self.steps)

    @property
    def measured_edits(self) -> int:
        """How many edits yielded a metric: the best was picked from these."""
        return sum(step.edits and step.value is not None for step in self.steps)

    @property
    def seconds(self) -> float:
        """The session's working time; of an unfinished one, the time of its runs."""
        if self.ended is not None:
            return self.ended.seconds
        apart = sum(run.seconds for run in (*self.baseline_runs, *self.head_runs))
        return round(apart + sum(step.seconds for step in self.steps), 3)


def spent(steps: Sequence[StepSummary], budget: int) -> int:
    """How many of `budget` steps are used up. Looking is free, up to as many looks as the budget has steps."""
    return len(steps) - min(budget, sum(step.looks for step in steps))


def summarise(events: Iterable[Event]) -> Summary:
    """The summary of a stream of events, whole or cut off anywhere."""
    summary = Summary()
    for event in events:
        summary.add(event)
    return summary


def to_json(summary: Summary) -> dict[str, Any]:
    """The one object of `mlagent run --format json`; every value goes through a strict JSON encoder.

    `decision` of a step is `accept`, `refuse`, `skip`, `reverted` or null. `commit` is the project's commit once the step has
    landed, before that the session's private one. `applied` says whether an accepted step stands in the project. `test` is
    there for tasks of the suite only: the hidden test part, graded once.
    """
    started, metric, baseline, best = summary.started, summary.metric, summary.baseline, summary.best
    return {
        "project": started.project if started else None,
        "session": started.session if started else None,
        "policy": started.policy if started else None,
        "sandbox": summary.sandbox or None,
        "command": started.command if started else None,
        "metric": {"name": metric.name, "direction": metric.direction} if metric else None,
        "baseline": {"value": baseline.value, "runs": len(baseline.values), "noise": baseline.noise} if baseline else None,
        "best": {
            "value": best.value,
            "step": best.step,
            "relative_gain": best.relative_gain,
            "confidence": best.confidence,
        }
        if best
        else None,
        **({"test": {"baseline": summary.test.baseline, "best": summary.test.best}} if summary.test else {}),
        "steps": [_step_json(step) for step in summary.steps],
        "applied": summary.applied,
        "seconds": summary.seconds,
    }


def _step_json(step: StepSummary) -> dict[str, Any]:
    return {
        "index": step.index,
        "action": step.proposed.action,
        "instruction": step.proposed.instruction,
        "file": step.proposed.file,
        "outcome": step.outcome,
        "value": step.value if step.value is not None and math.isfinite(step.value) else None,
        "reward": step.reward,
        "seconds": step.seconds,
        "decision": step.decision,
        "commit": step.commit,
    }


def _spec(data: dict[str, Any]) -> MetricSpec:
    return replace(MetricSpec(data["name"], data["direction"]), **data)
