"""Trajectory files: JSON lines with a header that carries schema, kind, count and checksum. Written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from mlagent_app.agent.errors import UserError

SCHEMA = 1
SUFFIX = ".jsonl"


def write(path: Path, kind: str, rows: Sequence[dict[str, Any]], **header: object) -> None:
    """Write `rows`, with further `header` values (the tokenizer's hash, say)."""
    body = "".join(json.dumps(row, separators=(",", ":"), sort_keys=True) + "\n" for row in rows).encode()
    head = {"schema": SCHEMA, "kind": kind, "count": len(rows), "sha256": hashlib.sha256(body).hexdigest(), **header}
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    scratch.write_bytes(json.dumps(head, sort_keys=True).encode() + b"\n" + body)
    scratch.replace(path)


def read(path: Path, kind: str, **expected: object) -> list[dict[str, Any]]:
    """The rows of a shard. Raises `UserError` for one that is damaged, or of another schema, kind or header value."""
    how = "remove it and run the stage again: what is whole is kept"
    try:
        head_line, _, body = path.read_bytes().partition(b"\n")
        head: dict[str, Any] = json.loads(head_line)
        schema, found = head["schema"], head["kind"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"the shard cannot be read: {error or 'it is empty'}", where=str(path), how=how) from None
    if schema != SCHEMA:
        raise UserError(
            f"the shard has schema {schema}, this version reads {SCHEMA}", where=str(path), how="make the data anew"
        )
    if found != kind:
        raise UserError(f"the shard holds {found}, not {kind}", where=str(path), how="name the directory of the right stage")
    if hashlib.sha256(body).hexdigest() != head.get("sha256"):
        raise UserError("the shard is damaged: its checksum does not fit", where=str(path), how=how)
    for name, value in expected.items():
        if head.get(name) != value:
            raise UserError(
                f"the shard was made with another {name}: {head.get(name)}, not {value}",
                where=str(path),
                how="make the data anew",
            )
    return [json.loads(line) for line in body.splitlines()]


def read_all(directory: Path, kind: str, **expected: object) -> Iterator[dict[str, Any]]:
    """The rows of all shards of a directory, in the order of their names."""
    for path in sorted(directory.glob(f"*{SUFFIX}")):
        yield from read(path, kind, **expected)


def names(prefix: str, numbers: Iterable[int]) -> list[str]:
    """File names of shards, in order."""
    return [f"{prefix}-{number:05d}{SUFFIX}" for number in numbers]
