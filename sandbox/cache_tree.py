"""What is in a directory, and what a run changed in it: recorded without trusting it, and done again elsewhere."""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sandbox.outputs import UnreadableOutput, read_regular
from sandbox.workdir import open_directory, split_relative

MOST_ENTRIES = 20_000
DEEPEST = 64

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class TooMuch(Exception):
    """The directory holds more, or other things, than can be recorded."""


@dataclass(frozen=True, slots=True)
class Entry:
    """`kind` is "file", "directory" or "link"; `state` tells one state of a file from another, its size last."""

    kind: str
    mode: int
    state: tuple[int, ...] = ()
    target: str = ""


@dataclass(frozen=True, slots=True)
class Changed:
    """What a run did to its workspace: relative path to mode and content, new directories with modes, and what is gone."""

    files: Mapping[str, tuple[int, bytes]]
    directories: Mapping[str, int]
    removed: Sequence[str]


def entries(root: Path) -> dict[str, Entry]:
    """All that is below `root`, upper directories first. Raises TooMuch, and OSError when it cannot be read."""
    found: dict[str, Entry] = {}
    pending: list[tuple[str, ...]] = [()]
    for parts in pending:
        if len(parts) > DEEPEST:
            raise TooMuch(f"{root} is nested too deeply")
        for name, entry in _entries_of(root, parts):
            found["/".join((*parts, name))] = entry
            if len(found) > MOST_ENTRIES:
                raise TooMuch(f"{root} has more than {MOST_ENTRIES} entries")
            if entry.kind == "directory":
                pending.append((*parts, name))
    return found


def closed_entries(root: Path) -> dict[str, Entry]:
    """As `entries`, and TooMuch when a link in it leads to what is not below `root`."""
    found = entries(root)
    for path, entry in found.items():
        target = os.path.normpath(os.path.join(os.path.dirname(path), entry.target))
        if entry.kind == "link" and (target.startswith(("/", "../")) or target == ".."):
            raise TooMuch(f"{path} leads out of {root}")
    return found


def entry_of(status: os.stat_result) -> Entry | None:
    """A file or directory; None for anything else."""
    mode = stat.S_IMODE(status.st_mode)
    if stat.S_ISDIR(status.st_mode):
        return Entry("directory", mode)
    if stat.S_ISREG(status.st_mode):
        return Entry("file", mode, (status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size))
    return None


def digest(root: Path, relative: str) -> str:
    """The hash of a regular file's content, read without following links. Raises OSError."""
    *above, name = split_relative(relative)
    with open_directory(root, above) as directory:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory)
    with open(descriptor, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def changes(workspace: Path, before: Mapping[str, Entry], digests: Mapping[str, str], most_bytes: int) -> Changed:
    """What is not as it was `before`, when the files had the contents that `digests` says.

    Raises TooMuch when that is more than `most_bytes`, or not only files and directories; OSError when it cannot be read.
    """
    after = entries(workspace)
    files: dict[str, tuple[int, bytes]] = {}
    directories: dict[str, int] = {}
    for path, entry in after.items():
        old = before.get(path)
        if entry == old or _is_only_touched(workspace, path, entry, old, digests):
            continue
        if entry.kind == "directory":
            directories[path] = entry.mode
        elif entry.kind == "link" or (old is not None and old.kind != "file"):
            raise TooMuch(f"{path} was made a {entry.kind}")
        else:
            content = _content(workspace, path, most_bytes)
            most_bytes -= len(content)
            files[path] = (entry.mode, content)
    return Changed(files, directories, [path for path in reversed(list(before)) if path not in after])


def apply(changed: Changed, workspace: Path) -> None:
    """Do to `workspace` what the run did to its own. No path is followed through a link. Raises OSError."""
    for path in changed.removed:
        *above, name = split_relative(path)
        with suppress(FileNotFoundError), open_directory(workspace, above) as directory:
            if stat.S_ISDIR(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode):
                os.rmdir(name, dir_fd=directory)
            else:
                os.unlink(name, dir_fd=directory)
    for path, mode in changed.directories.items():
        *above, name = split_relative(path)
        with open_directory(workspace, above) as directory:
            with suppress(FileExistsError):
                os.mkdir(name, dir_fd=directory)
        with open_directory(workspace, (*above, name)) as directory:
            os.fchmod(directory, mode | stat.S_IRWXU)
    for path, (mode, content) in changed.files.items():
        *above, name = split_relative(path)
        with open_directory(workspace, above) as directory:
            fresh = f".mlagent-{secrets.token_hex(8)}"
            with open(os.open(fresh, _FLAGS, 0o600, dir_fd=directory), "wb") as file:
                file.write(content)
                os.fchmod(file.fileno(), mode)
            os.replace(fresh, name, src_dir_fd=directory, dst_dir_fd=directory)


def _is_only_touched(workspace: Path, path: str, entry: Entry, old: Entry | None, digests: Mapping[str, str]) -> bool:
    """Whether a file is what it was, although its time stamps are not: its owner was changed and changed back, perhaps."""
    if old is None or (entry.kind, entry.mode, old.kind) != ("file", old.mode, "file"):
        return False
    return entry.state[-1] == old.state[-1] and digest(workspace, path) == digests[path]


def _content(workspace: Path, path: str, most_bytes: int) -> bytes:
    try:
        return read_regular(workspace, path, most_bytes)
    except UnreadableOutput as error:
        raise TooMuch(str(error)) from error


def _entries_of(root: Path, parts: Sequence[str]) -> Iterator[tuple[str, Entry]]:
    with open_directory(root, parts) as directory, os.scandir(directory) as names:
        for found in sorted(names, key=lambda each: each.name):
            entry = entry_of(found.stat(follow_symlinks=False))
            if entry is None and found.is_symlink():
                entry = Entry("link", 0, target=os.readlink(found.name, dir_fd=directory))
            if entry is None:
                raise TooMuch(f"{found.name} is neither a file nor a directory")
            yield found.name, entry
