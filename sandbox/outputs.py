"""Reading what a run wrote, when the run may have meant harm.

A job can put a link to `/etc/shadow`, a FIFO that never answers or ten gigabytes where its metrics should be. Only regular
files with one name are read, reached directory by directory without following a link, and never more than a cap.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import translate
from pathlib import Path

from sandbox.workdir import open_directory, split_relative

PATTERNS = ("*.json", "*.jsonl", "*.csv", "*.tsv", "*.txt", "*.log", "*.yaml", "*.yml")
FILE_BYTES = 4 * 2**20
SKIPPED_DIRECTORIES = frozenset({".git", ".hg", ".svn", ".venv", "__pycache__", "node_modules"})

_CHUNK = 2**20
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class UnreadableOutput(Exception):
    """A file of the workspace that is not read, and why."""


@dataclass(frozen=True, slots=True)
class Caps:
    """The bounds of one reading: how much is read, and how far a workspace is walked."""

    file_bytes: int = FILE_BYTES
    files: int = 200
    total_bytes: int = 16 * FILE_BYTES
    entries: int = 200_000
    entries_per_directory: int = 5_000
    depth: int = 32
    seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells one state of a file from another; a job cannot set `changed_ns`."""

    inode: int
    modified_ns: int
    changed_ns: int
    size: int


@dataclass(frozen=True, slots=True)
class Before:
    """The files of a workspace before a run: relative path (with `/`) to stamp, and the directories too big to look into."""

    files: Mapping[str, Stamp]
    huge: frozenset[str]


DEFAULT_CAPS = Caps()


def scan(workspace: Path, patterns: Sequence[str] = PATTERNS, caps: Caps = DEFAULT_CAPS) -> Before:
    """The files whose name matches one of `patterns`, as they stand now. Raises OSError when `workspace` is not readable."""
    walk = _Walk(workspace, patterns, caps, huge=frozenset())
    return Before(dict(walk.files()), frozenset(walk.huge))


def written(workspace: Path, before: Before, patterns: Sequence[str] = PATTERNS, caps: Caps = DEFAULT_CAPS) -> dict[str, bytes]:
    """The regular files that were created or changed since `before`: relative path to content, upper directories first.

    Left out: links and all behind a linked directory, files with a second name (hard links), what is no regular file, files
    over `caps.file_bytes`, and what comes after the other bounds are reached.
    """
    contents: dict[str, bytes] = {}
    room = caps.total_bytes
    for relative, stamp in _Walk(workspace, patterns, caps, huge=before.huge).files():
        if before.files.get(relative) == stamp or stamp.size > min(caps.file_bytes, room):
            continue
        try:
            content = read_regular(workspace, relative, min(caps.file_bytes, room))
        except UnreadableOutput:
            continue
        contents[relative] = content
        room -= len(content)
        if len(contents) >= caps.files:
            break
    return contents


def read_regular(root: Path, relative: str, cap: int = FILE_BYTES) -> bytes:
    """The content of the regular file `root/relative`, at most `cap` bytes.

    Raises UnreadableOutput when it is missing, larger, not a regular file, has a second name, or lies behind a link.
    """
    with _opened(root, relative) as descriptor:
        if os.fstat(descriptor).st_nlink > 1:
            raise UnreadableOutput(f"{relative} is a hard link")
        content = _read_capped(descriptor, cap)
    if content is None:
        raise UnreadableOutput(f"{relative} is larger than {cap} bytes")
    return content


def hash_files(root: Path, relatives: Iterable[str]) -> dict[str, str]:
    """What each path is now, for comparing before and after a run; any change of content or of kind changes the answer.

    Relative path to `sha256:<hex>`, `missing`, `link:<target>`, or `not a regular file`.
    """
    return {relative: _fingerprint(root, relative) for relative in relatives}


