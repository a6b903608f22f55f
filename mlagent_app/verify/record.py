"""Writing what was measured into task.toml; all else in the file stays as it is."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import tomlkit
from tomlkit.items import InlineTable, Table

from tasks.errors import TaskError
from tasks.schema import Measured, Score, TaskSpec


def record(spec: TaskSpec, measured: Measured) -> Path:
    """Replace the table `[measured]` of the task's task.toml, whole or not at all; the file.

    Raises `TaskError` when the measurements make the task invalid, or the file cannot be written.
    """
    path = spec.directory / "task.toml"
    if not spec.metric.spec().better(measured.reference.mean, measured.baseline.mean):
        raise TaskError(
            "the reference is not better than the baseline", where=spec.id, how="mend the task; nothing was written"
        )
    try:
        document = tomlkit.parse(path.read_text("utf-8"))
        document["measured"] = _table(measured)
        _replace(path, tomlkit.dumps(document))
    except OSError as error:
        raise TaskError(f"the file cannot be written: {error.strerror}", where=str(path), how="make it writable") from None
    return path


def _table(measured: Measured) -> Table:
    table = tomlkit.table()
    for name in ("command", "constant", "noise"):
        table.add(name, getattr(measured, name))
    table.add("baseline", _score(measured.baseline))
    table.add("reference", _score(measured.reference))
    starters = tomlkit.table()
    for name, score in measured.starters.items():
        starters.add(name, _score(score))
    table.add("starters", starters)
    return table


def _score(score: Score) -> InlineTable:
    inline = tomlkit.inline_table()
    inline.update(score.model_dump())
    return inline


def _replace(path: Path, text: str) -> None:
    descriptor, scratch = tempfile.mkstemp(prefix=".task-", suffix=".toml", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(scratch, path.stat().st_mode & 0o777)
        os.replace(scratch, path)
    except BaseException:
        os.unlink(scratch)
        raise
