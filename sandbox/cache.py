"""Runs that were made before are not made again: a memory of results, by all that a run depends on."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from sandbox.cache_tree import Changed, Entry, TooMuch, apply, changes, closed_entries, digest, entry_of
from sandbox.hostruntime import environment_key
from sandbox.process import infrastructure, open_pump
from sandbox.runner import Job, Limits, OnLog, OnSample, Runner, RunnerName, RunResult
from sandbox.usage import MIB

# Of one run: its log and all files that it wrote.
MOST_BYTES = 16 * MIB
# Part of every key: entries that an older version has written are not found.
FORMAT = 1

_CHECKSUM_BYTES = 32
_LENGTH_BYTES = 8
_FRESH = ".fresh-"
_LOOK_EVERY = 64  # entries, after which others' are counted as well
_LEFT_OVER_SECONDS = 3600.0
_NOTE = "equal runs are made once: the same files, command, limits and environment give the first result again"


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a run depends on, as one hash, and its workspace as it was: paths to entries, and to the hashes of contents."""

    key: str
    before: Mapping[str, Entry]
    digests: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Remembered:
    """A run that was made: its result, what it printed, and what it did to its workspace."""

    result: RunResult
    log: bytes
    changed: Changed


class Cache:
    """Remembered runs in `directory`, which several processes may use at the same time; at most about `max_mb` MiB of them.

    What was not used for longest is dropped first. `hits` and `misses` count the look-ups of this object; a run whose inputs
    cannot be recorded is a miss.
    """

    def __init__(self, directory: Path, max_mb: int = 2048) -> None:
        self._directory = directory
        self._most = max_mb * MIB
        self._size: int | None = None
        self._added = 0
        self._digests: dict[tuple[str, Entry], str] = {}
        self._lock = threading.Lock()
        self.hits = 0
        self.misses = 0

    def recall(self, job: Job, limits: Limits, runner: Runner) -> tuple[Inputs | None, Remembered | None]:
        """The inputs of a run (None when they cannot be recorded), and what is remembered of a run with the same."""
        try:
            inputs = self._inputs(job, limits, runner)
        except (OSError, TooMuch):  # the runner says what is wrong with them, if anything is
            inputs = None
        remembered = None if inputs is None else self._read(self._path(inputs.key))
        with self._lock:
            self.hits += remembered is not None
            self.misses += remembered is None
        return inputs, remembered

    def remember(self, inputs: Inputs, job: Job, result: RunResult) -> None:
        """Keep a run that was made, if it can be had again: not when it wrote too much, or what is not a file.

        What is remembered already stays. A disk that is full is no error here.
        """
        path = self._path(inputs.key)
        if path.exists():
            return
        fresh = self._directory / f"{_FRESH}{secrets.token_hex(8)}"
        try:
            log = job.log_path.read_bytes()
            changed = changes(job.workspace, inputs.before, inputs.digests, MOST_BYTES - len(log))
            content = _encoded(Remembered(result, log, changed))
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_bytes(content)
            os.replace(fresh, path)
        except (OSError, TooMuch):
            with suppress(OSError):
                fresh.unlink(missing_ok=True)
            return
        self._make_room(len(content))

    def _path(self, key: str) -> Path:
        return self._directory / key[:2] / key

    def _read(self, path: Path) -> Remembered | None:
        """An entry; one that is damaged is dropped."""
        try:
            remembered = _decoded(path.read_bytes())
            os.utime(path)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError):
            with suppress(OSError):
                path.unlink()
            return None
        return remembered

    def _inputs(self, job: Job, limits: Limits, runner: Runner) -> Inputs:
        """Raises OSError and TooMuch."""
        before = closed_entries(job.workspace)
        digests = {path: digest(job.workspace, path) for path, entry in before.items() if entry.kind == "file"}
        text = {
            "format": FORMAT,
            "runner": [runner.name, *runner.notes[:1]],  # the first note says which runtime it is
            "command": job.command,
            "env": dict(job.env),
            "limits": asdict(limits),
            "python": None if job.python is None else environment_key(job.python),
            "project": str(job.project),
            "hidden": sorted(map(str, job.hidden)),
            "files": {path: _described(entry, digests.get(path)) for path, entry in before.items()},
            "links": {link.target: self._tree(link.source.resolve()) for link in job.links},
        }
        return Inputs(hashlib.sha256(json.dumps(text, sort_keys=True).encode()).hexdigest(), before, digests)

    def _tree(self, source: Path) -> dict[str, list[object]]:
        """What a link's source holds; a file is read again only when its state has changed."""
        root, found = source, {}
        if source.is_file():
            root, entry = source.parent, entry_of(source.stat())
            found = {} if entry is None else {source.name: entry}
        else:
            found = closed_entries(source)
        return {path: _described(entry, self._known_digest(root, path, entry)) for path, entry in found.items()}

    def _known_digest(self, root: Path, path: str, entry: Entry) -> str | None:
        if entry.kind != "file":
            return None
        place = (str(root / path), entry)
        if place not in self._digests:
            self._digests[place] = digest(root, path)
        return self._digests[place]

    def _make_room(self, added: int) -> None:
        """Count what was added, and drop what was not used for longest when that is too much."""
        with self._lock:
            self._added += 1
            if self._size is not None and self._added % _LOOK_EVERY:
                self._size += added
                if self._size <= self._most:
                    return
            found = sorted(self._files())
            self._size = sum(size for _, size, _ in found)
            for used_at, size, path in found:
                is_left_over = path.name.startswith(_FRESH) and used_at < time.time() - _LEFT_OVER_SECONDS
                if self._size > self._most or is_left_over:
                    with suppress(OSError):
                        path.unlink()
                        self._size -= size

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        """When each file was last used, its size in bytes, and where it is."""
        for path in self._directory.glob("**/*"):
            with suppress(OSError):  # another process has dropped it
                status = path.stat()
                if path.is_file():
                    yield status.st_mtime, status.st_size, path


