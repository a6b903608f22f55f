"""A commit of just one change on the user's current branch, made beside whatever else is staged or changed there."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from mlagent_app.repo.cleaning import Cleaner
from mlagent_app.repo.gitcmd import Git, GitError, project_git
from mlagent_app.repo.hooks import commit_hooks
from mlagent_app.repo.indexlock import IndexLock
from mlagent_app.repo.merging import carry
from mlagent_app.repo.project import Project, read_head, refuse_unfinished
from mlagent_app.repo.trees import Entry, read_blobs
from mlagent_app.repo.workspace import FileChange, FileState

# Index features that would write to more than the one index file we ask for.
_PLAIN = ("-c", "core.splitIndex=false", "-c", "core.untrackedCache=keep", "-c", "i18n.commitEncoding=UTF-8")

# What `plan` answers where there is nothing to commit.
HELD = "the last commit already has this change"


@dataclass(frozen=True, slots=True)
class _Stored:
    """A file on the branch and in the index after the commit; None where it is gone."""

    path: str
    branch: Entry | None
    index: Entry | None


class _CannotCarry(Exception):
    """The change cannot be committed apart from the user's own; says why."""


def cannot_commit(project: Project) -> str:
    """Why no commit at all can be made in this project, or an empty string. Raises `UserError` amid a merge or rebase."""
    if project.git_root is None or project.git_dir is None:
        return "the project is not a git repository (git init makes it one)"
    refuse_unfinished(project.git_root, project.git_dir)
    git = project_git(project.git_root)
    if read_head(git)[1] is None:
        return "the branch has no commit yet"
    if project.prefix and not git.out("ls-tree", "HEAD", "--", project.prefix.rstrip("/")):
        return "the last commit of the repository around the project has nothing of the project"
    if os.geteuid() == 0 and str(project.git_dir.stat().st_uid) == os.environ.get("SUDO_UID", "0") != "0":
        return "with sudo the commit would belong to root, and keep you from making yours"
    for who in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"):
        # Without useConfigOnly git makes up an address from the host's name.
        if Git(git.cwd, ("-c", "user.useConfigOnly=true")).run("var", who, ok=range(256)).status:
            return "git does not know who you are (git config user.name and user.email)"
    return ""


