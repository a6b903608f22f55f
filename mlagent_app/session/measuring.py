"""The runs of a session after its baseline: a step's own, its confirmation, the files as they stand, the baseline once more."""

from __future__ import annotations

import math
import statistics
from dataclasses import replace

from mlagent_app.agent import events as ev
from mlagent_app.agent.errors import Exit, UserError
from mlagent_app.agent.metrics import MetricSpec
from mlagent_app.agent.reward import Reference
from mlagent_app.agent.summary import StepSummary
from mlagent_app.environment.core import Environment
from mlagent_app.environment.measure import Measurement
from mlagent_app.environment.prepared import Prepared
from mlagent_app.session.baseline import reference_of
from mlagent_app.session.decide import confidence, noise, noise_of
from mlagent_app.session.progress import Progress
from mlagent_app.session.recorder import Recorder
from mlagent_app.session.runs import Runs
from mlagent_app.session.view import rewarded

# After this many runs in a row that failed in the sandbox itself, the session pauses instead of burning its budget.
INFRASTRUCTURE_PATIENCE = 3


class BrokenHead(UserError):
    """The accepted edits run, but not together."""

    def __init__(self, why: str, how: str) -> None:
        super().__init__("the accepted edits together do not yield the metric", where=why, how=how, code=Exit.NO_METRIC)


class Measurer:
    """Measures commits and reports what that came to. Every method may raise `Interrupted`, `Stopped` and `UserError`."""

    def __init__(self, environment: Environment, runs: Runs, recorder: Recorder) -> None:
        self._environment = environment
        self._runs = runs
        self._recorder = recorder
        self._failures = 0

    def step(self, step: StepSummary, prepared: Prepared) -> None:
        """Run a step and reward it; one that is not to be run is rewarded only."""
        before = self._progress.head_value
        if before is None:
            raise RuntimeError("the head is measured before a step begins")
        measurement = None
        if prepared.runs:
            measurement = self._runs.run(step.index, len(step.runs), prepared.commit)
            self._watch_infrastructure(measurement)
        reward, feedback = self._environment.score(prepared, before, measurement)
        self._recorder.emit(rewarded(step.index, reward, before, measurement, feedback, noise(self._progress)))

    def again(self, step: StepSummary) -> Measurement:
        """Run a measured step once more. A run that gives no metric is a notice; see `StepSummary.unconfirmed`."""
        measurement = self._runs.run(step.index, len(step.runs), step.measurable)
        value = _finite(measurement)
        if value is None:
            text = f"step {step.index} measured again: {_why(measurement)}"
            self._recorder.emit(ev.Notice(text=text, level="warning"))
            return measurement
        values = (value,) if step.partial else (*step.values, value)
        mean = sum(values) / len(values)
        before = mean if step.before is None else step.before
        spread = max((item for item in (noise(self._progress), noise_of(values)) if item is not None), default=None)
        sure = confidence(self._spec.gain(mean, before), spread)
        self._recorder.emit(ev.Measured(step=step.index, values=values, value=mean, confidence=sure))
        return measurement

    def confirm(self, step: StepSummary) -> None:
        """Run a measured step until it has been measured a second time, or has failed otherwise than by the sandbox."""
        while step.measured is None and not step.unconfirmed:
            self._watch_infrastructure(self.again(step))

    def head(self) -> None:
        """Measure the files as they stand when no step's value speaks for them. Raises `BrokenHead` when they give none."""
        if self._progress.head_value is not None:
            return
        while True:
            measurement = self._runs.run(ev.HEAD, len(self._progress.summary.head_runs), self._progress.head)
            self._watch_infrastructure(measurement)
            if measurement.result.outcome != "infrastructure":
                break
        value = _finite(measurement)
        if value is None:
            raise self._broken(measurement)
        self._recorder.emit(ev.HeadMeasured(value=value, why="accepted in part, or reverted out of order"))

    def _broken(self, measurement: Measurement) -> BrokenHead:
        started, kept = self._progress.started, self._progress.kept
        how = "start a new session"
        if started is not None and kept:
            # The newest: the ones before it may well be what it needs, and it is undone without any other.
            how = f"undo one of them: mlagent revert {started.session} {kept[-1].index}"
        return BrokenHead(_why(measurement), how)

    def baseline(self) -> str:
        """Measure the baseline once more where its noise is not known; why it still is not, empty when it is.

        A run that the sandbox failed is repeated.
        """
        baseline, snapshot = self._progress.baseline, self._progress.snapshot
        if baseline is None or snapshot is None:
            raise RuntimeError("the baseline is measured before a step is decided")
        if baseline.noise is not None:
            return ""
        self._recorder.emit(ev.Notice(text="the noise is not known from one run: the baseline is measured once more"))
        measurement = self._baseline_run(snapshot.commit)
        value = _finite(measurement)
        if value is None:
            return _why(measurement)
        values = (*baseline.values, value)
        mean = statistics.fmean(values)
        best = Reference(mean, baseline.m_best, baseline.m_best_source)
        if self._spec.target is None:  # a target stays what it is, also where the baseline turns out to reach it
            best = reference_of(self._environment, self._spec, mean)
        self._environment.reference = best
        self._recorder.emit(
            replace(
                baseline,
                values=values,
                value=mean,
                noise=noise_of(values),
                seconds=measurement.result.seconds,
                m_best=best.m_best,
                m_best_source=best.source,
            )
        )
        return ""

    def _baseline_run(self, commit: str) -> Measurement:
        while True:
            measurement = self._runs.run(0, len(self._progress.summary.baseline_runs), commit)
            self._watch_infrastructure(measurement)
            if measurement.result.outcome not in ("infrastructure", "killed"):
                return measurement

    def _watch_infrastructure(self, measurement: Measurement) -> None:
        self._failures = self._failures + 1 if measurement.result.outcome == "infrastructure" else 0
        if self._failures >= INFRASTRUCTURE_PATIENCE:
            raise UserError(
                f"the sandbox failed {self._failures} times in a row",
                where=measurement.message,
                how="mend it, then go on with --continue; see: mlagent doctor",
                code=Exit.NO_SANDBOX,
            )

    @property
    def _progress(self) -> Progress:
        return self._recorder.progress

    @property
    def _spec(self) -> MetricSpec:
        if self._progress.metric is None:
            raise RuntimeError("the metric is known before the session runs")
        return self._progress.metric


def _finite(measurement: Measurement) -> float | None:
    value = measurement.value
    return value if value is not None and math.isfinite(value) else None


def _why(measurement: Measurement) -> str:
    """Why there is no metric to go by."""
    if measurement.value is not None:
        return f"the metric is {measurement.value:g}"
    return measurement.message or measurement.result.outcome.replace("_", " ")
