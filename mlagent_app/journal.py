"""The journal: one checksummed line an event, appended and fsynced, so that kill -9 at any byte loses at most that event."""

from __future__ import annotations

import errno
import json
import os
import time
import zlib
from dataclasses import dataclass
from pathlib import Path

from mlagent_app.agent.errors import UserError
from mlagent_app.agent.events import Event, from_json, to_json


@dataclass(frozen=True, slots=True)
class Record:
    """An event in its envelope: `seq` counts from 0, `time` is seconds since the epoch."""

    seq: int
    time: float
    event: Event


def encode(record: Record) -> bytes:
    """One line: the CRC-32 of the JSON text in hex, a space, the JSON text, a newline."""
    text = json.dumps({"seq": record.seq, "time": record.time, "event": to_json(record.event)}, ensure_ascii=True)
    body = text.encode("ascii")
    return b"%08x %s\n" % (zlib.crc32(body), body)


def decode(line: bytes) -> Record | None:
    """The record of one whole line, None when the line is torn or damaged."""
    if not line.endswith(b"\n") or line[8:9] != b" ":
        return None
    body = line[9:-1]
    try:
        if int(line[:8], 16) != zlib.crc32(body):
            return None
        data = json.loads(body)
        return Record(data["seq"], data["time"], from_json(data["event"]))
    except (ValueError, KeyError, TypeError):
        return None


def read(path: Path) -> tuple[list[Record], int]:
    """All good records, and the number of bytes they take.

    A torn last line is what a crash leaves and is passed over. Damage before the last line raises `UserError`: what comes
    after it cannot be trusted.
    """
    records: list[Record] = []
    good = 0
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        raise UserError("there is no journal of that session", where=str(path), how="see: mlagent sessions list") from None
    for number, line in enumerate(lines, start=1):
        record = decode(line)
        if record is None or record.seq != len(records):
            if number == len(lines):
                break
            raise UserError(
                "the journal is damaged", where=f"{path}, line {number}", how="its steps before that line can still be exported"
            )
        records.append(record)
        good += len(line)
    return records, good


class Journal:
    """Appends events to one file. Not thread-safe: the session's thread alone writes."""

    def __init__(self, path: Path) -> None:
        """Open `path` for appending, created when missing; a torn last line is cut off first. Raises `UserError`."""
        self.path = path
        self.records: list[Record] = []
        if path.exists():
            self.records, good = read(path)
            with path.open("r+b") as file:
                file.truncate(good)
                os.fsync(file.fileno())
        self._file = path.open("ab", buffering=0)
        _sync_directory(path.parent)

    def append(self, event: Event) -> Record:
        """Write one event; it is on disk when this returns. Raises `UserError` when the disk refuses."""
        record = Record(len(self.records), time.time(), event)
        line = encode(record)
        end = self._file.seek(0, os.SEEK_END)
        try:
            if self._file.write(line) != len(line):
                raise OSError(errno.ENOSPC, "the disk is full")
            os.fsync(self._file.fileno())
        except OSError as error:
            # A torn line in the middle would make what comes after it unreadable.
            self._file.truncate(end)
            raise UserError(
                "the journal cannot be written", where=f"{self.path}: {error.strerror}", how="free some space"
            ) from None
        self.records.append(record)
        return record

    def close(self) -> None:
        """Close the file; every record is already on disk."""
        self._file.close()


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