class CachedRunner:
    """`runner` with a memory; see `sandbox.runner.Runner`.

    A run whose inputs are all equal to those of an earlier one is not made again: its log and what it did to its workspace are
    done once more, and the result is the earlier one, marked `cached`. The inputs: the files of the workspace and what is
    linked into it, command, variables, limits, the kind of sandbox, the Python environment with its time stamp, and what is
    hidden. Only runs that ended by themselves are remembered, and only without network. A script that draws its numbers
    without a seed comes out differently each time it runs: remembering fixes its first result. What a path in the log says is
    of the first run's workspace.
    """

    def __init__(self, runner: Runner, cache: Cache) -> None:
        self._runner = runner
        self.cache = cache

    @property
    def name(self) -> RunnerName:
        return self._runner.name

    @property
    def notes(self) -> tuple[str, ...]:
        return (*self._runner.notes, _NOTE)

    def run(
        self,
        job: Job,
        limits: Limits,
        *,
        on_log: OnLog | None = None,
        on_sample: OnSample | None = None,
        cancel: threading.Event | None = None,
    ) -> RunResult:
        """Run `job` or recall how it ended; see `sandbox.runner.Runner.run`. A recalled run gives no samples."""
        if limits.network or (cancel is not None and cancel.is_set()):
            return self._runner.run(job, limits, on_log=on_log, on_sample=on_sample, cancel=cancel)
        inputs, remembered = self.cache.recall(job, limits, self._runner)
        if remembered is not None:
            return _again(remembered, job, limits, on_log)
        result = self._runner.run(job, limits, on_log=on_log, on_sample=on_sample, cancel=cancel)
        # A full disk is the machine's state, and a log that was cut is not what was printed.
        if inputs is not None and result.outcome in ("ok", "error") and not (result.disk_full or result.truncated):
            self.cache.remember(inputs, job, result)
        return result


def _again(remembered: Remembered, job: Job, limits: Limits, on_log: OnLog | None) -> RunResult:
    try:
        pump = open_pump(job, limits, on_log)
        try:
            apply(remembered.changed, job.workspace)
            pump.feed(remembered.log)
        finally:
            pump.close()
    except OSError as error:
        return infrastructure(job, f"the remembered run could not be written to the workspace: {error}")
    return replace(remembered.result, log_path=job.log_path, cached=True)


def _described(entry: Entry, content: str | None) -> list[object]:
    return [entry.kind, entry.mode, content or entry.target]


def _encoded(remembered: Remembered) -> bytes:
    """A checksum, the length of the head, the head (JSON), the log, and the contents of the files."""
    changed = remembered.changed
    result = {name: value for name, value in asdict(remembered.result).items() if name not in ("log_path", "cached")}
    head = {
        "result": result,
        "log": len(remembered.log),
        "files": [[path, mode, len(content)] for path, (mode, content) in changed.files.items()],
        "directories": dict(changed.directories),
        "removed": list(changed.removed),
    }
    text = json.dumps(head).encode()
    contents = [content for _, content in changed.files.values()]
    body = b"".join([len(text).to_bytes(_LENGTH_BYTES, "big"), text, remembered.log, *contents])
    return hashlib.sha256(body).digest() + body


def _decoded(content: bytes) -> Remembered:
    """Raises ValueError, KeyError or TypeError when it is damaged."""
    body = memoryview(content)[_CHECKSUM_BYTES:]
    if hashlib.sha256(body).digest() != content[:_CHECKSUM_BYTES]:
        raise ValueError("the checksum does not fit")
    at = _LENGTH_BYTES + int.from_bytes(body[:_LENGTH_BYTES], "big")
    head: dict[str, Any] = json.loads(bytes(body[_LENGTH_BYTES:at]))
    log, at = bytes(body[at : at + head["log"]]), at + head["log"]
    files: dict[str, tuple[int, bytes]] = {}
    for path, mode, length in head["files"]:
        files[path] = (mode, bytes(body[at : at + length]))
        at += length
    result = RunResult(log_path=Path(), **head["result"])
    result = replace(result, warnings=tuple(result.warnings))  # JSON has made a list of it
    return Remembered(result, log, Changed(files, head["directories"], head["removed"]))
