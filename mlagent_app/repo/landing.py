"""Landing a step in the user's project, and undoing one: the files, and a commit of just that change.

A change is carried onto the project's files as they are now by git's three-way merge: it lands where it does not touch what
the user changed since, and unlike a patch it cannot slide to a similar place. What can fail comes before the first write.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlagent_app.agent.errors import UserError
from mlagent_app.repo.begun import Begun
from mlagent_app.repo.branch import HELD, BranchCommit, cannot_commit
from mlagent_app.repo.gitcmd import project_git
from mlagent_app.repo.indexlock import IndexLock
from mlagent_app.repo.merging import carry_file
from mlagent_app.repo.project import Project, read_head
from mlagent_app.repo.snapshot import Snapshot
from mlagent_app.repo.trees import Entry
from mlagent_app.repo.workspace import FileChange, FileState, Writing, clear_leftovers, read_state

_ALREADY = "the project holds this change already"


@dataclass(frozen=True, slots=True)
class LandingCheck:
    """Whether a step can land now; if not, `conflict_text` shows why, file by file."""

    applies: bool
    conflict_text: str = ""


@dataclass(frozen=True, slots=True)
class LandResult:
    """The files that were written, the project's commit (empty when there is none), and what a person should know.

    With a commit, `files` are those of the commit, also where a landing that was killed had written them.
    """

    files: tuple[str, ...]
    commit: str
    note: str


@dataclass(frozen=True, slots=True)
class _Planned:
    """What happens to one of the user's files, and the change between the private commits that this comes from."""

    written: FileChange
    of_step: FileChange

    @property
    def is_there(self) -> bool:
        """Whether the user's file has the change already."""
        return self.written.before == self.written.after


@dataclass(frozen=True, slots=True)
class _Plan:
    """What carrying the change between the private commits `old` and `new` into the project means, conflicts by file."""

    old: str
    new: str
    files: tuple[_Planned, ...]
    conflicts: dict[str, str]


class LandingConflict(UserError):
    """The step does not apply to the project as it is now; nothing was changed. `text` shows the conflicts."""

    def __init__(self, what: str, *, where: str, text: str) -> None:
        super().__init__(what, where=where, how="look at the conflict; commit or undo your own change there")
        self.text = text


def check(
    project: Project, snapshot: Snapshot, base: str, commit: str, hunks: Sequence[int] | None = None, *, undo: bool = False
) -> LandingCheck:
    """Whether the step from `base` to `commit` (or these hunks of it) can land, or be undone. Changes nothing."""
    conflicts = _plan(project, snapshot, base, commit, hunks, undo=undo).conflicts
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

    What a landing that was killed wrote and did not commit is committed now. What cannot be committed apart from the user's
    own changes is written only, and `note` says so. `settle` is for whoever has written the result down. Raises
    `LandingConflict` when it does not apply and `UserError` when it cannot be written; nothing is changed then.
    """
    plan = _plan(project, snapshot, base, commit, hunks, undo=False)
    _refuse(plan.conflicts, "the step does not apply to the project as it is now")
    return _carry_out(project, snapshot, plan, _full(message, trailers), commit_to_branch)


def revert(
    project: Project,
    snapshot: Snapshot,
    base: str,
    commit: str,
    *,
    message: str,
    trailers: Mapping[str, str],
    commit_to_branch: bool,
    landed: str = "",
) -> LandResult:
    """Undo a landed step, also when others have landed since. Like `land`, with the change turned round.

    `landed` is the commit that landed it, where one did: a file that it left as the branch had it is left again, for its
    part of the change concerned lines that the user had not committed.
    """
    plan = _plan(project, snapshot, base, commit, None, undo=True)
    _refuse_elsewhere(project, plan, landed)
    _refuse(plan.conflicts, "the step cannot be undone in the project as it is now")
    left = _left_by(project, landed, [file.of_step.path for file in plan.files])
    return _carry_out(project, snapshot, plan, _full(message, trailers), commit_to_branch, left)


def is_unsettled(snapshot: Snapshot, base: str, commit: str) -> bool:
    """Whether the step was being landed when its process was killed: the project may hold some of it, or all.

    With the commits turned round: whether it was being undone.
    """
    return Begun(snapshot.git, base, commit).is_marked


def settle(snapshot: Snapshot, base: str, commit: str) -> None:
    """The step's landing, or its undoing, has been written down: nothing of it is left to complete."""
    for old, new in ((base, commit), (commit, base)):
        Begun(snapshot.git, old, new).settle()