def _fingerprint(root: Path, relative: str) -> str:
    digest = hashlib.sha256()
    try:
        with _opened(root, relative) as descriptor:
            for chunk in _chunks(descriptor):
                digest.update(chunk)
        return f"sha256:{digest.hexdigest()}"
    except UnreadableOutput as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return "missing"
    try:
        *above, name = split_relative(relative)
        with open_directory(root, above) as directory:
            return f"link:{os.readlink(name, dir_fd=directory)}"
    except (OSError, ValueError):
        return "not a regular file"


@contextmanager
def _opened(root: Path, relative: str) -> Generator[int]:
    """A descriptor of a regular file, opened without following links or waiting for a FIFO's writer."""
    try:
        *above, name = split_relative(relative)
        with open_directory(root, above) as directory:
            # Looked at first: opening a device can act on it.
            regular = stat.S_ISREG(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode)
            descriptor = os.open(name, _OPEN, dir_fd=directory) if regular else -1
    except (OSError, ValueError) as error:
        raise UnreadableOutput(f"{relative} cannot be read: {error}") from error
    if descriptor < 0:
        raise UnreadableOutput(f"{relative} is not a regular file")
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise UnreadableOutput(f"{relative} is not a regular file")
        yield descriptor
    except OSError as error:
        raise UnreadableOutput(f"{relative} cannot be read: {error}") from error
    finally:
        os.close(descriptor)


def _chunks(descriptor: int) -> Iterator[bytes]:
    while chunk := os.read(descriptor, _CHUNK):
        yield chunk


def _read_capped(descriptor: int, cap: int) -> bytes | None:
    """The content, or None when there is more than `cap` bytes, whatever the file's size claims."""
    content = bytearray()
    for chunk in _chunks(descriptor):
        content += chunk
        if len(content) > cap:
            return None
    return bytes(content)


class _Walk:
    """The matching regular files below a workspace, upper directories first, names in order, within the caps."""

    def __init__(self, workspace: Path, patterns: Sequence[str], caps: Caps, huge: frozenset[str]) -> None:
        self._workspace = workspace
        self._matches = re.compile("|".join(map(translate, patterns)) or "(?!)").match
        self._caps = caps
        self._deadline = time.monotonic() + caps.seconds
        self._left = caps.entries
        self.huge = set(huge)

    def files(self) -> Iterator[tuple[str, Stamp]]:
        with open_directory(self._workspace) as root:  # not a directory, not readable: said at once
            os.stat(root)
        pending: deque[tuple[str, ...]] = deque([()])
        while pending and self._left > 0 and time.monotonic() < self._deadline:
            parts = pending.popleft()
            if "/".join(parts) in self.huge:
                continue
            try:
                with open_directory(self._workspace, parts) as directory:
                    found, below = self._look(directory, parts)
            except OSError:
                continue
            yield from found
            if len(parts) < self._caps.depth:
                pending.extend((*parts, name) for name in sorted(below))

    def _look(self, directory: int, parts: tuple[str, ...]) -> tuple[list[tuple[str, Stamp]], list[str]]:
        """The matching files of one directory and the names of its directories."""
        # The top directory always counts: it is where scripts write their results.
        room = min(self._left, self._caps.entries_per_directory) if parts else self._left
        found: list[tuple[str, Stamp]] = []
        below: list[str] = []
        with os.scandir(directory) as entries:
            for entry in entries:
                if room <= 0:
                    self.huge.add("/".join(parts))
                    return [], below
                room -= 1
                self._left -= 1
                if not entry.name.isprintable():  # not UTF-8, or meant for a terminal
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if entry.name not in SKIPPED_DIRECTORIES:
                        below.append(entry.name)
                elif self._matches(entry.name):
                    state = entry.stat(follow_symlinks=False)
                    if stat.S_ISREG(state.st_mode):
                        stamp = Stamp(state.st_ino, state.st_mtime_ns, state.st_ctime_ns, state.st_size)
                        found.append(("/".join((*parts, entry.name)), stamp))
        return sorted(found), below
