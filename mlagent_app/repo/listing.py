"""Which files of a project go into a snapshot, which are linked, and which are left out, with the reasons."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mlagent_app.agent.errors import UserError
from mlagent_app.repo.gitcmd import Git, GitError, init_private, private_git, project_git
from mlagent_app.repo.ignored import add_needed
from mlagent_app.repo.paths import SCRATCH
from mlagent_app.repo.project import Project
from mlagent_app.repo.scan import CACHES, Bounds, ReadOnlyLink, Scan, is_environment, settle_symlinks, walk

# The last are files of a landing that was killed.
_EXCLUDES = tuple(f"--exclude={name}" for name in (*sorted(CACHES), SCRATCH.format("*")))
SMALLER = "have git ignore its data, or name a smaller directory"


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a snapshot; paths are relative to the project, with forward slashes.

    `paths` are copied, symbolic links (`symlinks`: path -> what it says) among them; those over `bounds.large` turn into links
    when the snapshot is taken. `links` are seen read-only by a run. `left_out` and `added` are (path, why): what is not there,
    and what is there although git ignores it. `fixed` are files that cannot be edited (those of submodules). `directories` are
    made empty.
    """

    root: Path
    paths: tuple[str, ...]
    symlinks: Mapping[str, str]
    links: tuple[ReadOnlyLink, ...]
    left_out: tuple[tuple[str, str], ...]
    added: tuple[tuple[str, str], ...]
    fixed: frozenset[str]
    directories: tuple[str, ...]
    bounds: Bounds

    @property
    def size(self) -> int:
        """The bytes that a snapshot copies. Looks at every file."""
        total = 0
        for path in self.paths:
            try:
                size = os.lstat(self.root / path).st_size
            except OSError:
                continue
            total += size if size <= self.bounds.large else 0
        return total


def list_project(project: Project, *, command: str = "", copy: Sequence[str] = (), bounds: Bounds | None = None) -> Listing:
    """The files that a snapshot of `project` holds: tracked and untracked ones as they stand, without ignored ones.

    Added to them are what the `copy` globs name and the ignored data that `command` or the sources name. Nothing is changed
    and no code of the project runs. Raises `UserError` when nothing is left or when it is too much.
    """
    bounds = bounds or Bounds()
    scan = Scan(project.root)
    if project.is_git:
        fixed, ignored = _scan_repository(scan, project_git(project.root), project.prefix)
    else:
        with tempfile.TemporaryDirectory(prefix="mlagent-") as scratch:
            init_private(Path(scratch))
            fixed, ignored = _scan_repository(scan, private_git(Path(scratch), project.root), "")
    _drop_environments(scan)
    added, empty = add_needed(scan, ignored, command, bounds)
    added |= _add_copies(scan, copy)
    settle_symlinks(scan)
    return _result(scan, bounds, fixed, added, empty)


def _scan_repository(scan: Scan, git: Git, prefix: str) -> tuple[set[str], list[str]]:
    """Scan the files that git sees, submodules included; the submodules' files, and what git ignores."""
    excludes = list(_EXCLUDES)
    for name in _environments(scan.root):
        scan.left_out[name] = "a Python environment"
        excludes.append(f"--exclude=/{_literal(prefix + name)}/")
    with ThreadPoolExecutor(1) as pool:
        # Both walk through all directories: side by side it takes half the time.
        answer = pool.submit(git.out, "ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory")
        scan.add(_paths(git.out("ls-files", "-z", "--cached", "--others", "--exclude-standard", *excludes)))
        ignored = _paths(answer.result(), keep_slash=True)
    fixed: set[str] = set()
    while scan.directories:
        _scan_nested(scan, scan.directories.pop(), fixed)
    return fixed, sorted(set(ignored))


