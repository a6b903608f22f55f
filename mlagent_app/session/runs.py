"""Runs with their events: what the baseline and the steps have in common."""

from __future__ import annotations

from mlagent_app.agent import events as ev
from mlagent_app.agent.errors import Exit, UserError
from mlagent_app.environment.core import Environment
from mlagent_app.environment.measure import Hooks, Measurement
from mlagent_app.session.control import Controls
from mlagent_app.session.recorder import Recorder


class Stopped(Exception):
    """The user ended the session; it can be continued."""


class Interrupted(Exception):
    """The current proposal or run was killed; the session pauses."""


class Runs:
    """Runs commits of a session's snapshot and reports each run as events."""

    def __init__(self, command: str, environment: Environment, recorder: Recorder, controls: Controls) -> None:
        self._command = command
        self._environment = environment
        self._recorder = recorder
        self._controls = controls

    def run(self, step: int, repeat: int, commit: str) -> Measurement:
        """One run with its events. Raises `Interrupted` or `Stopped` when it was killed on request.

        Raises `UserError` when linked data has changed since the baseline: whatever else is run cannot be compared with it.
        """
        log_path = self._environment.bench.log_path(step, repeat)
        self._recorder.emit(ev.RunStarted(step=step, repeat=repeat, command=self._command, log_path=str(log_path)))
        hooks = Hooks(
            on_log=lambda lines: self._recorder.emit(ev.LogLines(step=step, lines=tuple(lines))),
            on_sample=lambda s: self._recorder.emit(
                ev.ResourceSample(step=step, seconds=s.seconds, memory=s.memory, cpu=s.cpu)
            ),
        )
        measurement = self._environment.measure(commit, step, repeat, self._controls.cancel, hooks)
        self._recorder.emit(finished(step, repeat, measurement))
        if measurement.result.outcome == "killed" and self._controls.cancel.is_set():
            raise Stopped if self._controls.stopping else Interrupted
        if measurement.outdated:
            raise UserError(measurement.message, code=Exit.NO_METRIC)
        return measurement


def finished(step: int, repeat: int, measurement: Measurement) -> ev.RunFinished:
    """The event of a run's end."""
    result = measurement.result
    return ev.RunFinished(
        step=step,
        repeat=repeat,
        outcome=result.outcome,
        exit_code=result.exit_code,
        seconds=round(result.seconds, 3),
        value=measurement.value,
        line=measurement.reading.text if measurement.reading else "",
        message=measurement.message,
        peak_memory=result.peak_memory,
        cpu_seconds=result.cpu_seconds,
        warnings=measurement.warnings,
    )
