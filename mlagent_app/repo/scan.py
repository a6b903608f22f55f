"""What the paths of a project are on disk: files to copy, links, and things that cannot be taken along."""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

MIB = 1 << 20

# Directories that tools make again by themselves, or that belong to an environment: never part of a snapshot.
CACHES = frozenset({
    ".git", ".hg", ".svn", "__pycache__", "node_modules", ".venv", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis",
    ".ipynb_checkpoints", ".tox", ".nox", ".cache", ".eggs", ".direnv", ".pyre", ".pytype", ".DS_Store",
})  # fmt: skip
_ENVIRONMENT_MARKS = ("pyvenv.cfg", "conda-meta")


@dataclass(frozen=True, slots=True)
class Bounds:
    """Sizes in bytes. Files over `large` are linked, not copied; `ignored` bounds the ignored data that is copied.

    A project with more than `files` files or `total` bytes to copy is refused.
    """

    large: int = 32 * MIB
    ignored: int = 64 * MIB
    files: int = 200_000
    total: int = 4096 * MIB


@dataclass(frozen=True, slots=True)
class ReadOnlyLink:
    """A file or directory that a run sees read-only at `target` (relative to the project); `source` is absolute.

    `why` it is not copied into the snapshot. What a run may have to write to, it sees as a copy of its own.
    """

    source: str
    target: str
    why: str


@dataclass(slots=True)
class Scan:
    """Sorts paths of the project at `root` by what they are. Paths are relative, with forward slashes.

    `files` are the regular files, `symlinks` what each symbolic link says, `directories` the given paths that turned out to be
    directories, `environments` directories with the marks of a Python environment. No file's size is looked at: in a large
    repository that takes longer than all else.
    """

    root: Path
    files: set[str] = field(default_factory=set[str])
    symlinks: dict[str, str] = field(default_factory=dict[str, str])
    links: dict[str, ReadOnlyLink] = field(default_factory=dict[str, ReadOnlyLink])
    left_out: dict[str, str] = field(default_factory=dict[str, str])
    environments: set[str] = field(default_factory=set[str])
    directories: list[str] = field(default_factory=list[str])
    _real: dict[str, bool] = field(default_factory=dict[str, bool])

    def add(self, paths: Iterable[str]) -> None:
        """Sort `paths`. One that is not there is dropped, as is one behind a symbolic link, which git calls deleted too."""
        wanted: defaultdict[str, set[str]] = defaultdict(set)
        for path in paths:
            directory, _, name = path.rpartition("/")
            wanted[directory].add(name)
        for directory, names in wanted.items():
            if directory and (("pyvenv.cfg" in names) or directory.endswith("/conda-meta")):
                self.environments.add(directory.removesuffix("/conda-meta"))
            if self._is_real(directory):
                self._sort(directory, names)

    def _sort(self, directory: str, names: set[str]) -> None:
        """One pass over a directory is cheaper than a look at each file, and it also finds sockets and the like."""
        prefix = f"{directory}/" if directory else ""
        try:
            entries = os.scandir(self.root / directory)
        except OSError as error:
            self.left_out[directory] = f"not readable: {error.strerror}"
            return
        with entries:
            for entry in entries:
                path = prefix + entry.name
                try:
                    if entry.is_file(follow_symlinks=False):
                        if entry.name in names:
                            self.files.add(path)
                    elif entry.is_symlink():
                        if entry.name in names:
                            self.symlinks[path] = os.readlink(entry.path)
                    elif not entry.is_dir(follow_symlinks=False):
                        self.left_out[path] = "a socket, pipe or device"
                    elif entry.name in names:
                        self.directories.append(path)
                except OSError:
                    continue  # it vanished just now

    def _is_real(self, directory: str) -> bool:
        """Whether a directory is reached without symbolic links."""
        if not directory:
            return True
        known = self._real.get(directory)
        if known is None:
            known = self._is_real(directory.rpartition("/")[0])
            try:
                known = known and stat.S_ISDIR(os.lstat(self.root / directory).st_mode)
            except OSError:
                known = False
            self._real[directory] = known
        return known


def is_environment(directory: Path) -> bool:
    """Whether a directory is a virtual environment or a conda prefix."""
    return any(os.path.lexists(directory / mark) for mark in _ENVIRONMENT_MARKS)


def walk(root: Path, top: str) -> Iterator[tuple[str, int]]:
    """All files below `top` (relative to `root`) with their sizes in bytes, without caches and environments.

    Symbolic links are given, with size 0, and not followed.
    """
    pending = [top]
    while pending:
        directory = pending.pop()
        try:
            entries = sorted(os.scandir(root / directory), key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            path = f"{directory}/{entry.name}"
            if entry.name in CACHES:
                continue
            if not entry.is_dir(follow_symlinks=False):
                try:
                    yield path, 0 if entry.is_symlink() else entry.stat(follow_symlinks=False).st_size
                except OSError:
                    continue
            elif not is_environment(Path(entry.path)):
                pending.append(path)


def settle_symlinks(scan: Scan) -> None:
    """Decide about the symbolic links of a scan: those that stay inside the snapshot stay links, with a relative target.

    The others become read-only links of what they lead to, or are left out.
    """
    if not scan.symlinks:
        return
    root = os.fspath(scan.root)
    kept: set[str] = scan.files | set(scan.links) | set(scan.symlinks)
    for path in tuple(kept):
        while path := path.rpartition("/")[0]:
            if path in kept:
                break
            kept.add(path)
    for path, target in sorted(scan.symlinks.items()):
        real = os.path.realpath(os.path.join(root, path))
        inside = real == root or real.startswith(root + os.sep)
        within = os.path.relpath(real, root) if inside else ""
        if inside and (within == "." or within in kept or not os.path.lexists(real)):
            scan.symlinks[path] = _relative(path, target, within)
        else:
            del scan.symlinks[path]
            _settle_outside(scan, path, real)


def _relative(path: str, target: str, within: str) -> str:
    """What a link at `path` that leads to `within` must say to hold in another directory too."""
    directory = os.path.dirname(path)
    lexical = os.path.normpath(os.path.join(directory, target))
    if not os.path.isabs(target) and lexical != ".." and not lexical.startswith("../"):
        return target
    return os.path.relpath(within, directory or ".")


def _settle_outside(scan: Scan, path: str, real: str) -> None:
    home = os.fspath(Path.home().resolve())
    root = os.fspath(scan.root)
    try:
        mode = os.stat(real).st_mode
    except OSError:
        scan.left_out[path] = f"a broken link to {real}, outside the project"
        return
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        scan.left_out[path] = f"a link to {real}, a device, socket or pipe"
    elif real in (os.sep, home) or f"{root}/".startswith(f"{real}/"):
        scan.left_out[path] = f"a link to {real}, which holds more than this project's data"
    elif os.path.basename(path) in CACHES or is_environment(Path(real)):
        scan.left_out[path] = f"a link to {real}, an environment or a cache"
    else:
        scan.links[path] = ReadOnlyLink(real, path, f"a link to {real}")
