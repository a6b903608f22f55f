"""The output of runs as lines fit for the screen: cleaned, and bounded a step."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

MAX_LINES = 10_000
MAX_WIDTH = 2_000
TAIL_BYTES = 1_000_000
# CSI and OSC sequences, single-character escapes.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")


def clean(line: str) -> str:
    """One line as a terminal would show it: no escape sequences, only what follows the last carriage return.

    Very long lines are cut; an empty line becomes a blank, which `Log` would otherwise drop.
    """
    if "\x1b" in line:
        line = _ESCAPES.sub("", line)
    if "\r" in line:
        # A progress bar redraws its line: the last state counts.
        line = next((part for part in reversed(line.split("\r")) if part.strip()), "")
    if not line.isprintable():
        line = _CONTROL.sub("", line.expandtabs(8))
    if len(line) > MAX_WIDTH:
        line = line[:MAX_WIDTH] + "…"
    return line or " "


class StepLog:
    """The last lines of one step's runs, in memory, and how many came before them.

    Lines are kept as they came and cleaned when they are asked for: most of a flood is never shown.
    """

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=MAX_LINES)
        self.total = 0

    def extend(self, lines: Sequence[str]) -> None:
        """Add raw lines."""
        self._lines.extend(lines)
        self.total += len(lines)

    @property
    def dropped(self) -> int:
        """How many earlier lines are only in the run's log file."""
        return self.total - len(self._lines)

    def since(self, total: int, most: int = MAX_LINES) -> tuple[list[str], int]:
        """Clean lines after the first `total` ones, as far as they are still kept, at most `most`; the `total` after them."""
        skipped = max(0, total - self.dropped)
        part = list(islice(self._lines, skipped, skipped + most))
        return [clean(line) for line in part], self.dropped + skipped + len(part)


def read_tail(path: str) -> StepLog:
    """The end of a log file, for a step that another process ran. A missing file is an empty log."""
    log = StepLog()
    try:
        with Path(path).open("rb") as file:
            end = file.seek(0, 2)
            file.seek(max(0, end - TAIL_BYTES))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return log
    lines = text.splitlines()
    log.extend(lines if end <= TAIL_BYTES else lines[1:])
    return log