class BranchCommit:
    """A commit in the making: `plan` it, `lock` the index, write the files, `finish`. A context manager.

    The lock is held for the last part only. `scratch_git` is a private repository for merging contents.
    """

    def __init__(self, project: Project, scratch_git: Git) -> None:
        if project.git_root is None or project.git_dir is None:
            raise ValueError("not a git repository")
        self._prefix = project.prefix
        self._git_root = project.git_root
        self._git_dir = project.git_dir
        self._git = Git(project.git_root, _PLAIN)
        self._merge_git = scratch_git
        self._lock = IndexLock(project.git_dir)
        self._index = b""
        self._stored: list[_Stored] = []
        self._branch: str | None = None
        self._old = ""
        self._new = ""
        self.note = ""

    def __enter__(self) -> BranchCommit:
        self._scratch = Path(tempfile.mkdtemp(prefix="mlagent-"))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._lock.release()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def plan(self, changes: Sequence[FileChange], message: str) -> str:
        """Make the commit, not yet on the branch. Returns why the change cannot be committed, or an empty string.

        Raises `UserError` when another git process is at work.
        """
        self._lock.wait_until_free()
        tree, reason = self._plan_tree(changes)
        if reason:
            return reason
        try:
            self._new = self._git.line("commit-tree", "-p", self._old, tree, stdin=message.encode("utf-8", "surrogateescape"))
            self.note = self._notes()
        except GitError as error:
            return error.what
        return ""

    def holds(self, changes: Sequence[FileChange]) -> bool:
        """Whether the last commit has all of these changes, whoever made them."""
        return self._plan_tree(changes)[1] == HELD

    def lock(self) -> bool:
        """Keep other git processes away until the end. False: the index is no longer what was planned with."""
        self._lock.take()
        if self._lock.index.read_bytes() == self._index:
            return True
        self._lock.release()
        return False

    def finish(self) -> str:
        """Move the index and the branch, the files being written; the commit's id. Raises with both as they were."""
        modified = self._lock.index.stat().st_mtime_ns
        index = self._next_index(modified)
        try:
            # The index goes first: killed between the two, the change is staged and nothing looks undone.
            self._lock.replace(index)
            self._git.run("update-ref", "-m", "mlagent: land a change", "HEAD", self._new, self._old)
        except BaseException:
            # This does nothing unless HEAD has moved to our commit.
            self._git.run("update-ref", "-m", "mlagent: not landed", "HEAD", self._old, self._new, ok=range(256))
            self._lock.replace(self._index, modified_ns=modified)
            raise
        return self._new  # nothing may fail after this: the lock is released by the context's end

    def _plan_tree(self, changes: Sequence[FileChange]) -> tuple[str, str]:
        """The tree of a commit of these changes on HEAD, or an empty string and why there is none."""
        self._branch, head = read_head(self._git)
        if head is None or not self._lock.index.is_file():
            return "", "the branch has no commit or no index yet"
        self._old = head
        self._index = self._lock.index.read_bytes()
        try:
            self._stored = self._store(changes)
            tree = self._write_tree()
            held = tree == self._git.line("rev-parse", f"{head}^{{tree}}")
        except _CannotCarry as reason:
            return "", str(reason)
        except GitError as error:
            return "", error.what
        return ("", HELD) if held else (tree, "")

    def _notes(self) -> str:
        """What a person may miss in the commit."""
        notes = [] if self._branch else ["HEAD is detached: no branch holds the commit"]
        if self._git.run("config", "--type=bool", "commit.gpgSign", ok=range(256)).out.strip() == b"true":
            notes.append("the commit is not signed")
        hooks = commit_hooks(self._git)
        if hooks:
            notes.append(f"your commit hooks did not run ({', '.join(hooks)})")
        return "; ".join(notes)

    def _store(self, changes: Sequence[FileChange]) -> list[_Stored]:
        """What branch and index hold after the commit, with every blob in the project's object database."""
        paths = [self._prefix + change.path for change in changes]
        committed = self._committed(paths)
        staged = self._staged(paths)
        cleaner = Cleaner(self._git_root, self._git_dir, Path(tempfile.mkdtemp(dir=self._scratch)))
        before, after = (
            cleaner.store({path: state.content for path, state in zip(paths, states, strict=True) if state is not None})
            for states in ([change.before for change in changes], [change.after for change in changes])
        )
        stored: list[_Stored] = []
        for path, change in zip(paths, changes, strict=True):
            blobs = (before.get(path), after.get(path))
            stored.append(self._store_one(change, path, (committed.get(path), staged.get(path)), blobs))
        return stored

    def _store_one(
        self,
        change: FileChange,
        path: str,
        present: tuple[Entry | None, Entry | None],
        blobs: tuple[str | None, str | None],
    ) -> _Stored:
        """One file: `present` is what HEAD and the index have, `blobs` what git stores of it before and after."""
        head, index = present
        before, after = blobs
        if before is None:
            return self._store_new(change, path, present, after or "")
        if after is None and index is None and (head is None or head.blob == before):
            return _Stored(path, None, None)
        if head is None:
            raise _CannotCarry(f"{path} is not in the last commit")
        if index is None:
            raise _CannotCarry(f"{path} has been removed from the index")
        if after is None:
            if head.blob != before or index != head:
                raise _CannotCarry(f"{path} is deleted, but it has changes of yours that are not committed")
            return _Stored(path, None, None)
        new_head = self._carry(head, before, after, change)
        return _Stored(path, new_head, new_head if index == head else self._carry(index, before, after, change))

    def _store_new(self, change: FileChange, path: str, present: tuple[Entry | None, Entry | None], after: str) -> _Stored:
        executable = change.after is not None and change.after.executable
        entry = Entry(path, "100755" if executable else "100644", after)
        if any(known not in (None, entry) for known in present):
            raise _CannotCarry(f"{path} is new, but the last commit or the index has another file of this name")
        if self._git.is_ignored(path):
            raise _CannotCarry(f"{path} is ignored by git")
        return _Stored(path, entry, entry)

    def _carry(self, entry: Entry, before: str, after: str, change: FileChange) -> Entry:
        """`entry` with the change from blob `before` to blob `after` made to it, its own differences kept."""
        blob = entry.blob
        if blob == before:
            blob = after
        elif before != after:
            contents = read_blobs(self._git, [blob, before, after])
            merged = carry(self._merge_git, contents[blob], contents[before], contents[after])
            if merged.content is None:
                raise _CannotCarry(f"{entry.path} has changes of yours in the same lines that are not committed")
            blob = self._git.line("hash-object", "-w", "--stdin", stdin=merged.content)
        return Entry(entry.path, _mode(entry.mode, change.before, change.after), blob)

    def _committed(self, paths: Sequence[str]) -> dict[str, Entry]:
        answer = self._git.out("ls-tree", "-z", "--full-tree", self._old, "--", *paths)
        found: dict[str, Entry] = {}
        for item in answer.split(b"\0")[:-1]:
            head, _, name = item.partition(b"\t")
            mode, _, blob = head.decode("ascii").split(" ")
            found[os.fsdecode(name)] = Entry(os.fsdecode(name), mode, blob)
        return _regular(found)

    def _staged(self, paths: Sequence[str]) -> dict[str, Entry]:
        answer = self._git.out("ls-files", "-z", "--stage", "-v", "--full-name", "--", *paths)
        found: dict[str, Entry] = {}
        for item in answer.split(b"\0")[:-1]:
            head, _, name = item.partition(b"\t")
            tag, mode, blob, stage = head.decode("ascii").split(" ")
            path = os.fsdecode(name)
            if stage != "0":
                raise _CannotCarry(f"{path} is unmerged")
            if tag != "H":
                raise _CannotCarry(f"git is told to overlook changes of {path} (skip-worktree or assume-unchanged)")
            found[path] = Entry(path, mode, blob)
        return _regular(found)

    def _write_tree(self) -> str:
        """The last commit's tree with the change made to it."""
        env = {"GIT_INDEX_FILE": os.fspath(self._scratch / "branch-index")}
        self._git.run("read-tree", self._old, env=env)
        no_blob = "0" * len(self._old)
        lines = b"".join(_index_line(stored.path, stored.branch, no_blob) for stored in self._stored)
        self._git.run("update-index", "-z", "--index-info", stdin=lines, env=env)
        # A partial clone has not all blobs, and need not fetch those that the change leaves as they are.
        return self._git.line("write-tree", "--missing-ok", env=env)

    def _next_index(self, modified_ns: int) -> bytes:
        """The user's index with the entries of the change, all others as they are."""
        place = self._scratch / "next-index"
        place.write_bytes(self._index)
        # A file that changed within the tick in which the index was written looks unchanged; git finds such files by the
        # index's own time, and a copy must have the same.
        os.utime(place, ns=(modified_ns, modified_ns))
        env = {"GIT_INDEX_FILE": os.fspath(place)}
        no_blob = "0" * len(self._old)
        lines = b"".join(_index_line(stored.path, stored.index, no_blob) for stored in self._stored)
        self._git.run("update-index", "-z", "--index-info", stdin=lines, env=env)
        present = [stored.path for stored in self._stored if stored.index is not None]
        if present:
            # Note the new files' times and sizes, so that git need not read them again. Content is not staged by this.
            self._git.run("add", "--refresh", "--", *present, env=env, ok=(0, 1))
        return place.read_bytes()


def _regular(found: dict[str, Entry]) -> dict[str, Entry]:
    for path, entry in found.items():
        if not entry.is_regular:
            raise _CannotCarry(f"{path} is not a plain file in git")
    return found


def _mode(mode: str, before: FileState | None, after: FileState | None) -> str:
    if before is None or after is None or before.executable == after.executable:
        return mode
    return "100755" if after.executable else "100644"


def _index_line(path: str, entry: Entry | None, no_blob: str) -> bytes:
    mode, blob = (entry.mode, entry.blob) if entry else ("0", no_blob)
    return f"{mode} {blob} 0\t".encode("ascii") + os.fsencode(path) + b"\0"
