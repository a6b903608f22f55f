"""Deciding on a session that is not running: landing its accepted steps, reverting one."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlagent_app.agent.errors import UserError
from mlagent_app.agent.events import Event, Notice
from mlagent_app.journal import Journal
from mlagent_app.plan import Plan
from mlagent_app.repo.locks import project_lock
from mlagent_app.repo.project import open_project
from mlagent_app.repo.snapshot import Snapshot
from mlagent_app.session import store
from mlagent_app.session.landing import Lander, told
from mlagent_app.session.progress import Progress
from mlagent_app.session.recorder import Recorder


@dataclass(frozen=True, slots=True)
class _Opened:
    recorder: Recorder
    lander: Lander

    @property
    def progress(self) -> Progress:
        return self.recorder.progress


def choose(session: str) -> store.SessionPaths:
    """The session of an id, or of `latest` as seen from the current directory. Raises `UserError`."""
    return store.newest(Path.cwd()) if session == "latest" else store.find(session)


@contextlib.contextmanager
def _opened(paths: store.SessionPaths, surface: Callable[[Event], None], commit: bool | None) -> Generator[_Opened]:
    plan = Plan.from_json(paths.read_plan())
    project = open_project(paths.project())
    with project_lock(project.root, paths.id):
        journal = Journal(paths.journal)
        try:
            recorder = Recorder(journal, surface)
            snapshot = Snapshot.load(paths.directory)
            snapshot.restore_head(recorder.progress.head)
            lander = Lander(project, snapshot, plan, paths.id, commit=commit)
            yield _Opened(recorder, lander)
        finally:
            journal.close()


def land(paths: store.SessionPaths, steps: Sequence[int], surface: Callable[[Event], None], *, commit: bool | None) -> int:
    """Land these accepted steps (all that have not landed, when none are named), oldest first; how many landed.

    Raises `UserError` for a step that was not accepted or has landed, before anything is written; and for one that does not
    apply, with those before it landed.
    """
    with _opened(paths, lambda _: None, commit) as opened:
        progress = opened.progress
        chosen = [step for step in progress.kept if step.landed is None and (not steps or step.index in steps)]
        wrong = set(steps) - {step.index for step in chosen}
        if wrong:
            raise UserError(
                f"step {min(wrong)} of session {paths.id} cannot be landed: it was not accepted, was reverted, or has landed",
                how=f"see: mlagent sessions show {paths.id}",
            )
        for step in chosen:
            failure: list[str] = []

            def emit(event: Event, failure: list[str] = failure) -> None:
                if isinstance(event, Notice) and event.level == "warning":
                    failure.append(event.text)
                opened.recorder.emit(event)
                surface(event)

            opened.lander.land(step, progress, progress.started.policy if progress.started else "", emit)
            if failure:
                raise UserError(failure[0])
        return len(chosen)


def revert(paths: store.SessionPaths, step: int, surface: Callable[[Event], None]) -> None:
    """Undo an accepted step. Raises `UserError` when there is none of that number or when it cannot be undone.

    Of what it raises `surface` is told as well, as a notice that shows the conflict.
    """
    with _opened(paths, lambda _: None, None) as opened:

        def emit(event: Event) -> None:
            opened.recorder.emit(event)
            surface(event)

        try:
            opened.lander.revert(step, opened.progress, emit)
        except KeyError:
            raise UserError(f"session {paths.id} has no step {step}", how=f"see: mlagent sessions show {paths.id}") from None
        except UserError as error:
            surface(told(error, step))
            raise


def refuse_if_busy(paths: store.SessionPaths) -> None:
    """Raise `UserError` while a process works on the session's project."""
    project = Path(str(paths.read_plan()["project"])) if paths.plan.exists() else None
    if project is not None:
        with project_lock(project, paths.id):
            pass
