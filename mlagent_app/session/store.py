"""The sessions on this machine: one directory each under the state directory."""

from __future__ import annotations

import json
import secrets
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlagent_app.agent.errors import UserError
from mlagent_app.agent.events import SessionStarted
from mlagent_app.journal import Record, read
from mlagent_app.repo.locks import state_dir
from mlagent_app.session.progress import Progress

KEEP = 200  # ended sessions kept a machine; the oldest go first


@dataclass(frozen=True, slots=True)
class SessionPaths:
    """Where one session keeps its things."""

    directory: Path

    @property
    def id(self) -> str:
        return self.directory.name

    @property
    def journal(self) -> Path:
        return self.directory / "journal.jsonl"

    @property
    def plan(self) -> Path:
        return self.directory / "plan.json"

    @property
    def runs(self) -> Path:
        return self.directory / "runs"

    @property
    def work(self) -> Path:
        """Where workspaces of runs are made and removed."""
        return self.directory / "work"

    def read_plan(self) -> dict[str, Any]:
        """The plan's JSON. Raises `UserError` when it cannot be read."""
        try:
            return json.loads(self.plan.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise UserError(
                "the session's plan cannot be read", where=f"{self.plan}: {error}", how="start a new session"
            ) from None

    def project(self) -> Path:
        """The project's directory. Raises `UserError` when it is not there any more."""
        project = Path(str(self.read_plan()["project"]))
        if not project.is_dir():
            raise UserError(
                f"the project of session {self.id} is no longer where it was",
                where=str(project),
                how="move it back there, or start a new session where it is now",
            )
        return project


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """One line of `mlagent sessions list`. `state` is `ended`, `open` (can be continued) or `damaged`.

    `unlanded` counts accepted edits that are in the session alone, and not in the project.
    """

    id: str
    project: str
    started: float
    last: float
    state: str
    steps: int
    metric: str
    baseline: float | None
    best: float | None
    unlanded: int = 0


def sessions_dir() -> Path:
    """The directory of all sessions, made when missing."""
    directory = state_dir() / "sessions"
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def new_session(plan: dict[str, Any]) -> SessionPaths:
    """A fresh session directory that holds the plan."""
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"
    paths = SessionPaths(sessions_dir() / name)
    paths.directory.mkdir()
    paths.runs.mkdir()
    paths.work.mkdir()
    partial = paths.directory / "plan.json.new"
    partial.write_text(json.dumps(plan, indent=1), "utf-8")
    partial.rename(paths.plan)
    return paths


def find(session: str) -> SessionPaths:
    """The session of that id, or of an unambiguous beginning of it. Raises `UserError`."""
    found = (
        [path for path in sorted(sessions_dir().iterdir()) if path.is_dir() and path.name.startswith(session)]
        if session
        else []
    )
    exact = [path for path in found if path.name == session]
    if len(exact or found) != 1:
        what = "no session has the id" if not found else "more than one session begins with"
        raise UserError(f"{what} {session!r}", where=str(sessions_dir()), how="see: mlagent sessions list")
    return SessionPaths((exact or found)[0])


def fold(records: list[Record]) -> Progress:
    """Where the session of these records stands."""
    progress = Progress()
    for record in records:
        progress.apply(record.event, record.time)
    return progress


def info(paths: SessionPaths) -> SessionInfo | None:
    """What the list shows of a session; None for a directory that holds no session."""
    try:
        records, _ = read(paths.journal)
    except UserError:
        if not paths.journal.exists():
            return None
        return SessionInfo(paths.id, "", 0.0, paths.journal.stat().st_mtime, "damaged", 0, "", None, None)
    if not records or not isinstance(records[0].event, SessionStarted):
        return None
    progress = fold(records)
    final = progress.ended is not None and progress.ended.reason not in ("stopped", "failed")
    return SessionInfo(
        id=paths.id,
        project=records[0].event.project,
        started=records[0].time,
        last=records[-1].time,
        state="ended" if final else "open",
        steps=len(progress.steps),
        metric=progress.metric.name if progress.metric else "",
        baseline=progress.baseline.value if progress.baseline else None,
        best=progress.best[0],
        unlanded=sum(step.edits and step.landed is None for step in progress.kept),
    )


def listing(project: Path | None = None) -> list[SessionInfo]:
    """All sessions, newest first; of one project when it is given."""
    infos = [info(SessionPaths(path)) for path in sessions_dir().iterdir() if path.is_dir()]
    wanted = [item for item in infos if item and (project is None or item.project == str(project))]
    return sorted(wanted, key=lambda item: item.id, reverse=True)


def latest(project: Path) -> SessionPaths:
    """The newest session of a project. Raises `UserError` when there is none."""
    sessions = [item for item in listing() if item.state != "damaged"]
    infos = [item for item in sessions if item.project == str(project)]
    if not infos:
        moved = [item for item in sessions if Path(item.project).name == project.name and not Path(item.project).exists()]
        how = "start one without --continue"
        if moved:
            how = f"session {moved[0].id} belongs to {moved[0].project}: move the project back there to go on with it, or {how}"
        raise UserError("this project has no session to continue", where=str(project), how=how)
    return SessionPaths(sessions_dir() / infos[0].id)


def newest(place: Path) -> SessionPaths:
    """The session that `latest` means to whoever stands in `place`. Raises `UserError` when there is none.

    In a repository it is the newest of the project that `place` lies in, else of the repository; elsewhere of the machine.
    """
    infos = [item for item in listing() if item.state != "damaged"]
    if not infos:
        raise UserError("there is no session on this machine yet", how="start one: mlagent run PROJECT")
    place = place.resolve()
    for directory in (place, *place.parents):
        found = [item for item in infos if item.project == str(directory)]
        if (directory / ".git").exists():
            found = found or [item for item in infos if Path(item.project).is_relative_to(directory)]
            if not found:  # another project's would surprise, where its steps land
                other = f"the newest of this machine is {infos[0].id}, of {infos[0].project}"
                raise UserError(
                    f"this repository has no session; {other}", where=str(directory), how="name a session by its id"
                )
        if found:
            return SessionPaths(sessions_dir() / found[0].id)
    return SessionPaths(sessions_dir() / infos[0].id)


def delete(paths: SessionPaths) -> None:
    """Remove a session and all it holds; what it landed in the project stays."""
    shutil.rmtree(paths.directory)


def prune(keep: int = KEEP) -> int:
    """Remove the oldest ended sessions past `keep`; how many.

    Those that can be continued stay, and those with accepted edits that are nowhere else, as long as their project is there.
    """
    past = [item for item in listing() if item.state == "ended"][keep:]
    done = [item for item in past if not (item.unlanded and Path(item.project).is_dir())]
    for item in done:
        delete(SessionPaths(sessions_dir() / item.id))
    return len(done)
