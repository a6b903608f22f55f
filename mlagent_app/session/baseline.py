"""The baseline: which metric, what it is now, and how noisy it is."""

from __future__ import annotations

import math
import statistics
from dataclasses import asdict, replace

from mlagent_app.agent import events as ev
from mlagent_app.agent.discovery import Found, directed, discover, settle, why_none
from mlagent_app.agent.errors import Exit, UserError
from mlagent_app.agent.metrics import MetricSpec, natural_bound
from mlagent_app.agent.reward import Reference, reference
from mlagent_app.environment.core import Environment
from mlagent_app.environment.measure import Measurement, last_lines
from mlagent_app.plan import Plan
from mlagent_app.session.control import Controls, Request
from mlagent_app.session.decide import noise_of, repeats
from mlagent_app.session.recorder import Recorder
from mlagent_app.session.runs import Interrupted, Runs, Stopped

HOW = "see: mlagent init --help, or set [metric] name and pattern in mlagent.toml"


class NoBaseline(UserError):
    """The baseline gave no metric. `detail` is the end of its log."""

    def __init__(self, what: str, *, where: str, how: str, code: Exit, detail: str) -> None:
        self.detail = detail
        super().__init__(what, where=where, how=how, code=code)


class Baseline:
    """Measures the project as it stands and settles the metric. Ask for `settle` once a process."""

    def __init__(
        self, plan: Plan, environment: Environment, recorder: Recorder, controls: Controls, *, confirm_metric: bool
    ) -> None:
        self._plan = plan
        self._environment = environment
        self._recorder = recorder
        self._controls = controls
        self._confirm = confirm_metric
        self._runs = Runs(plan.command, environment, recorder, controls)

    def settle(self) -> None:
        """Leave `environment` with metric and reference. Raises `NoBaseline`, `Stopped` and `UserError` (bad target)."""
        progress = self._recorder.progress
        # Until the first run has shown where it stands, a named metric is only a name.
        # A task's metric is the host's grade, and needs no finding.
        if progress.baseline_values or progress.baseline is not None or self._environment.bench.judge is not None:
            self._environment.spec = progress.metric
        if progress.baseline is None:
            self._measure()
        measured, spec = progress.baseline, self._environment.spec
        if measured is None or spec is None:
            raise RuntimeError("the baseline left no metric")
        self._environment.reference = Reference(measured.value, measured.m_best, measured.m_best_source)

    def _measure(self) -> None:
        values = list(self._recorder.progress.baseline_values)
        seconds, line = 0.0, ""
        wanted = len(values) + 1
        while len(values) < wanted:
            measurement = self._run(len(values))
            if self._environment.spec is None:
                measurement = replace(measurement, reading=self._choose(measurement).reading)
            values.append(self._value(measurement))
            seconds = measurement.result.seconds
            line = measurement.reading.text if measurement.reading else line
            wanted = max(wanted, repeats(seconds))
        self._announce(values, seconds, line)

    def _announce(self, values: list[float], seconds: float, line: str) -> None:
        spec = self._environment.spec
        if spec is None:
            raise RuntimeError("the metric is chosen before the baseline is announced")
        mean = statistics.fmean(values)
        best = reference_of(self._environment, spec, mean)
        self._recorder.emit(
            ev.BaselineMeasured(
                values=tuple(values),
                value=mean,
                noise=noise_of(values),
                seconds=seconds,
                m_best=best.m_best,
                m_best_source=best.source,
                line=line,
            )
        )
        if spec.target is None and natural_bound(spec.name, spec.direction, mean) == mean:
            self._recorder.emit(ev.Notice(text=f"{spec.name} is already at its best possible value, {mean:g}", level="warning"))

    def _run(self, repeat: int) -> Measurement:
        """One run of the project as it stands; an interrupted one is repeated after the pause."""
        while True:
            try:
                return self._runs.run(0, repeat, self._recorder.progress.head)
            except Interrupted:
                self._recorder.emit(ev.Paused(why="interrupted"))
                while self._controls.paused and not self._controls.stopping:
                    self._next_request()
                if self._controls.stopping:
                    raise Stopped from None
                self._recorder.emit(ev.Resumed())

    def _value(self, measurement: Measurement) -> float:
        if measurement.value is None or not math.isfinite(measurement.value):
            raise self._failure(measurement)
        return measurement.value

    def _failure(self, measurement: Measurement) -> NoBaseline:
        result = measurement.result
        how, code, what = "mend it, then start a new session", Exit.NO_METRIC, ""
        if result.outcome == "ok":
            named = self._environment.spec or self._plan.metric
            what = f"the command ended well but gave no metric{f' {named.name!r}' if named else ''}"
            how = HOW
        elif result.outcome == "infrastructure":
            what, code, how = "the sandbox failed", Exit.NO_SANDBOX, "see: mlagent doctor"
        elif result.outcome in ("timeout", "out_of_memory"):
            limit = "minutes_per_run" if result.outcome == "timeout" else "memory"
            what, how = (
                f"the command was stopped: {result.outcome.replace('_', ' ')}",
                f"raise [limits] {limit} in mlagent.toml, then start a new session",
            )
        else:
            what = f"the command failed with exit code {result.exit_code}"
        why = measurement.message or "nothing that reads like a metric was printed or written"
        return NoBaseline(
            what,
            where=f"{self._plan.command}: {why}",
            how=how,
            code=code,
            detail=last_lines(measurement.stdout),
        )

    def _choose(self, measurement: Measurement) -> Found:
        """Find the metric in the first run's output; asks when a person is there to confirm and none was named."""
        if measurement.result.outcome != "ok":
            raise self._failure(measurement)
        named = self._plan.metric
        if named is not None:
            settled = settle(named, measurement.stdout, measurement.files)
            if isinstance(settled, str):
                raise self._failure(replace(measurement, message=settled))
            chosen, found = settled, [settled]
        else:
            found = discover(measurement.stdout, measurement.files)
            if not found:
                raise self._failure(replace(measurement, message=why_none(measurement.stdout, measurement.files)))
            self._recorder.emit(ev.MetricsFound(found=tuple(_described(item) for item in found[:12])))
            chosen = found[self._ask() if self._confirm and len(found) > 1 else 0]
        others = tuple(f"{item.spec.name} ({item.reading.text.strip()[:80]})" for item in found[:6] if item is not chosen)
        if self._plan.metric_direction:
            chosen = directed(chosen, self._plan.metric_direction, measurement.stdout, measurement.files)
        spec = replace(chosen.spec, target=self._plan.metric_target)
        self._environment.spec = spec
        self._recorder.emit(
            ev.MetricChosen(
                metric=asdict(spec),
                line=chosen.reading.text,
                where=chosen.reading.where,
                reason=chosen.reason,
                others=others,
                assumed=chosen.assumed,
            )
        )
        return chosen

    def _ask(self) -> int:
        self._recorder.emit(
            ev.DecisionNeeded(step=0, question="metric", suggestion="accept", why="the first is the best guess")
        )
        while True:
            if self._controls.stopping:
                raise Stopped
            request = self._next_request()
            if request is not None and request.kind == "answer" and request.step == 0:
                return request.choice

    def _next_request(self) -> Request | None:
        """What was asked of the session, if anything in the next second. Who decides may change before there is a step."""
        request = self._controls.wait(1.0)
        if request and request.kind == "approve" and request.approve and request.approve != self._recorder.progress.approve:
            self._recorder.emit(ev.ApproveChanged(approve=request.approve))
        return request


def reference_of(environment: Environment, spec: MetricSpec, mean: float) -> Reference:
    """What a step of a baseline of `mean` is measured against. Raises `UserError` when the target is not better than that."""
    judge = environment.bench.judge
    return judge.reference(mean) if judge and spec.target is None else reference(spec, mean)


def _described(found: Found) -> tuple[str, str, float, str, str, str]:
    reading = found.reading
    return found.spec.name, found.spec.direction, reading.value, reading.where, reading.text, found.reason
