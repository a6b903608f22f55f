"""Landing a step in the user's project, and undoing one: the files, and a commit of just that change.

A change is carried onto the project's files as they are now by git's three-way merge: it lands where it does not touch what
the user changed since, and unlike a patch it cannot slide to a similar place. What can fail comes before the first write.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlagent_app.agent.errors import UserError
from mlagent_app.repo.branch import BranchCommit, cannot_commit
from mlagent_app.repo.merging import carry_file
from mlagent_app.repo.project import Project
from mlagent_app.repo.snapshot import Snapshot
from mlagent_app.repo.trees import Change, Entry
from mlagent_app.repo.workspace import FileChange, FileState, Writing, clear_leftovers, read_state


@dataclass(frozen=True, slots=True)
class LandingCheck:
    """Whether a step can land now; if not, `conflict_text` shows why, file by file."""

    applies: bool
    conflict_text: str = ""


@dataclass(frozen=True, slots=True)
class LandResult:
    """The files that were written, the project's commit (empty when there is none), and what a person should know."""

    files: tuple[str, ...]
    commit: str
    note: str


class LandingConflict(UserError):
    """The step does not apply to the project as it is now; nothing was changed. `text` shows the conflicts."""

    def __init__(self, what: str, *, where: str, text: str) -> None:
        super().__init__(what, where=where, how="look at the conflict; commit or undo your own change there")
        self.text = text


def check(
    project: Project, snapshot: Snapshot, base: str, commit: str, hunks: Sequence[int] | None = None, *, undo: bool = False
) -> LandingCheck:
    """Whether the step from `base` to `commit` (or these hunks of it) can land, or be undone. Changes nothing."""
    _, conflicts = _plan(project, snapshot, base, commit, hunks, undo=undo)
    return LandingCheck(not conflicts, _shown(conflicts))


def land(
    project: Project,
    snapshot: Snapshot,
    base: str,
    commit: str,
    *,
    hunks: Sequence[int] | None,
    message: str,
    trailers: Mapping[str, str],
    commit_to_branch: bool,
) -> LandResult:
    """Write the step from `base` to `commit` (or these hunks of it) into the project; commit just that, if asked.

    What cannot be committed apart from the user's own changes is written only, and `note` says so. Raises
    `LandingConflict` when it does not apply and `UserError` when it cannot be written; nothing is changed then.
    """
    changes, conflicts = _plan(project, snapshot, base, commit, hunks, undo=False)
    if conflicts:
        raise LandingConflict(
            "the step does not apply to the project as it is now", where=", ".join(conflicts), text=_shown(conflicts)
        )
    return _carry_out(project, snapshot, changes, _full(message, trailers), commit_to_branch)


def revert(
    project: Project,
    snapshot: Snapshot,
    base: str,
    commit: str,
    *,
    hunks: Sequence[int] | None,
    message: str,
    trailers: Mapping[str, str],
    commit_to_branch: bool,
) -> LandResult:
    """Undo a landed step, also when others have landed since. Like `land`, with the change turned round."""
    changes, conflicts = _plan(project, snapshot, base, commit, hunks, undo=True)
    if conflicts:
        raise LandingConflict(
            "the step cannot be undone in the project as it is now", where=", ".join(conflicts), text=_shown(conflicts)
        )
    return _carry_out(project, snapshot, changes, _full(message, trailers), commit_to_branch)


def _plan(
    project: Project, snapshot: Snapshot, base: str, commit: str, hunks: Sequence[int] | None, *, undo: bool
) -> tuple[list[FileChange], dict[str, str]]:
    """What would happen to the project's files, and the conflicts by file."""
    target = commit if hunks is None else snapshot.partial(base, commit, hunks)
    old, new = (target, base) if undo else (base, target)
    wanted = snapshot.changes(old, new)
    blobs = snapshot.blobs([entry.blob for change in wanted for entry in (change.old, change.new) if entry])
    changes: list[FileChange] = []
    conflicts: dict[str, str] = {}
    for change in wanted:
        for entry in (change.old, change.new):
            if entry is not None and not entry.is_regular:
                raise UserError("edits of symbolic links are not landed", where=change.path)
        current = read_state(project.root, change.path)
        before, after = (blobs[entry.blob] if entry else None for entry in (change.old, change.new))
        merged = carry_file(snapshot.git, current.content if current else None, before, after)
        if merged.conflict is not None:
            conflicts[change.path] = merged.conflict
        else:
            result = _after(change, current, merged.content)
            changes.append(FileChange(change.path, current, result))
    return changes, conflicts


def _after(change: Change, current: FileState | None, content: bytes | None) -> FileState | None:
    if content is None:
        return None
    executable = _executable(change.new)
    if current is None:
        return FileState(content, None, executable)
    mode = current.mode or 0
    if _executable(change.old) != executable:
        # Executable by whoever may read it, as git does.
        mode = mode | (mode & 0o444) >> 2 if executable else mode & ~0o111
    return FileState(content, mode, bool(mode & 0o100))


def _executable(entry: Entry | None) -> bool:
    return entry is not None and entry.mode == "100755"


def _shown(conflicts: Mapping[str, str]) -> str:
    return "\n\n".join(f"{path}:\n{text}" for path, text in conflicts.items())


def _full(message: str, trailers: Mapping[str, str]) -> str:
    """A commit message with its trailers as the last paragraph."""
    text = message.strip() or "Land a step of ML-Agent"
    lines = [f"{key}: {' '.join(value.split())}" for key, value in trailers.items()]
    return "\n".join([text, "", *lines]) + "\n" if lines else f"{text}\n"


def _carry_out(
    project: Project, snapshot: Snapshot, changes: Sequence[FileChange], message: str, commit_to_branch: bool
) -> LandResult:
    clear_leftovers(project.root, [change.path for change in changes])
    changes = [change for change in changes if change.before != change.after]
    if not changes:
        return LandResult((), "", "the project's files already are like this")
    writing = Writing(project.root, changes)
    reason = cannot_commit(project) if commit_to_branch else ""
    if commit_to_branch and not reason:
        with BranchCommit(project, snapshot.git) as branch:
            while not (reason := branch.plan(changes, message)):
                if branch.lock():
                    return _commit(branch, writing)
    writing.apply()
    writing.finish()
    return LandResult(writing.files, "", f"written, not committed: {reason}" if reason else "")


def _commit(branch: BranchCommit, writing: Writing) -> LandResult:
    """Write the files, then move the branch; both or none."""
    writing.apply()
    try:
        commit = branch.finish()
    except BaseException as error:
        writing.restore()
        if isinstance(error, OSError):
            where = os.fspath(error.filename or "")
            raise UserError(f"the commit cannot be written: {error.strerror}", where=where) from None
        raise
    writing.finish()
    return LandResult(writing.files, commit, branch.note)
