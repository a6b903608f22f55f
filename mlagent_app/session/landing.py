"""Accepted steps on their way into the private head and into the user's project, and back out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from mlagent_app import __version__
from mlagent_app.agent import events as ev
from mlagent_app.agent.errors import UserError
from mlagent_app.agent.events import Event
from mlagent_app.agent.metrics import MetricSpec
from mlagent_app.agent.summary import StepSummary
from mlagent_app.plan import Plan
from mlagent_app.repo import landing
from mlagent_app.repo.indexlock import IndexHeld
from mlagent_app.repo.project import Project
from mlagent_app.repo.snapshot import Snapshot
from mlagent_app.session.difference import Difference, difference
from mlagent_app.session.progress import Progress

Emit = Callable[[Event], None]
CutShort = Literal["landing", "undoing", ""]


class Lander:
    """Moves accepted steps. `commit` overrides whether landing commits on the user's branch."""

    def __init__(self, project: Project, snapshot: Snapshot, plan: Plan, session: str, *, commit: bool | None = None) -> None:
        self._project = project
        self._snapshot = snapshot
        self._session = session
        self._commit = plan.commit if commit is None else commit
        self._waiting: list[StepSummary] = []  # kept steps that could not be landed so far, oldest first

    def kept_commit(self, step: StepSummary, hunks: tuple[int, ...] | None) -> tuple[str, tuple[int, ...] | None]:
        """The private commit of what is kept of a step, and the hunks if they are not all of them. Raises `UserError`."""
        proposed = step.proposed
        if hunks is None:
            return proposed.commit, None
        commit = self._snapshot.partial(proposed.base, proposed.commit, hunks)
        if not self._snapshot.patch(commit, proposed.commit):
            return proposed.commit, None
        return commit, hunks

    def move_head(self, commit: str, old: str) -> None:
        """Make `commit` the accepted state."""
        self._snapshot.set_head(commit, old)

    def cut_short(self, step: StepSummary) -> CutShort:
        """See `cut_short`."""
        return cut_short(self._snapshot, step)

    def land(self, step: StepSummary, progress: Progress, policy: str, emit: Emit) -> None:
        """Land an accepted step in the project, and before it those that an earlier call could not land.

        A conflict is a warning and leaves the project as it was.
        """
        waiting = [earlier for earlier in self._waiting if earlier.kept and earlier.landed is None]
        self._waiting = []
        problem: UserError | None = None
        for each in (*waiting, step):
            # Whoever has held the index for seconds is not waited for once more.
            if not isinstance(problem, IndexHeld):
                problem = self._try(each, progress, policy, emit)
            if problem is not None:
                self._waiting.append(each)
        if problem is not None:
            text = f"step {step.index} is kept in the session but not in the project: {problem.line()}"
            emit(told(problem, step.index, text))

    def _try(self, step: StepSummary, progress: Progress, policy: str, emit: Emit) -> UserError | None:
        """Land one step, if it changed anything; what prevented it."""
        proposed, decided, spec = step.proposed, step.decided, progress.metric
        if decided is None or spec is None or decided.commit == proposed.base:
            return None
        try:
            apart = difference(step, progress, self._project, self._snapshot) if self._commit else Difference()
            result = landing.land(
                self._project,
                self._snapshot,
                proposed.base,
                decided.commit,
                hunks=None,
                message=_message(step, spec, apart),
                trailers=self._trailers(step, spec, policy, apart),
                commit_to_branch=self._commit,
            )
        except UserError as error:
            return error
        notes = [result.note, f"its metric was measured {apart}" if apart and result.commit else ""]
        emit(ev.Landed(step=step.index, files=result.files, commit=result.commit, note="; ".join(filter(None, notes))))
        landing.settle(self._snapshot, proposed.base, decided.commit)
        return None

    def revert(self, index: int, progress: Progress, emit: Emit) -> None:
        """Undo an accepted step in the private head, and in the project if it has landed.

        Raises KeyError for an unknown step and `UserError` when it was not accepted or when later edits build on it.
        """
        step = progress.step(index)
        if not step.kept or step.decided is None:
            raise UserError(f"step {index} is not accepted, so there is nothing to revert")
        base, commit = step.proposed.base, step.decided.commit
        try:
            head = self._snapshot.carried(progress.head, commit, base, f"Revert step {index}")
        except UserError as error:
            raise UserError(
                f"step {index} cannot be undone: {error.what}", where=error.where, how="undo the later step first"
            ) from None
        files: tuple[str, ...] = ()
        landed, note = "", ""
        if step.landed is not None or landing.is_unsettled(self._snapshot, base, commit):
            landed_by = step.landed.commit if step.landed else ""
            result = landing.revert(
                self._project,
                self._snapshot,
                base,
                commit,
                message=f"Revert: {step.proposed.instruction}",
                trailers={"ML-Agent-Step": f"{self._session}/{index}", "ML-Agent-Reverts": landed_by or "uncommitted"},
                commit_to_branch=self._commit,
                landed=landed_by,
            )
            files, landed, note = result.files, result.commit, result.note
        self._snapshot.set_head(head, progress.head)
        emit(ev.Reverted(step=index, files=files, commit=landed, head=head, note=note))
        landing.settle(self._snapshot, base, commit)

    def _trailers(self, step: StepSummary, spec: MetricSpec, policy: str, apart: Difference) -> dict[str, str]:
        before = step.before
        value = "unmeasured" if apart or step.partial or step.value is None else f"{step.value:.6g}"
        was = "" if apart or before is None else f" (was {before:.6g})"
        return {
            "ML-Agent-Step": f"{self._session}/{step.index}",
            "ML-Agent-Metric": f"{spec.name} {value}{was}",
            "ML-Agent-Model": f"{policy} (ml-agent {__version__})",
        }


def cut_short(snapshot: Snapshot, step: StepSummary) -> CutShort:
    """What of an accepted step was under way when its process was killed: the project may hold some of it, or all."""
    if step.decided is None:
        return ""
    base, commit = step.proposed.base, step.decided.commit
    if landing.is_unsettled(snapshot, commit, base):
        return "undoing"  # also of what a killed landing left: whoever undoes that no longer wants it
    return "landing" if step.landed is None and landing.is_unsettled(snapshot, base, commit) else ""


def told(problem: UserError, step: int, text: str = "") -> ev.Notice:
    """A problem with a step as a notice, which shows the conflict where that is the problem."""
    detail = problem.text if isinstance(problem, landing.LandingConflict) else ""
    return ev.Notice(text=text or problem.line(), level="warning", step=step, detail=detail)


def _message(step: StepSummary, spec: MetricSpec, apart: Difference) -> str:
    """The commit message: what was done, and what was measured on which files."""
    before = step.before
    subject = step.proposed.instruction.splitlines()[0][:100] or step.proposed.action
    if step.partial or step.value is None or before is None:
        return f"{subject}\n\nAccepted in part; not measured."
    how = f"measured in a sandbox {apart}" if apart else "measured in a sandbox"
    return f"{subject}\n\n{spec.name}: {before:.6g} -> {step.value:.6g}, {how}."
