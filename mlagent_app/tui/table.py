"""The steps table as cells of text: which columns fit a width, and what a step says in each. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mlagent_app.agent.events import HEAD
from mlagent_app.agent.quantities import plural
from mlagent_app.agent.summary import StepSummary
from mlagent_app.tui import wording
from mlagent_app.tui.model import Row, Status, View
from mlagent_app.tui.wording import Mark, fit

Name = Literal["index", "edit", "file", "outcome", "value", "gain", "reward", "confidence", "decision"]

STATUS: dict[Status, Mark] = {
    "accepted": Mark("●", "accepted", "text-success"),
    "partly": Mark("◐", "in part", "text-warning"),
    "refused": Mark("○", "refused"),
    "skipped": Mark("–", "skipped"),  # noqa: RUF001
    "reverted": Mark("↺", "reverted", "text-warning"),
    "waiting": Mark("?", "your turn", "text-accent"),
    "open": Mark("", ""),
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `width` in cells, `right` when its text is aligned to the right."""

    name: Name
    title: str
    width: int
    right: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """The text of one cell and its theme colour variable."""

    text: str
    colour: str = ""


def columns(width: int, metric: str) -> tuple[Column, ...]:
    """The columns of a table `width` cells wide, one cell between two; the edit's column takes what is left."""
    wide = width >= 94
    fixed = [Column("index", "#", 3, True), Column("edit", "edit", 0)]
    if width >= 108:
        fixed += [Column("file", "file", 14 if width < 130 else 22)]
    fixed += [
        Column("outcome", "outcome" if wide else "", 11 if wide else 1),
        Column("value", metric, max(8, min(13 if wide else 12, len(metric))), True),
        Column("gain", "gain", 8, True),
        Column("reward", "reward", 6, True),
    ]
    if wide:
        fixed += [Column("confidence", "noise", 7, True)]
    fixed += [Column("decision", "decision", 11)]
    used = sum(column.width for column in fixed) + len(fixed) - 1
    rest = max(8, width - used)
    return tuple(Column("edit", "edit", rest) if column.name == "edit" else column for column in fixed)


def cells(view: View, row: Row, spinner: str, elapsed: float) -> dict[Name, Cell]:
    """What a row says. `spinner` and `elapsed` (seconds) are for a run under way."""
    mark = wording.outcome_mark(row.outcome) if row.outcome else Mark("", "")
    outcome = Cell(mark.text, mark.colour)
    if row.running:
        outcome = Cell(f"{spinner} {wording.duration(elapsed)}", "text-accent")
    step = row.summary
    if step is None:
        own = _accepted(row) if row.index == HEAD else _baseline(view)
        return {**own, "outcome": outcome, "decision": _asked(row)}
    gain = view.gain(step)
    return {
        "index": Cell(str(row.index), "foreground-muted"),
        "edit": Cell(row.title),
        "file": Cell(step.proposed.file, "foreground-muted"),
        "outcome": outcome,
        "value": Cell(wording.number(step.value) if step.value is not None else ""),
        "gain": Cell(wording.signed(gain) if gain is not None else "", _better(gain)),
        "reward": Cell(f"{step.reward:.2f}" if step.reward is not None else ""),
        "confidence": Cell(wording.confidence(step.confidence) if step.confidence is not None else ""),
        "decision": _decision(row, step),
    }


def _decision(row: Row, step: StepSummary) -> Cell:
    """The last column: a warning as long as it matters, then what was decided."""
    status = STATUS[row.status]
    if step.proposed.flags and row.status in ("open", "waiting"):
        return Cell(f"▲ {status.word or 'flagged'}", "text-warning")
    if row.status == "accepted" and step.landed is not None:
        return Cell("● landed", status.colour)
    return Cell(status.text, status.colour or "foreground-muted")


def _asked(row: Row) -> Cell:
    """The baseline is never decided, but its metric may be in question."""
    return Cell(STATUS["waiting"].text, STATUS["waiting"].colour) if row.asked else Cell("")


def _baseline(view: View) -> dict[Name, Cell]:
    """The row of step 0: its noise stands where the others have their gain."""
    base = view.summary.baseline
    noise = wording.noise(base.noise) if base is not None and base.noise is not None else ""
    runs = f"baseline, {plural(len(base.values), 'run')}" if base is not None else "baseline"
    return {
        "index": Cell("0", "foreground-muted"),
        "edit": Cell(runs, "foreground-muted"),
        "file": Cell(""),
        "value": Cell(wording.number(base.value) if base is not None else ""),
        "gain": Cell(noise, "foreground-muted"),
        "reward": Cell(""),
        "confidence": Cell(""),
    }


def _accepted(row: Row) -> dict[Name, Cell]:
    """The row of the accepted files where they were run by themselves."""
    value = row.runs[-1].value if row.runs and not row.running else None
    return {
        "edit": Cell(row.title, "foreground-muted"),
        "value": Cell(wording.number(value) if value is not None else ""),
    }


def _better(gain: float | None) -> str:
    """The colour of a gain."""
    if not gain:
        return "foreground-muted"
    return "text-success" if gain > 0 else "text-error"


def header(layout: Sequence[Column]) -> str:
    """The line of titles."""
    return " ".join(fit(column.title, column.width, right=column.right) for column in layout)


def row(layout: Sequence[Column], values: dict[Name, Cell]) -> list[tuple[str, str]]:
    """One line as (text, colour variable) pieces that together are exactly as wide as the columns."""
    pieces: list[tuple[str, str]] = []
    outcome = values.get("outcome", Cell(""))
    short = any(column.name == "outcome" and column.width == 1 for column in layout)
    for column in layout:
        cell = values.get(column.name, Cell(""))
        text = wording.elide_path(cell.text, column.width) if column.name == "file" else cell.text
        if column.width == 1:
            text = text[:1]
        elif column.name == "value" and short and not text and outcome.text != "✓ ok":
            # A narrow table has room for the outcome's word, or the run's clock, only where the metric is missing.
            text, cell = outcome.text[2:], outcome
        pieces.append((fit(text, column.width, right=column.right), cell.colour))
        pieces.append((" ", ""))
    return pieces[:-1]