def _scan_nested(scan: Scan, path: str, fixed: set[str]) -> None:
    """A directory that git lists as one entry: a submodule, or a repository of its own inside the project."""
    directory = scan.root / path
    mark = directory / ".git"
    if not os.path.lexists(mark):
        if not any(os.scandir(directory)):
            scan.left_out[path] = "a submodule that is not checked out: git submodule update --init"
        return
    try:
        if mark.is_file() and "/worktrees/" in mark.read_text("utf-8", errors="replace"):
            scan.left_out[path] = "another work tree of a git repository"
            return
        answer = project_git(directory).out("ls-files", "-z", "--cached", "--others", "--exclude-standard", *_EXCLUDES)
    except (OSError, GitError) as error:
        scan.left_out[path] = f"a git repository that cannot be read: {error}"
        return
    inner = [f"{path}/{name}" for name in _paths(answer)]
    scan.add(inner)
    fixed.update(inner)


def _paths(answer: bytes, *, keep_slash: bool = False) -> Iterable[str]:
    names = os.fsdecode(answer).split("\0")[:-1]
    return names if keep_slash else (name.rstrip("/") for name in names)


def _environments(root: Path) -> list[str]:
    """Environments directly below `root`: told to git beforehand, so that it does not walk through them."""
    with os.scandir(root) as entries:
        return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False) and is_environment(Path(entry.path))]


def _literal(pattern: str) -> str:
    return re.sub(r"([\\*?\[\]])", r"\\\1", pattern)


def _drop_environments(scan: Scan) -> None:
    """Take environments further down out of a scan again."""
    for top in scan.environments:
        scan.left_out[top] = "a Python environment"
        scan.files -= {path for path in scan.files if path.startswith(f"{top}/")}
        for path in [path for path in scan.symlinks if path.startswith(f"{top}/")]:
            del scan.symlinks[path]


def _add_copies(scan: Scan, copy: Sequence[str]) -> dict[str, str]:
    """Add what the `copy` globs of the plan name, ignored or not."""
    added: dict[str, str] = {}
    for pattern in copy:
        parts = PurePosixPath(pattern).parts
        if not parts or PurePosixPath(pattern).is_absolute() or ".." in parts or ".git" in parts:
            raise UserError(f"copy cannot name {pattern!r}", where="[project] copy", how="name paths below the project")
        matches = sorted(path.relative_to(scan.root).as_posix() for path in scan.root.glob(pattern.rstrip("/")))
        matches = [path for path in matches if ".git" not in path.split("/")]
        if not matches:
            scan.left_out[pattern] = "named in copy, but nothing is there"
        for path in matches:
            is_directory = (scan.root / path).is_dir() and not (scan.root / path).is_symlink()
            scan.add([file for file, _ in walk(scan.root, path)] if is_directory else [path])
            scan.left_out.pop(path, None)
            added[path] = "named in copy"
    return added


def _result(scan: Scan, bounds: Bounds, fixed: set[str], added: dict[str, str], empty: Sequence[str]) -> Listing:
    # git refuses a link of this name in any tree.
    for path in [path for path in scan.symlinks if path.rpartition("/")[2].lower() == ".gitmodules"]:
        del scan.symlinks[path]
        scan.left_out[path] = "a symbolic link named .gitmodules"
    files = sorted([*scan.files, *scan.symlinks])
    where = os.fspath(scan.root)
    if not files:
        raise UserError("no files to work on", where=where, how="git may ignore them all: look at .gitignore")
    if len(files) > bounds.files:
        raise UserError(f"the project is too big to copy: {len(files)} files", where=where, how=SMALLER)
    return Listing(
        root=scan.root,
        paths=tuple(files),
        symlinks=dict(scan.symlinks),
        links=tuple(scan.links[path] for path in sorted(scan.links)),
        left_out=tuple(sorted(scan.left_out.items())),
        added=tuple(sorted(added.items())),
        fixed=frozenset(path for path in fixed if path in scan.files or path in scan.symlinks),
        directories=tuple(path for path in empty if path not in added),
        bounds=bounds,
    )
