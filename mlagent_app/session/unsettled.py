"""Before a new session takes its snapshot: no earlier one may have left half of a step in the project."""

from __future__ import annotations

from pathlib import Path

from mlagent_app.agent.errors import UserError
from mlagent_app.journal import read
from mlagent_app.repo.begun import has_begun
from mlagent_app.repo.snapshot import GIT_DIR, Snapshot
from mlagent_app.session import store
from mlagent_app.session.landing import cut_short
from mlagent_app.session.store import SessionPaths


def refuse_unsettled(project: Path) -> None:
    """Raise `UserError` where the landing of a step, or its undoing, was killed midway. The project's lock must be held.

    What is half there would become part of the snapshot: the baseline would be measured with it, and what completes or undoes
    it later would meet the edits that were made on top.
    """
    for directory in sorted(store.sessions_dir().iterdir()):
        if has_begun(directory / GIT_DIR):
            _refuse(SessionPaths(directory), project)


def _refuse(paths: SessionPaths, project: Path) -> None:
    try:
        if paths.read_plan()["project"] != str(project):
            return
        kept = store.fold(read(paths.journal)[0]).kept
        snapshot = Snapshot.load(paths.directory)
    except UserError:
        return  # nothing can complete what a damaged session began
    for step in kept:
        what = cut_short(snapshot, step)
        if what:
            ways = {command: f"mlagent {command} {paths.id} {step.index}" for command in ("apply", "revert")}
            raise UserError(
                f"{what} step {step.index} of session {paths.id} was cut short, and the project may hold a part of it",
                where=str(project),
                how=f"complete it with: {ways['apply']}, or undo it with: {ways['revert']}"
                if what == "landing"
                else f"complete it with: {ways['revert']}",
            )
