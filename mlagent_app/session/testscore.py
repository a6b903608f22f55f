"""The hidden test part of a task: graded once, when a session is over."""

from __future__ import annotations

from mlagent_app.agent import events as ev
from mlagent_app.environment.measure import Bench
from mlagent_app.session.recorder import Recorder


def score_test(bench: Bench, recorder: Recorder) -> None:
    """Grade the baseline and the best kept state on the test part and report both; nothing for a project that is no task."""
    judge, progress = bench.judge, recorder.progress
    if judge is None or progress.metric is None:
        return
    _, best = progress.best
    recorder.emit(
        ev.TestScored(
            metric=progress.metric.name,
            baseline=judge.test(bench.submission(0, 0)),
            best=judge.test(_submission(bench, recorder, best)),
            step=best,
        )
    )


def _submission(bench: Bench, recorder: Recorder, step: int) -> bytes | None:
    """What the step's first graded run wrote."""
    repeats = len(recorder.progress.step(step).runs) if step else 1
    return next((found for repeat in range(repeats) if (found := bench.submission(step, repeat)) is not None), None)