def is_on_branch(project: Project, snapshot: Snapshot, base: str, commit: str, *, landed: str) -> bool:
    """Whether the last commit of the project has the step from `base` to `commit`.

    It has where the step's own commit `landed` (empty: none) is on the branch, and where the files have the step's change,
    as after a commit by hand or a rebase.
    """
    if project.git_root is None:
        return False
    if landed and project_git(project.git_root).is_ancestor(landed, "HEAD"):
        return True
    try:
        changes = _changes(snapshot, base, commit)
    except UserError:
        return False  # it could not have landed
    with BranchCommit(project, snapshot.git) as branch:
        return not changes or branch.holds(changes)


def _plan(project: Project, snapshot: Snapshot, base: str, commit: str, hunks: Sequence[int] | None, *, undo: bool) -> _Plan:
    target = commit if hunks is None else snapshot.partial(base, commit, hunks)
    old, new = (target, base) if undo else (base, target)
    planned: list[_Planned] = []
    conflicts: dict[str, str] = {}
    for change in _changes(snapshot, old, new):
        current = read_state(project.root, change.path)
        sides = (change.before.content if change.before else None, change.after.content if change.after else None)
        merged = carry_file(snapshot.git, current.content if current else None, *sides)
        if merged.conflict is not None:
            conflicts[change.path] = merged.conflict
        else:
            planned.append(_Planned(FileChange(change.path, current, _after(change, current, merged.content)), change))
    return _Plan(old, new, tuple(planned), conflicts)


def _changes(snapshot: Snapshot, old: str, new: str) -> list[FileChange]:
    """What differs between two private commits."""
    found = snapshot.changes(old, new)
    blobs = snapshot.blobs([entry.blob for change in found for entry in (change.old, change.new) if entry])
    for change in found:
        if any(entry is not None and not entry.is_regular for entry in (change.old, change.new)):
            raise UserError("edits of symbolic links are not landed", where=change.path)
    return [FileChange(change.path, _state(change.old, blobs), _state(change.new, blobs)) for change in found]


def _state(entry: Entry | None, blobs: Mapping[str, bytes]) -> FileState | None:
    return None if entry is None else FileState(blobs[entry.blob], None, entry.mode == "100755")


def _after(change: FileChange, current: FileState | None, content: bytes | None) -> FileState | None:
    """The user's file with `content` and with the step's change of its mode."""
    if content is None:
        return None
    executable = _executable(change.after)
    if current is None:
        return FileState(content, None, executable)
    mode = current.mode or 0
    if _executable(change.before) != executable:
        # Executable by whoever may read it, as git does.
        mode = mode | (mode & 0o444) >> 2 if executable else mode & ~0o111
    return FileState(content, mode, bool(mode & 0o100))


def _executable(state: FileState | None) -> bool:
    return state is not None and state.executable


def _refuse(conflicts: Mapping[str, str], what: str) -> None:
    if conflicts:
        raise LandingConflict(what, where=", ".join(conflicts), text=_shown(conflicts))


