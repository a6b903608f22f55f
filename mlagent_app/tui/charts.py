"""Small charts of block characters, as lines of text. Pure."""

from __future__ import annotations

from collections.abc import Sequence

EIGHTHS = " ▁▂▃▄▅▆▇█"
PARTS = " ▏▎▍▌▋▊▉█"


def bar(fraction: float, width: int) -> str:
    """A horizontal bar of `width` cells, to an eighth of a cell; anything above zero shows at least a sliver."""
    eighths = round(max(0.0, min(1.0, fraction)) * width * 8)
    if fraction > 0:
        eighths = max(1, eighths)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (PARTS[rest] if rest else "")).ljust(width)


def columns(values: Sequence[float | None], height: int, low: float, high: float) -> list[str]:
    """Vertical bars, one character a value, as `height` lines from top to bottom; None leaves a gap.

    `low` is drawn as the smallest bar, so that the worst value can still be told from a missing one.
    """
    span = high - low
    tops: list[int] = []
    for value in values:
        if value is None:
            tops.append(0)
        else:
            share = 1.0 if span <= 0 else max(0.0, min(1.0, (value - low) / span))
            tops.append(1 + round(share * (height * 8 - 1)))
    return ["".join(EIGHTHS[max(0, min(8, top - 8 * row))] for top in tops) for row in range(height - 1, -1, -1)]


def spread(line: str, step: int) -> str:
    """`line` with every bar `step` - 1 cells wide and one cell between two bars; unchanged for a step of 1."""
    if step <= 1:
        return line
    return "".join(char * (step - 1) + " " for char in line)


def step_width(count: int, width: int, most: int = 4) -> int:
    """How many cells each of `count` bars may take in `width` cells."""
    return max(1, min(most, width // count)) if count else 1
