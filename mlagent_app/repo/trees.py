"""Commits of a private repository, read and written without a work tree."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mlagent_app.agent.errors import UserError
from mlagent_app.repo.gitcmd import Git, private_git

NO_BLOB = "0" * 40


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a commit. `mode` as git writes it: 100644, 100755, 120000 (a symbolic link)."""

    path: str
    mode: str
    blob: str

    @property
    def is_regular(self) -> bool:
        return self.mode.startswith("100")


@dataclass(frozen=True, slots=True)
class Change:
    """How one file differs between two commits; a side without the file is None."""

    path: str
    old: Entry | None
    new: Entry | None


@dataclass(frozen=True, slots=True)
class TreeEdit:
    """A file's new content, or None to delete it."""

    path: str
    content: bytes | None
    mode: str


def entries(git: Git, commit: str, paths: Sequence[str] = ()) -> list[Entry]:
    """The files of a commit, of these paths only when some are given."""
    # `ls-tree` takes paths as they are, without patterns; a directory's name gives what is in it.
    answer = git.out("ls-tree", "-r", "-z", "--full-tree", commit, "--", *paths)
    return [_entry(item) for item in answer.split(b"\0")[:-1]]


def _entry(item: bytes) -> Entry:
    head, _, path = item.partition(b"\t")
    mode, _, blob = head.decode("ascii").split(" ")
    return Entry(os.fsdecode(path), mode, blob)


def blob_id(content: bytes, like: str) -> str:
    """The id that git gives this content, by the hash function of the id `like`."""
    digest = hashlib.sha256 if len(like) == 64 else hashlib.sha1
    return digest(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def read_blobs(git: Git, ids: Sequence[str]) -> dict[str, bytes]:
    """The contents of blobs, read by one process. Raises `KeyError` for one that is missing."""
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return {}
    answer = git.out("cat-file", "--batch", stdin="".join(f"{blob}\n" for blob in wanted).encode("ascii"))
    found: dict[str, bytes] = {}
    at = 0
    for blob in wanted:
        end = answer.index(b"\n", at)
        head = answer[at:end].split(b" ")
        if len(head) != 3:
            raise KeyError(blob)
        size = int(head[2])
        found[blob] = answer[end + 1 : end + 1 + size]
        at = end + 1 + size + 1
    return found


def changes(git: Git, a: str, b: str) -> list[Change]:
    """The files that differ between two commits, in the order of their paths."""
    answer = git.out("diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", a, b)
    parts = answer.split(b"\0")[:-1]
    found: list[Change] = []
    for head, name in zip(parts[::2], parts[1::2], strict=True):
        old_mode, new_mode, old, new, _ = head.removeprefix(b":").decode("ascii").split(" ")
        path = os.fsdecode(name)
        found.append(
            Change(
                path,
                Entry(path, old_mode, old) if old != NO_BLOB else None,
                Entry(path, new_mode, new) if new != NO_BLOB else None,
            )
        )
    return found


@contextmanager
def scratch_index(git: Git) -> Generator[dict[str, str]]:
    """The environment of a git call with an index of its own, in a directory that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="index-", dir=git.env["GIT_DIR"]) as directory:
        yield {"GIT_INDEX_FILE": os.path.join(directory, "index")}


def write_commit(git: Git, base: str, edit: Sequence[TreeEdit] | bytes, message: str) -> str:
    """A commit on `base` with these edits, or with a patch applied; `base` itself when its tree stays the same."""
    with scratch_index(git) as env:
        git.run("read-tree", base, env=env)
        if isinstance(edit, bytes):
            if edit:
                git.run("apply", "--cached", "--whitespace=nowarn", "-", stdin=edit, env=env)
        else:
            git.run("update-index", "-z", "--index-info", stdin=b"".join(_index_line(git, item) for item in edit), env=env)
        tree = git.line("write-tree", env=env)
    if tree == git.line("rev-parse", f"{base}^{{tree}}"):
        return base
    return git.line("commit-tree", "-p", base, tree, stdin=message.replace("\0", " ").encode("utf-8", "surrogateescape"))


def _index_line(git: Git, edit: TreeEdit) -> bytes:
    if edit.content is None:
        mode, blob = "0", NO_BLOB
    else:
        mode, blob = edit.mode, git.line("hash-object", "-w", "--stdin", stdin=edit.content)
    return f"{mode} {blob} 0\t".encode("ascii") + os.fsencode(edit.path) + b"\0"


def materialise(git_dir: Path, commit: str, directory: Path) -> None:
    """Write a commit's files into a directory that is missing or empty. Raises `UserError` when that is not safe."""
    directory.mkdir(parents=True, exist_ok=True)
    if any(os.scandir(directory)):
        raise UserError("the directory for a run is not empty", where=os.fspath(directory))
    git = private_git(git_dir, directory.resolve())
    _refuse_leading_out(git, commit)
    with scratch_index(git) as env:
        git.run("read-tree", commit, env=env)
        git.run("checkout-index", "--all", "--force", "--quiet", env=env, seconds=600.0)


def _refuse_leading_out(git: Git, commit: str) -> None:
    """A run's directory must not hold a link to a place outside of it."""
    symlinks = [entry for entry in entries(git, commit) if entry.mode == "120000"]
    targets = read_blobs(git, [entry.blob for entry in symlinks])
    for entry in symlinks:
        target = os.fsdecode(targets[entry.blob])
        lexical = os.path.normpath(os.path.join(os.path.dirname(entry.path), target))
        if os.path.isabs(target) or lexical == ".." or lexical.startswith("../"):
            raise UserError(f"a symbolic link leads out of the project, to {target}", where=entry.path)