def _refuse_elsewhere(project: Project, plan: _Plan, landed: str) -> None:
    """Raise `UserError` where another branch is checked out than the one that has the step's commit.

    Its files lack the change, or stand in its way. Where they have it all the same, as after a rebase, it can be undone here.
    """
    is_here = not plan.conflicts and not all(file.is_there for file in plan.files)
    if not landed or project.git_root is None or is_here:
        return
    git = project_git(project.git_root)
    if git.is_ancestor(landed, "HEAD"):
        return
    # Branches of this repository come first, then those of others. A commit on none was rewritten or thrown away.
    told = git.run(
        "for-each-ref", "--format=%(refname:short)", f"--contains={landed}", "refs/heads", "refs/remotes", ok=range(256)
    )
    holders = os.fsdecode(told.out).split()
    if told.status == 0 and holders:
        branch = read_head(git)[0]
        here = f"this branch, {branch}," if branch else "what is checked out,"
        what = f"the commit that landed the step, {landed[:10]}, is not on {here} but on {holders[0]}"
        raise UserError(what, where=str(project.root), how=f"switch to {holders[0]}, and revert there")


def _shown(conflicts: Mapping[str, str]) -> str:
    return "\n\n".join(f"{path}:\n{text}" for path, text in conflicts.items())


def _full(message: str, trailers: Mapping[str, str]) -> str:
    """A commit message with its trailers as the last paragraph."""
    text = message.strip() or "Land a step of ML-Agent"
    lines = [f"{key}: {' '.join(value.split())}" for key, value in trailers.items()]
    return "\n".join([text, "", *lines]) + "\n" if lines else f"{text}\n"


def _left_by(project: Project, landed: str, paths: Sequence[str]) -> frozenset[str]:
    """Those of the paths that the commit `landed` did not change; none where it is not known (any more)."""
    if project.git_root is None or not landed:
        return frozenset()
    git = project_git(project.git_root)
    told = git.run("diff-tree", "--no-commit-id", "--name-only", "-r", "-z", landed, ok=range(256))
    changed = set(os.fsdecode(told.out).split("\0"))
    return frozenset(path for path in paths if told.status == 0 and project.prefix + path not in changed)


def _carry_out(
    project: Project,
    snapshot: Snapshot,
    plan: _Plan,
    message: str,
    commit_to_branch: bool,
    left: frozenset[str] = frozenset(),
) -> LandResult:
    if project.git_dir is not None:
        IndexLock(project.git_dir).clear_own()
    clear_leftovers(project.root, [file.of_step.path for file in plan.files])
    with Begun(snapshot.git, plan.old, plan.new) as begun:
        # What the user did in the same way is theirs to commit; what a killed landing wrote is ours.
        changes = [file for file in plan.files if begun.before or not file.is_there]
        if not changes:
            return LandResult((), "", _nothing_to_do(project, snapshot, plan, commit_to_branch))
        return _write(project, snapshot, changes, message, commit_to_branch, left)


def _nothing_to_do(project: Project, snapshot: Snapshot, plan: _Plan, commit_to_branch: bool) -> str:
    if commit_to_branch and project.is_git and plan.files:
        with BranchCommit(project, snapshot.git) as branch:
            if not branch.holds([file.of_step for file in plan.files]):
                return "written, not committed: your files had this change already, and the last commit has not"
    return _ALREADY


def _write(
    project: Project,
    snapshot: Snapshot,
    files: Sequence[_Planned],
    message: str,
    commit_to_branch: bool,
    left: frozenset[str],
) -> LandResult:
    """Write the files and commit them, all but those that are `left` as the branch has them."""
    writing = Writing(project.root, [file.written for file in files if not file.is_there])
    reason = cannot_commit(project) if commit_to_branch else ""
    if commit_to_branch and not reason:
        parts = [file for file in files if file.of_step.path not in left]
        committed = [file.of_step if file.is_there else file.written for file in parts]
        with BranchCommit(project, snapshot.git) as branch:
            while not (reason := branch.plan(committed, message)):
                if branch.lock():
                    return _commit(branch, writing, committed)
    if not writing.files and reason in ("", HELD):
        return LandResult((), "", _ALREADY)
    writing.apply()
    writing.finish()
    return LandResult(writing.files, "", f"written, not committed: {reason}" if reason else "")


def _commit(branch: BranchCommit, writing: Writing, committed: Sequence[FileChange]) -> LandResult:
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
    return LandResult(tuple(change.path for change in committed), commit, branch.note)
