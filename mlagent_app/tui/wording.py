"""How numbers, times, outcomes and decisions are written on the screen. Pure text, no widgets.

Every state has a symbol and a word, so that colour is never the only carrier of meaning.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size

from mlagent_app.agent.events import HEAD

NONE = "–"  # noqa: RUF001  an en dash is the usual sign for an empty cell


SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


class Mark(NamedTuple):
    """A symbol, a word and a theme colour variable (without `$`; empty for the normal text colour)."""

    symbol: str
    word: str
    colour: str = ""

    @property
    def text(self) -> str:
        """Symbol and word."""
        return f"{self.symbol} {self.word}".strip()


OUTCOMES: dict[str, Mark] = {
    "ok": Mark("✓", "ok", "text-success"),
    "error": Mark("✗", "error", "text-error"),
    "no_metric": Mark("✗", "no metric", "text-error"),
    "invalid": Mark("✗", "invalid", "text-error"),
    "timeout": Mark("◷", "time-out", "text-warning"),
    "out_of_memory": Mark("▲", "memory", "text-warning"),
    "disk_full": Mark("▲", "disk full", "text-warning"),
    "killed": Mark("■", "killed", "text-warning"),
    "infrastructure": Mark("▲", "sandbox", "text-warning"),
    "no_edit": Mark("·", "no edit"),
}

CASES: dict[str, str] = {
    "invalid": "invalid action",
    "error": "the run ended in an error, or printed no metric",
    "no_edit": "a valid action that edits nothing",
    "corner": "corner case: out of memory, time-out or disk full",
    "edit": "an edit that ran",
    "infrastructure": "the sandbox failed: not scored",
}

APPROVE: dict[str, str] = {
    "ask": "asks before every run and before keeping an edit",
    "run": "runs edits by itself, asks before keeping one",
    "auto": "runs by itself, keeps gains beyond the noise, refuses the rest",
}

DIRECTIONS = {"max": "larger is better", "min": "smaller is better"}

END_REASONS: dict[str, str] = {
    "steps": "all steps are done",
    "minutes": "the time budget is used up",
    "target": "the target is reached",
    "exhausted": "there is no edit left to try",
    "final_answer": "the policy has given its final answer",
    "stopped": "stopped by you",
    "failed": "the session could not go on",
}


def outcome_mark(outcome: str) -> Mark:
    """The mark of an outcome; an unknown one is shown as it is."""
    return OUTCOMES.get(outcome, Mark("·", outcome.replace("_", " ")))


def number(value: float | None) -> str:
    """A metric: four decimals around one, fewer for large values, exponents for tiny ones."""
    if value is None:
        return NONE
    if not math.isfinite(value):
        return str(value)
    size = abs(value)
    if size >= 1e6 or 0 < size < 0.0001:
        return f"{value:.3g}"
    if size >= 1000:
        return f"{value:.1f}"
    return f"{value:.2f}" if size >= 10 else f"{value:.4f}"


def signed(value: float | None) -> str:
    """A difference with its sign; exactly zero has the sign ±."""
    if value is None:
        return NONE
    if value == 0:
        return "±0"
    text = number(abs(value))
    return f"+{text}" if value > 0 else f"-{text}"


def noise(value: float) -> str:
    """The size of the noise; ±0 when repeated runs gave the same."""
    return f"±{number(value)}" if value else "±0"


def percent(value: float | None) -> str:
    """A fraction as a percentage, for example 0.031 as `+3.1 %`."""
    if value is None or not math.isfinite(value):
        return NONE
    size = abs(100 * value)
    text = f"{size:.0f}" if size >= 100 else f"{size:.1f}" if size >= 1 else f"{size:.2f}"
    return f"{'-' if value < 0 else '+'}{text} %"


def confidence(value: float | None) -> str:
    """A gain in units of the baseline's noise."""
    return NONE if value is None else f"{value:.1f}×"  # noqa: RUF001


def subject(step: int) -> str:
    """What is run under this number."""
    return {0: "the baseline", HEAD: "the accepted files"}.get(step, f"step {step}")


def duration(seconds: float) -> str:
    """`4 s`, `1:12`, `2:05:00`."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}:{rest:02d}"
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def elide(text: str, width: int) -> str:
    """`text` in at most `width` cells; the end gives way to `…`."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, max(0, width - 1)).rstrip() + "…" if width > 0 else ""


def elide_path(path: str, width: int) -> str:
    """A path in at most `width` cells; its beginning gives way, since the file name matters most."""
    if cell_len(path) <= width or width < 2:
        return elide(path, width)
    tail = path
    while tail and cell_len(tail) > width - 1:
        tail = tail[1:]
    return "…" + tail


def fit(text: str, width: int, *, right: bool = False) -> str:
    """`text` in exactly `width` cells."""
    short = elide(text, width)
    pad = " " * max(0, width - cell_len(short))
    return pad + short if right else short + pad
