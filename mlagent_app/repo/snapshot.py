"""A session's private git repository: the project as it stood, byte for byte, and every edit as a commit on top."""

from __future__ import annotations

import contextlib
import fnmatch
import json
import os
import shutil
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mlagent_app.agent.errors import UserError
from mlagent_app.repo.gitcmd import Git, GitError, init_private, private_git
from mlagent_app.repo.hunks import select
from mlagent_app.repo.intake import BASE, HEAD, ProjectReader
from mlagent_app.repo.linked import Stamps, changed, stamps
from mlagent_app.repo.listing import Listing
from mlagent_app.repo.merging import carry_file
from mlagent_app.repo.paths import check_path
from mlagent_app.repo.project import Project
from mlagent_app.repo.scan import ReadOnlyLink
from mlagent_app.repo.trees import Change, Entry, TreeEdit, blob_id, changes, entries, materialise, read_blobs, write_commit

# The private repository, in the session's directory.
GIT_DIR = "private.git"
_FORMAT = 1
_STALE = 10.0  # seconds
_DIFF = (
    "diff-tree", "-p", "-r", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", "--no-relative", "--binary",
    "--full-index", "--unified=3", "--inter-hunk-context=0", "--diff-algorithm=histogram", "--indent-heuristic",
    "--src-prefix=a/", "--dst-prefix=b/", "--submodule=short",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is known about a snapshot besides its commits."""

    base: str
    links: tuple[ReadOnlyLink, ...]
    stamps: Stamps
    left_out: tuple[tuple[str, str], ...]
    fixed: frozenset[str]
    directories: tuple[str, ...]


class Snapshot:
    """The private repository of one session. Commits are named by their ids; all calls may come from any thread.

    `links` is what a run sees read-only; `left_out` are (path, why) pairs.
    """

    def __init__(self, directory: Path, facts: _Facts) -> None:
        self._git_dir = directory / GIT_DIR
        self._git = private_git(self._git_dir)
        self._facts = facts
        self.base = facts.base
        self.links = facts.links
        self.left_out = facts.left_out
        self._differences: dict[tuple[str, str], list[Change]] = {}

    @classmethod
    def create(
        cls,
        session_dir: Path,
        project: Project,
        listing: Listing,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> Snapshot:
        """Copy what `listing` names into a new private repository below `session_dir`.

        `on_progress` gets the files done and the files in all. A file that vanishes or cannot be read meanwhile is left out.
        Raises `UserError` when the directory holds a snapshot already, and when nothing could be copied.
        """
        facts_path = session_dir / "snapshot.json"
        if facts_path.exists():
            raise UserError("this session has its snapshot already", where=os.fspath(session_dir))
        git_dir = session_dir / GIT_DIR
        if git_dir.exists():
            shutil.rmtree(git_dir)  # half-made: the facts are written last
        try:
            git = init_private(git_dir)
            reader = ProjectReader(listing, on_progress)
            git.feed("fast-import", "--quiet", "--done", chunks=reader.stream(), seconds=3600.0)
        except OSError as error:
            raise UserError(f"the snapshot cannot be written: {error.strerror}", where=os.fspath(git_dir)) from None
        if not reader.copied:
            raise UserError("none of the project's files can be read", where=os.fspath(project.root))
        links = (*listing.links, *reader.links)
        facts = _Facts(
            base=git.line("rev-parse", "--verify", BASE),
            links=links,
            stamps=stamps(links),
            left_out=(*listing.left_out, *reader.left_out),
            fixed=listing.fixed,
            directories=listing.directories,
        )
        _write_facts(facts_path, facts)
        return cls(session_dir, facts)

    @classmethod
    def load(cls, session_dir: Path) -> Snapshot:
        """The snapshot that `create` made. Raises `UserError` when there is none or when it was never finished."""
        cure = "start a new session"
        try:
            facts = _read_facts(session_dir / "snapshot.json")
        except FileNotFoundError:
            raise UserError("the session's snapshot was never finished", where=os.fspath(session_dir), how=cure) from None
        except (OSError, ValueError, KeyError, TypeError):
            raise UserError("the session's snapshot is damaged", where=os.fspath(session_dir), how=cure) from None
        snapshot = cls(session_dir, facts)
        _clear_leftovers(session_dir / GIT_DIR)
        try:
            snapshot._git.run("cat-file", "-e", f"{facts.base}^{{tree}}")
            _ = snapshot.head
        except (GitError, OSError):
            raise UserError("the session's snapshot is damaged", where=os.fspath(session_dir), how=cure) from None
        return snapshot

    @property
    def git(self) -> Git:
        """Git on the private repository, for landing."""
        return self._git

    def changed_data(self) -> str:
        """What of the linked data is no longer as it was when the snapshot was taken, in a few words; empty when all is."""
        return changed(self.links, self._facts.stamps)

    @property
    def head(self) -> str:
        """The commit that holds what has been accepted."""
        return self._git.line("rev-parse", "--verify", HEAD)

    def set_head(self, commit: str, expected_old: str) -> None:
        """Move the head, atomically. Raises `GitError` when it is not at `expected_old`."""
        self._git.run("update-ref", HEAD, commit, expected_old)

    def restore_head(self, commit: str) -> None:
        """Set the head to what was written down last: a process was killed between moving it and that. Empty: nothing was."""
        if commit not in ("", head := self.head):
            self.set_head(commit, head)

    def read(self, commit: str, path: str) -> bytes:
        """One file's content. Raises `GitError` when the commit has no such file."""
        check_path(path)
        return self._git.out("cat-file", "blob", f"{commit}:{path}")

    def files(self, commit: str) -> list[str]:
        """All paths of a commit, symbolic links included, sorted by bytes."""
        return [entry.path for entry in entries(self._git, commit)]

    def texts(self, commit: str, patterns: Sequence[str]) -> dict[str, bytes]:
        """The contents of the regular files that are named by `patterns`: paths, or globs.

        A glob without a slash is matched against names, one with a slash against whole paths; `*` matches slashes too.
        """
        exact = frozenset(patterns)
        globs = [pattern for pattern in patterns if any(mark in pattern for mark in "*?[")]
        chosen = [entry for entry in entries(self._git, commit) if entry.is_regular and _matches(entry.path, exact, globs)]
        blobs = read_blobs(self._git, [entry.blob for entry in chosen])
        return {entry.path: blobs[entry.blob] for entry in chosen}

    def commit_edit(self, base: str, contents: Mapping[str, bytes | None], message: str) -> str:
        """A commit on `base` with these files' new contents (None deletes one); `base` itself when nothing changes.

        A file keeps its mode; a new one is not executable. The same edit of the same base is the same commit. Raises
        `UserError` for a path that no edit may touch.
        """
        for path in contents:
            self._refuse_fixed(path)
        present = {entry.path: entry for entry in entries(self._git, base, sorted(contents))} if contents else {}
        if any(path not in present for path in contents):
            present = {entry.path: entry for entry in entries(self._git, base)}
        edits: list[TreeEdit] = []
        for path, content in sorted(contents.items()):
            entry = present.get(path)
            if entry is None:
                _refuse_shadowing(path, present)
            elif not entry.is_regular:
                raise UserError("a symbolic link cannot be edited", where=path)
            if content is not None:
                edits.append(TreeEdit(path, content, entry.mode if entry else "100644"))
            elif entry is not None:
                edits.append(TreeEdit(path, None, entry.mode))
        return write_commit(self._git, base, edits, message)

    def leads_back(self, base: str, path: str, content: bytes, commits: Collection[str]) -> bool:
        """Whether `base` with this content of its file `path` has the very files of one of `commits`."""
        for commit in commits:
            apart = self._apart(base, commit)
            old, new = (apart[0].old, apart[0].new) if len(apart) == 1 and apart[0].path == path else (None, None)
            if old and new and old.mode == new.mode and new.blob == blob_id(content, like=new.blob):
                return True
        return False

    def _apart(self, a: str, b: str) -> list[Change]:
        """`changes`, asked of git once; a commit that was pruned is like no other."""
        if (a, b) not in self._differences:
            self._differences[a, b] = []
            with contextlib.suppress(GitError):
                self._differences[a, b] = self.changes(a, b)
        return self._differences[a, b]

    def diff(self, a: str, b: str) -> str:
        """The unified diff from commit `a` to commit `b`; what is not UTF-8 in it is shown with replacement characters."""
        return self.patch(a, b).decode("utf-8", "replace")

    def patch(self, a: str, b: str) -> bytes:
        """The same diff, byte for byte: what `git apply` reads."""
        return self._git.out(*_DIFF, a, b)

    def partial(self, base: str, commit: str, hunks: Sequence[int]) -> str:
        """A commit on `base` with only these hunks of the diff to `commit`. Raises `UserError` for a hunk that is not there."""
        try:
            chosen = select(self.patch(base, commit).decode("latin-1"), frozenset(hunks)).encode("latin-1")
        except ValueError as error:
            raise UserError(str(error)) from None
        return write_commit(self._git, base, chosen, "Some hunks of a step")

    def carried(self, onto: str, old: str, new: str, message: str) -> str:
        """A commit on `onto` with the change from `old` to `new`: with the two turned round, an edit undone below later ones.

        Raises `UserError` where it touches what `onto` has changed.
        """
        edits: list[TreeEdit] = []
        for change in self.changes(old, new):
            sides = (self.entry(onto, change.path), change.old, change.new)
            blobs = self.blobs([side.blob for side in sides if side])
            merged = carry_file(self._git, *(blobs[side.blob] if side else None for side in sides))
            if merged.conflict is not None:
                raise UserError("the change touches what was changed since", where=change.path)
            mode = next(side.mode for side in (sides[0], change.new, change.old) if side)
            edits.append(TreeEdit(change.path, merged.content, mode))
        return write_commit(self._git, onto, edits, message)

    def changes(self, a: str, b: str) -> list[Change]:
        """Which files differ between two commits, and how."""
        return changes(self._git, a, b)

    def blobs(self, ids: Sequence[str]) -> dict[str, bytes]:
        """The contents of these blobs, by their ids."""
        return read_blobs(self._git, ids)

    def materialise(self, commit: str, directory: Path) -> None:
        """Write a commit's files into `directory`, which is missing or empty: a plain directory without `.git`.

        Raises `UserError` when the directory is not empty or when a symbolic link would lead out of it.
        """
        materialise(self._git_dir, commit, directory)
        for path in self._facts.directories:
            (directory / path).mkdir(parents=True, exist_ok=True)

    def entry(self, commit: str, path: str) -> Entry | None:
        """What a commit has at `path`."""
        return next((entry for entry in entries(self._git, commit, [path]) if entry.path == path), None)

    def _refuse_fixed(self, path: str) -> None:
        check_path(path)
        if path in self._facts.fixed:
            raise UserError("a file of a submodule cannot be edited", where=path)
        for link in self.links:
            if path == link.target or path.startswith(f"{link.target}/"):
                raise UserError(f"this file is linked and cannot be edited: {link.why}", where=path)


def _refuse_shadowing(path: str, present: Collection[str]) -> None:
    """A new file takes the place of no directory, nor of a file on the way to it: git would drop those silently."""
    parent = path
    while parent := parent.rpartition("/")[0]:
        if parent in present:
            raise UserError(f"{parent} is a file, not a directory", where=path)
    if any(other.startswith(f"{path}/") for other in present):
        raise UserError("this is a directory, not a file", where=path)


def _clear_leftovers(git_dir: Path) -> None:
    """Locks and scratch indexes of a process that was killed; a living one holds them for a moment only."""
    for place in (*(git_dir / "refs" / "mlagent").glob("*.lock"), *git_dir.glob("index-*")):
        with contextlib.suppress(OSError):
            if time.time() - place.stat().st_mtime < _STALE:
                continue
            if place.is_dir():
                shutil.rmtree(place)
            else:
                place.unlink()


def _matches(path: str, exact: frozenset[str], globs: Sequence[str]) -> bool:
    if path in exact:
        return True
    name = path.rpartition("/")[2]
    for glob in globs:
        subject = path if "/" in glob else name
        if fnmatch.fnmatchcase(subject, glob) or fnmatch.fnmatchcase(path, glob.removeprefix("**/")):
            return True
    return False


def _write_facts(path: Path, facts: _Facts) -> None:
    """The facts appear whole or not at all; their being there is what makes a snapshot finished."""
    data = {"format": _FORMAT, **asdict(facts), "fixed": sorted(facts.fixed)}
    scratch = path.with_suffix(".tmp")
    with scratch.open("w", encoding="ascii") as file:
        json.dump(data, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)


def _read_facts(path: Path) -> _Facts:
    data: dict[str, Any] = json.loads(path.read_text("ascii"))
    if data["format"] != _FORMAT:
        raise ValueError("another format")
    return _Facts(
        base=str(data["base"]),
        links=tuple(ReadOnlyLink(**link) for link in data["links"]),
        stamps=data.get("stamps", {}),  # an older session has none
        left_out=tuple((str(name), str(why)) for name, why in data["left_out"]),
        fixed=frozenset(data["fixed"]),
        directories=tuple(data["directories"]),
    )
