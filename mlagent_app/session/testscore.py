"""The hidden test part of a task: graded once, when a session is over."""

from __future__ import annotations

from mlagent_app.agent import events as ev
from mlagent_app.environment.measure import Bench
from mlagent_app.session.progress import Progress
from mlagent_app.session.recorder import Recorder


def score_test(bench: Bench, recorder: Recorder) -> None:
    """Grade the baseline and the best kept state on the test part and report both; nothing for a project that is no task."""
    judge, progress = bench.judge, recorder.progress
    if judge is None or progress.metric is None:
        return
    value, best = progress.best
    start = progress.snapshot.commit if progress.snapshot else ""
    recorder.emit(
        ev.TestScored(
            metric=progress.metric.name,
            baseline=judge.test(bench.submission(start)),
            best=judge.test(bench.submission(_commit(progress, best, value) or start)),
            step=best,
        )
    )


def _commit(progress: Progress, step: int, value: float | None) -> str:
    """The private commit that the best kept state was measured on; empty for the baseline."""
    if progress.summary.head is not None and progress.summary.head[1] == value:
        return progress.head
    decided = progress.step(step).decided if step else None
    return decided.commit if decided else ""
