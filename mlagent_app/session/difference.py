"""How the user's branch differs from the files that a step was measured on: a commit must not claim a metric of other files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlagent_app.agent.summary import StepSummary
from mlagent_app.repo.landing import is_on_branch
from mlagent_app.repo.project import Project
from mlagent_app.repo.snapshot import Snapshot
from mlagent_app.session.progress import Progress


@dataclass(frozen=True, slots=True)
class Difference:
    """The steps of the session that a step was measured with and the branch lacks, and those it was measured without."""

    missing: tuple[int, ...] = ()
    extra: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.missing or self.extra)

    def __str__(self) -> str:
        """How the step was measured, to follow the word `measured`; empty where nothing differs."""
        parts: list[str] = []
        if self.missing:
            parts.append(f"together with {_named(self.missing)}, which {_are(self.missing)} not on this branch")
        if self.extra:
            parts.append(f"without {_named(self.extra)}, which {_are(self.extra)} on this branch")
        return ", and ".join(parts)


def difference(step: StepSummary, progress: Progress, project: Project, snapshot: Snapshot) -> Difference:
    """What to say of the metric of `step` in a commit on the branch as it is now. Raises `UserError`."""
    missing: list[int] = []
    extra: list[int] = []
    for other in progress.steps:
        if other.index == step.index or not _was_accepted(other):
            continue
        measured_with = _lies_below(step, other, snapshot)
        if not measured_with and not _may_be_left(other):
            continue
        if measured_with != _is_there(other, project, snapshot):
            (missing if measured_with else extra).append(other.index)
    return Difference(tuple(missing), tuple(extra))


def _was_accepted(step: StepSummary) -> bool:
    decided = step.decided
    return decided is not None and decided.decision == "accept" and decided.commit != step.proposed.base


def _lies_below(step: StepSummary, other: StepSummary, snapshot: Snapshot) -> bool:
    """Whether `other` was part of the accepted files that `step` was made from."""
    if other.index > step.index:
        return False
    return other.reverted is None or not snapshot.git.is_ancestor(other.reverted.head, step.proposed.base)


def _may_be_left(step: StepSummary) -> bool:
    """Whether a commit of the step may be on the branch: it was made, and no commit undid it."""
    return bool(step.landed and step.landed.commit) and not (step.reverted and step.reverted.commit)


def _is_there(step: StepSummary, project: Project, snapshot: Snapshot) -> bool:
    landed = step.landed.commit if step.landed is not None and step.reverted is None else ""
    commit = step.decided.commit if step.decided is not None else step.proposed.commit
    return is_on_branch(project, snapshot, step.proposed.base, commit, landed=landed)


def _named(steps: Sequence[int]) -> str:
    if len(steps) == 1:
        return f"step {steps[0]}"
    return f"steps {', '.join(map(str, steps[:-1]))} and {steps[-1]}"


def _are(steps: Sequence[int]) -> str:
    return "is" if len(steps) == 1 else "are"
