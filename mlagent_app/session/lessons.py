"""A session's steps for training, read from its journal and its private git repository; nothing of the project is read."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from mlagent_app.agent import events as ev
from mlagent_app.agent.errors import UserError
from mlagent_app.agent.lessons import Decision, Lesson, Lessons, to_json
from mlagent_app.agent.metrics import MetricSpec
from mlagent_app.agent.reward import Case, Version
from mlagent_app.agent.state import State, Task, Turn
from mlagent_app.agent.summary import StepSummary, spent
from mlagent_app.journal import Record, read
from mlagent_app.plan import Plan
from mlagent_app.repo.snapshot import Snapshot
from mlagent_app.repo.texts import decode
from mlagent_app.session.progress import Progress
from mlagent_app.session.store import SessionPaths

PREFIX, SUFFIX = "session-", ".json"
# Whose home it is matters to nobody.
_HOME = re.compile(r"(?:/home|/Users)/[^/\s\"'`,:;)\]}]+")
Clean = Callable[[str], str]


def write(paths: SessionPaths, directory: Path) -> tuple[Path, int]:
    """Write `session-ID.json` into `directory`, whole or not at all; the path and the number of steps. Raises `UserError`."""
    records, _ = read(paths.journal)
    lessons = of_records(records, Snapshot.load(paths.directory), limit=Plan.from_json(paths.read_plan()).limits.seconds)
    if not lessons.steps:
        raise UserError("no step of the session was decided yet", where=paths.id, how="see: mlagent sessions list")
    target = directory / f"{PREFIX}{paths.id}{SUFFIX}"
    scratch = directory / f".{target.name}.{os.getpid()}"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        scratch.write_text(json.dumps(to_json(lessons), separators=(",", ":")), "ascii")
        scratch.replace(target)
    except OSError as error:
        raise UserError(
            f"the export cannot be written: {error.strerror}", where=str(directory), how="name another directory"
        ) from None
    return target, len(lessons.steps)


def of_records(records: Sequence[Record], snapshot: Snapshot, *, limit: float) -> Lessons:
    """Fold a session's events: each step with the state in which it was proposed. Raises `UserError` without a baseline.

    `limit` is the seconds after which a run of the session is cut off.
    """
    progress, seen = Progress(), dict[int, State]()
    clean: Clean = str

    @cache
    def texts(commit: str) -> dict[str, str]:
        """The editable files' texts, as the environment reads them."""
        taken = progress.snapshot
        contents = snapshot.texts(commit, taken.editable if taken else ())
        return {path: clean(file.text) for path, content in contents.items() if (file := decode(path, content))}

    for record in records:
        event = record.event
        if isinstance(event, ev.SessionStarted):
            clean = cleaner(Path(event.project))
        task = _task(progress)
        if isinstance(event, ev.ActionProposed) and progress.head_value is not None and task is not None:
            # The history as it stood then: what was measured again or undone later had not happened yet.
            seen[event.step] = State(
                task=task,
                value=progress.head_value,
                base=event.base,
                history=tuple(_without_words(turn, clean) for turn in progress.turns()),
                files=texts(event.base),
                steps_left=_steps_left(progress),
                seconds=progress.head_seconds,
                limit=limit,
            )
        progress.apply(event, record.time)
    started, taken, task = progress.started, progress.snapshot, _task(progress)
    if started is None or taken is None or task is None:
        raise UserError("the session ended before its baseline was measured", how="see: mlagent sessions list")
    steps = tuple(
        _lesson(step, seen[step.index], clean, withheld=step.index in progress.withheld)
        for step in progress.steps
        if step.index in seen and step.decided is not None
    )
    version: Version = started.reward  # pyright: ignore[reportAssignmentType]
    return Lessons(started.session, started.policy, version, task, taken.protected, steps)


def cleaner(project: Path) -> Clean:
    """Takes the project's place and people's home directories out of a text: `.` and `~` stand for them."""
    known = [(str(project), "."), (str(Path.home()), "~")]
    known = [(path, short) for path, short in known if len(Path(path).parts) > 1]

    def clean(text: str) -> str:
        for path, short in known:
            text = re.sub(rf"{re.escape(path)}(?![\w.-])", short, text)
        return _HOME.sub("~", text)

    return clean


def _steps_left(progress: Progress) -> int | None:
    most = progress.summary.most_steps
    return most - spent(progress.steps, most) if progress.started else None


def _task(progress: Progress) -> Task | None:
    """The task without the project's name, command and notes; None before the baseline is measured."""
    started, metric, baseline = progress.started, progress.metric, progress.baseline
    if started is None or metric is None or baseline is None:
        return None
    named = MetricSpec(metric.name, metric.direction)
    return Task(started.session, "", named, baseline.value, baseline.m_best, baseline.noise)


def _without_words(turn: Turn, clean: Clean) -> Turn:
    """A turn without logs, diffs and replies, which hold paths, and which the digest does not read."""
    words = {"instruction": clean(turn.instruction), "reason": clean(turn.reason)}
    return replace(turn, feedback="", diff="", reply="", **words, value=_finite(turn.value), delta=_finite(turn.delta))


def _lesson(step: StepSummary, state: State, clean: Clean, *, withheld: bool) -> Lesson:
    proposed, rewarded = step.proposed, step.rewarded
    decision, reason = _decision(step, withheld=withheld)
    case: Case | None = rewarded.case if rewarded else None  # pyright: ignore[reportAssignmentType]
    return Lesson(
        index=step.index,
        state=state,
        action=proposed.action,
        instruction=clean(proposed.instruction),
        file=proposed.file,
        family=proposed.family,
        probability=proposed.probability,
        outcome=step.outcome,
        case=case,
        value=_finite(step.value),
        scale=_scale(step, state.task.metric),
        reward=step.reward,
        decision=decision,
        reason=clean(reason),
    )


def _scale(step: StepSummary, metric: MetricSpec) -> float | None:
    """delta / span of eq. 6, by all measurements of the step."""
    rewarded = step.rewarded
    if rewarded is None or rewarded.case != "edit" or rewarded.scale is None or not rewarded.span:
        return None
    if step.measured is None or step.before is None or step.partial:
        return _finite(rewarded.scale)
    return _finite(metric.gain(step.measured.value, step.before) / rewarded.span)


def _decision(step: StepSummary, *, withheld: bool) -> tuple[Decision, str]:
    """What a person said, and why. What `auto` decided follows from the metric and says nothing about a person.

    Landing a step by hand that `auto` accepted, and withheld from the project, is accepting it; undoing one is refusing it.
    """
    decided = step.decided
    if step.reverted is not None:
        return "refused", "reverted"
    if decided is None or decided.by != "user":
        return ("accepted" if step.landed is not None and withheld else "undecided"), ""
    if decided.decision != "accept":
        return "refused", decided.reason
    return ("accepted in part" if step.partial else "accepted"), decided.reason


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
