"""JSON, JSON lines and CSV as named series of numbers: what a run wrote to a file, or printed as one object."""

from __future__ import annotations

import ast
import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from mlagent_app.agent.names import kind_of, split_of
from mlagent_app.agent.pairs import NUMBER, number

MAX_DEPTH = 12
MAX_NUMBERS = 200_000

_WRAPPED = re.compile(
    rf"(?:(?:np|numpy|jnp|torch|tf)\.)?(?:float\d*|int\d*|tensor|Tensor|array|Array)\(\s*(\[?{NUMBER}\]?)\s*(?:,\s*[\w.]+\s*=[^()]*)?\)"
)
_ROUNDS = frozenset(
    {"epoch", "epochs", "step", "steps", "iter", "iteration", "round", "global_step", "trainer_step", "batch", "idx"}
)
# Columns of a file that holds predictions or data, not results.
_DATA = re.compile(
    r"^(?:y|y_?true|y_?pred|pred\w*|target|label|id|.*_id|prob\w*|feature\w*|text|image|filename|path)$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Value:
    """One number at `path` (keys joined with dots; places in lists are not part of it), 1-based `line`, 0 where unknown.

    `row` names the record where it has a name of its own (a model in a table of models).
    """

    path: str
    value: float
    line: int = 0
    text: str = ""
    rounds: bool = False
    row: str = ""


def parse_object(text: str) -> dict[str, object] | None:
    """The JSON object or Python dict that `text` is, NumPy and torch scalars included; None when it is none."""
    stripped = text.strip().rstrip(",;")
    if not (stripped.startswith("{") and stripped.endswith("}")):
        return None
    parsed = _json(stripped)
    if parsed is None:
        try:
            plain = re.sub(r"(?<=[:\s,\[{])(nan|inf)(?=[\s,\]}])", r"'\1'", _WRAPPED.sub(r"\1", stripped))
            parsed = ast.literal_eval(plain)
        except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
            return None
    return cast("dict[str, object]", parsed) if isinstance(parsed, dict) else None


def json_values(content: str) -> list[Value] | None:
    """All numbers of a JSON document or of JSON lines, in order; None when it is neither."""
    parsed = _json(content)
    if parsed is not None:
        return list(_flatten(parsed, "", 0))[:MAX_NUMBERS]
    found: list[Value] = []
    records = 0
    for index, line in enumerate(content.splitlines(), 1):
        if not line.strip():
            continue
        record = _json(line)
        if not isinstance(record, dict):
            return None
        records += 1
        counted = any(str(name) in _ROUNDS for name in cast("dict[object, object]", record))
        for value in _flatten(cast("object", record), "", 0):
            found.append(Value(value.path, value.value, index, line[:400], counted))
    return found if records else None


def csv_values(content: str) -> list[Value] | None:
    """The numbers of a table of results: a row an epoch or a model, or rows of (name, value); None for any other table."""
    lines = content.splitlines()
    if not 2 <= len(lines) <= 100_000:
        return None
    delimiter = max(",;\t", key=lines[0].count)
    try:
        rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(content), delimiter=delimiter)]
    except csv.Error:
        return None
    names = rows[0]
    if len(names) < 2:
        return None
    if len(names) in (2, 3) and (pairs := _name_value(rows, lines)):
        return pairs
    if not any(kind_of(name) == "metric" for name in names) or sum(bool(_DATA.match(name)) for name in names) > 1:
        return None
    return list(_columns(names, rows, lines))


def wanted_path(path: str, wanted: str) -> bool:
    """Whether `wanted`, the key path that a person wrote, is this path."""
    return path.strip(".").lower() == wanted.strip(".").lower().removeprefix("$.")


def _columns(names: list[str], rows: list[list[str]], lines: list[str]) -> Iterator[Value]:
    counted = any(name.lower() in _ROUNDS for name in names)
    for line, row in enumerate(rows[1:], 2):
        label = "" if counted else next((cell for cell in row if re.search(r"[^\W\d_]{2}", cell) and not _cell(cell)), "")
        for name, cell in zip(names, row, strict=False):
            if name and (found := _cell(cell)) is not None:
                text = lines[line - 1][:400] if line <= len(lines) else ""
                yield Value(name, found, line, text, counted, label)


def _name_value(rows: list[list[str]], lines: list[str]) -> list[Value]:
    """`metric,value` rows (an index column may stand before them); empty when the table has another shape."""
    found: list[Value] = []
    for line, row in enumerate(rows, 1):
        if len(row) != len(rows[0]):
            return []
        value = _cell(row[-1])
        if value is None and line > 1:
            return []
        if value is not None:
            found.append(Value(row[-2], value, line, lines[line - 1] if line <= len(lines) else ""))
    numeric_names = any(_cell(value.path) is not None for value in found)
    is_metrics = any(kind_of(value.path) == "metric" or split_of(value.path) for value in found)
    return found if is_metrics and not numeric_names else []


def _cell(text: str) -> float | None:
    found = re.fullmatch(rf"({NUMBER})\s*%?", text.strip())
    return number(found[1]) if found else None


def _json(text: str) -> object | None:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _flatten(node: object, path: str, depth: int) -> Iterator[Value]:
    """The numbers under `node`, those spelled as strings included. A list adds nothing to the path, so that it is a series."""
    if depth > MAX_DEPTH:
        return
    if isinstance(node, dict):
        for name, child in cast("dict[object, object]", node).items():
            yield from _flatten(child, f"{path}.{name}" if path else str(name), depth + 1)
    elif isinstance(node, list):
        for child in cast("list[object]", node):
            for value in _flatten(child, path, depth + 1):
                yield Value(value.path, value.value, rounds=True)
    elif isinstance(node, str):
        # transformers 5 logs `{'eval_loss': '0.41'}`.
        if (spelled := _cell(node)) is not None:
            yield Value(path, spelled)
    elif isinstance(node, int | float) and not isinstance(node, bool):
        try:
            yield Value(path, float(node))
        except OverflowError:
            return
