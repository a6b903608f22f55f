"""The output of runs as lines fit for the screen: cleaned, and bounded a step."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from pathlib import Path

MAX_LINES = 10_000
MAX_WIDTH = 2_000
TAIL_BYTES = 1_000_000
# CSI and OSC sequences, single-character escapes.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


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
    """The last lines of one step's runs, in memory, and how many came before them."""

    def __init__(self) -> None:
        self.lines: deque[str] = deque(maxlen=MAX_LINES)
        self.total = 0

    def extend(self, lines: Iterable[str]) -> int:
        """Add raw lines; the number added."""
        before = self.total
        for line in lines:
            self.lines.append(clean(line))
            self.total += 1
        return self.total - before

    @property
    def dropped(self) -> int:
        """How many earlier lines are only in the run's log file."""
        return self.total - len(self.lines)

    def since(self, total: int) -> list[str]:
        """The lines after the first `total` ones, as far as they are still kept."""
        fresh = min(self.total - total, len(self.lines))
        return [self.lines[at] for at in range(len(self.lines) - fresh, len(self.lines))]


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
