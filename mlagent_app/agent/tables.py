"""Tables in a log: a line of column names, then rows of numbers under it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mlagent_app.agent.names import SPLIT_WORDS, kind_of
from mlagent_app.agent.pairs import NUMBER, number

_RULE = re.compile(r"^[\s|+:=\-─━═┄╌┼╪╋╇┿┴┬├┤╞╡╘╛╒╕┌┐└┘╭╮╰╯╔╗╚╝╠╣┡┩┏┓┗┛┃│]*$")
_BARS = re.compile(r"[|│┃]")
_CELL = re.compile(rf"(?P<number>{NUMBER})\s?%?$")
_ROUNDS = frozenset({"epoch", "epochs", "step", "steps", "iter", "iteration", "round", "ep", "it", "#", "generation"})
_EMPTY = frozenset({"", "-", "--", "—", "n/a", "na", "none", "nan", "null"})
_WIDE = re.compile(r"\s{2,}|\t")


@dataclass(frozen=True, slots=True)
class Cell:
    """One number of a table. `name` is its column, with the row's name before it when the row has one."""

    name: str
    value: float
    rounds: bool


class Table:
    """The table that is being read: its columns, from its header on."""

    def __init__(self, columns: list[str], *, barred: bool) -> None:
        self._columns = columns
        self._barred = barred
        self._rounds = columns[0].lower() in _ROUNDS
        self.rows = 0

    def row(self, text: str) -> list[Cell] | None:
        """The numbers of a row; None when the line is not a row of this table."""
        if _RULE.match(text):
            return None if self.rows and not text.strip() else []
        tokens = _cells(text, barred=self._barred)
        missing = len(self._columns) - len(tokens)
        if missing > 1 or (missing == 1 and not self._rounds and kind_of(self._columns[0]) != "metric"):
            return None
        values = tokens[-len(self._columns) :] if missing <= 0 else tokens
        columns = self._columns if missing <= 0 else self._columns[1:]
        cells = [(column, value, _CELL.match(value)) for column, value in zip(columns, values, strict=True)]
        if not any(found for *_, found in cells) or any(
            found is None and kind_of(column) == "metric" and value.lower() not in _EMPTY for column, value, found in cells
        ):
            return None
        self.rows += 1
        label = " ".join([*tokens[: max(0, -missing)], *(value for _, value, found in cells if not found)])
        return [
            Cell(self._name(label, column), number(found["number"]), self._rounds)
            for column, _, found in cells
            if found and kind_of(column) != "setting" and column.lower() not in _ROUNDS
        ]

    def _name(self, label: str, column: str) -> str:
        """The row's name and the column's. Rounds and row numbers are no names; the rows of a report are classes."""
        if self._rounds or not label:
            return column
        if "support" in (name.lower() for name in self._columns):
            return f"{label} {column}" if label.lower().endswith("avg") else f"class {label} {column}"
        return f"{label} {column}" if re.search(r"[^\W\d_]{2}", label) else column


def header(text: str) -> Table | None:
    """The table that the line opens; None when it is no header.

    A header holds no number and at least two names, one of which is a metric.
    """
    if len(text) > 400 or re.search(rf"(?<![\w@.-]){NUMBER}(?![\w.])", text):
        return None
    barred = len(_BARS.findall(text)) >= 2
    columns = _cells(text, barred=barred) if barred else [c for c in _WIDE.split(text.strip()) if c]
    if not barred and (len(columns) < 2 or any(" " in c and kind_of(c) != "metric" for c in columns)):
        columns = text.split()
    names = [column for column in columns if re.search(r"[^\W\d_]", column)]
    metrics = sum(kind_of(column) == "metric" for column in names)
    if len(columns) < 2 or len(names) < len(columns) or not metrics or _is_prose(text, columns, metrics):
        return None
    return Table(columns, barred=barred)


def _cells(text: str, *, barred: bool) -> list[str]:
    if barred:
        return [cell.strip(" *`") for cell in _BARS.split(text.strip().strip("|│┃"))]
    return text.split()


def _is_prose(text: str, columns: list[str], metrics: int) -> bool:
    """Whether words stand side by side as in a sentence: a real header has wide gaps, bars, or names metrics mostly."""
    if re.search(r"[.:;!?'\"={}]", text.strip().rstrip(".")) and not _BARS.search(text):
        return True
    known = metrics + sum(column.lower() in _ROUNDS | SPLIT_WORDS.keys() | {"time", "dur", "lr", "model"} for column in columns)
    return not (_WIDE.search(text.strip()) or _BARS.search(text)) and known < len(columns)
