"""Line and bar charts as SVG text, without a plotting library: for reports, documents and the web.

A chart brings its own white card, so that it reads on a dark page, and its own colours: those of Okabe and Ito, which
colour-blind readers tell apart, without the yellow that white swallows. Lines differ in their markers, too. What is not
finite is not drawn.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

WIDTH, HEIGHT = 720.0, 420.0
PAD = 18.0
# Where the plot begins when nothing but the title and the label of the y axis stands above it, and what lies below it.
TOP, BOTTOM = 72.0, 54.0
INK, SOFT, GRID, PAPER = "#1f2328", "#57606a", "#e4e7eb", "#ffffff"
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#333333", "#8c510a")
FONT = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, 'DejaVu Sans', sans-serif"
# The mean width of a letter over its size, generous: fonts differ, and a label must not run into the plot.
LETTER = 0.58
# Beyond these a coordinate would only overflow.
LARGEST, SMALLEST = 1e300, 1e-300
# A line with more points than this goes without markers.
MARKED = 25
LABEL_GAP = 17.0
# XML 1.0 has no way to write these characters, escaped or not.
UNWRITABLE = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Series:
    """A named line: `y` over `x`, with a band from `low` to `high` where both are given. All of one length."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None


class Point(NamedTuple):
    """A finite point of a line; `band` where it has one."""

    x: float
    y: float
    band: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Axis:
    """Maps values from `low` to `high` to coordinates from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def at(self, value: float) -> float:
        low, high, here = (math.log10(part) if self.log else part for part in (self.low, self.high, value))
        return self.start + (self.end - self.start) * (here - low) / (high - low)


def lines(
    series: Sequence[Series],
    title: str,
    x_label: str,
    y_label: str,
    *,
    log_x: bool = False,
    percent: bool = False,
    zero: bool = False,
) -> str:
    """A line chart with the names at the ends of the lines, 720 x 420.

    `log_x`: a logarithmic x axis, without the points at or below 0. `percent` writes the y axis in per cent, `zero` begins it
    at 0, so that small differences look small. Raises ValueError when the sequences of a series differ in length.
    """
    drawn = [(number, one, points) for number, one in enumerate(series) if (points := _points(one, log_x))]
    body = [_text(PAD, 56, shorten(y_label, 12, WIDTH - 2 * PAD), 12, fill=SOFT)]
    if not drawn:
        return _card(title, [*body, _text(WIDTH / 2, HEIGHT / 2, "no data", 14, "middle", SOFT)])
    points = [point for *_, found in drawn for point in found]
    heights = [value for point in points for value in (point.y, *(point.band or ()))]
    low, high = _padded([0.0, *heights] if zero else heights)
    y_ticks = _marks(low, high, percent=percent)
    names = [shorten(one.name, 12, 190) for _, one, _ in drawn]
    left, right = _left(y_ticks), WIDTH - PAD - 34 - max(text_width(name, 12) for name in names)
    y = Axis(low, high, HEIGHT - BOTTOM, TOP)
    spread = _spread([point.x for point in points], log_x)
    x = Axis(*spread, left + 8, right - 8, log_x)
    body += _grid(y, y_ticks, left, right)
    whole = all(point.x == round(point.x) for point in points)
    for value, words in _log_marks(*spread) if log_x else _marks(*spread, about=8, whole=whole):
        body.append(_line((x.at(value), y.start), (x.at(value), y.start + 5), SOFT))
        body.append(_text(x.at(value), y.start + 19, words, 12, "middle", SOFT))
    body.append(_text((left + right) / 2, HEIGHT - 14, shorten(x_label, 12, right - left), 12, "middle", SOFT))
    # All bands below all lines: a band must not hide another arm's line.
    body += [_band([p for p in found if p.band], x, y, COLOURS[number % len(COLOURS)]) for number, _, found in drawn]
    body += [_curve(found, x, y, number) for number, _, found in drawn]
    ends = [(x.at(found[-1].x), y.at(found[-1].y)) for *_, found in drawn]
    for (number, one, found), name, end, place in zip(drawn, names, ends, _apart([end[1] for end in ends], y), strict=True):
        if end[0] > right - 9:
            body.append(
                _line((end[0] + 5, end[1]), (right + 6, place), COLOURS[number % len(COLOURS)], 1, ' stroke-opacity="0.6"')
            )
        body += [_key(right + 8, place, number, len(found) <= MARKED), _text(right + 32, place + 4, name, 12, told=one.name)]
    return _card(title, body)


def bars(
    groups: Sequence[str],
    arms: Sequence[str],
    values: Sequence[Sequence[float]],
    errors: Sequence[Sequence[tuple[float, float] | None]] | None,
    title: str,
    y_label: str,
    *,
    percent: bool = False,
) -> str:
    """A bar chart, 720 x 420: for each group a bar an arm, `values[group][arm]`, from 0. The legend stands above the plot.

    `errors[group][arm]`: the ends (low, high) of the interval around the value. Raises ValueError when the lengths do not fit.
    """
    spans = errors if errors is not None else [[None] * len(arms) for _ in groups]
    cells = [
        (place, number, value, span if span and _drawable(*span) else None)
        for place, (_, row, ends) in enumerate(zip(groups, values, spans, strict=True))
        for number, (_, value, span) in enumerate(zip(arms, row, ends, strict=True))
        if _drawable(value)
    ]
    legend, top = _legend(arms)
    body = [_text(PAD, 56, shorten(y_label, 12, WIDTH - 2 * PAD), 12, fill=SOFT), *legend]
    if not cells:
        return _card(title, [*body, _text(WIDTH / 2, HEIGHT / 2, "no data", 14, "middle", SOFT)])
    low, high = _padded([0.0, *(end for _, _, value, span in cells for end in (value, *(span or ())))])
    ticks = _marks(low, high, percent=percent)
    left, right = _left(ticks), WIDTH - PAD
    room = (right - left) / len(groups)
    names = [shorten(group, 12, 140) for group in groups]
    turned = any(text_width(name, 12) > room - 6 for name in names)
    y = Axis(low, high, HEIGHT - (96 if turned else 40), top)
    body += _grid(y, ticks, left, right)
    bar = min(48.0, 0.8 * room / len(arms))
    for place, number, value, span in cells:
        middle = left + room * (place + 0.5) + bar * (number - (len(arms) - 1) / 2)
        upper, lower = sorted((y.at(value), y.at(0.0)))
        told = f"{groups[place]}, {arms[number]}: {value:.4g}" + (f" [{span[0]:.4g}, {span[1]:.4g}]" if span else "")
        body.append(
            f'<rect x="{middle - 0.46 * bar:.1f}" y="{upper:.1f}" width="{0.92 * bar:.1f}" height="{lower - upper:.1f}"'
            f' fill="{COLOURS[number % len(COLOURS)]}"><title>{escape(told)}</title></rect>'
        )
        if span:
            cap = min(5.0, 0.3 * bar)
            low_end, high_end = y.at(min(span)), y.at(max(span))
            body.append(_line((middle, low_end), (middle, high_end), INK, 1.4))
            body += [_line((middle - cap, end), (middle + cap, end), INK, 1.4) for end in (low_end, high_end)]
    body.append(_line((left, y.at(0.0)), (right, y.at(0.0)), SOFT))
    for place, (name, group) in enumerate(zip(names, groups, strict=True)):
        at = (left + room * (place + 0.5), y.start + 18)
        turn = f' transform="rotate(-32 {at[0]:.1f} {at[1]:.1f})"' if turned else ""
        if turned:  # it ends at the bar, and may not begin outside of the picture
            name = shorten(group, 12, min(140.0, (at[0] - 6) / 0.85))
        body.append(_text(*at, name, 12, "end" if turned else "middle", told=group, more=turn))
    return _card(title, body)


def escape(words: str) -> str:
    """Text that may stand between tags and in attributes; what XML cannot hold becomes U+FFFD."""
    words = UNWRITABLE.sub("\ufffd", words)
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def text_width(words: str, size: float) -> float:
    """About how wide the words are, in pixels; letters of the far East count twice."""
    return size * LETTER * sum(2 if ord(letter) > 0x2E80 else 1 for letter in words)


def shorten(words: str, size: float, room: float) -> str:
    """The words, cut with an ellipsis where they do not fit into so many pixels."""
    words = " ".join(words.split())
    if text_width(words, size) <= room:
        return words
    while words and text_width(words + "…", size) > room:
        words = words[:-1]
    return words.rstrip() + "…"


def ticks(low: float, high: float, about: int = 6, whole: bool = False) -> tuple[list[float], float]:
    """Round numbers from `low` to `high`, some `about` of them, and the step between them; `whole` allows no fractions."""
    raw = (high - low) / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next((power * factor for factor in (1, 2, 5) if power * factor >= raw), power * 10)
    step = max(1.0, step) if whole else step
    first, last = math.ceil(low / step), math.floor(high / step)
    return [float(f"{index * step:.12g}") for index in range(first, last + 1)], step


def _drawable(*values: float) -> bool:
    return all(math.isfinite(value) and abs(value) <= LARGEST for value in values)


def _points(series: Series, log_x: bool) -> list[Point]:
    """The points that can be drawn, from left to right."""
    lows, highs = (series.y if ends is None else ends for ends in (series.low, series.high))
    banded = series.low is not None and series.high is not None
    found: list[Point] = []
    for x, y, low, high in zip(series.x, series.y, lows, highs, strict=True):
        if _drawable(x, y) and (not log_x or x >= SMALLEST):
            found.append(Point(x, y, (low, high) if banded and _drawable(low, high) else None))
    return sorted(found, key=lambda point: point.x)


def _spread(values: Sequence[float], log: bool = False) -> tuple[float, float]:
    """The range of the values; a single value gets some room on both sides."""
    low, high = min(values), max(values)
    size = max(abs(low), abs(high))
    if high - low > max(1e-9 * size, SMALLEST):
        return low, high
    room = size * 0.1 if size > 1e3 * SMALLEST else 1.0
    return (low / 2, high * 2) if log else (low - room, high + room)


def _padded(values: Sequence[float]) -> tuple[float, float]:
    """The range of the values with some air; it begins at 0 when that is near, so that sizes compare."""
    low, high = _spread(values)
    if low > 0 and low < 0.35 * high:
        low = 0.0
    elif high < 0 and high > 0.35 * low:
        high = 0.0
    air = 0.06 * (high - low)
    return low - (air if low else 0.0), high + (air if high else 0.0)


def _marks(low: float, high: float, about: int = 6, *, percent: bool = False, whole: bool = False) -> list[tuple[float, str]]:
    """The ticks of a linear axis with their words, all with as many digits as tell them apart."""
    places, step = ticks(low, high, about, whole)
    factor = 100.0 if percent else 1.0
    size, step = max(abs(low), abs(high)) * factor, step * factor
    digits = -math.floor(math.log10(step) + 1e-9)
    words = f".{max(0, digits)}f" if 1e-4 <= size < 1e6 else f".{min(12, max(1, digits + math.floor(math.log10(size)) + 1))}g"
    return [(place, f"{place * factor:{words}}".replace("-", "\u2212") + (" %" if percent else "")) for place in places]


def _log_marks(low: float, high: float) -> list[tuple[float, str]]:
    """Powers of ten, with their double and fivefold where there is room; round numbers when the range holds hardly any."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    factors, every = ((1, 2, 5), 1) if last - first <= 3 else ((1,), math.ceil((last - first) / 9))
    exact = [float(f"{factor}e{power}") for power in range(first, last + 1, every) for factor in factors if power < 308]
    found = [value for value in exact if low * (1 - 1e-9) <= value <= high * (1 + 1e-9)]
    return (
        [(value, f"{value:,.10g}" if 1e-4 <= value < 1e6 else f"{value:.0e}") for value in found]
        if len(found) > 1
        else _marks(low, high, 5)
    )


def _left(marks: Sequence[tuple[float, str]]) -> float:
    return PAD + 10 + max((text_width(words, 12) for _, words in marks), default=20.0)


def _grid(y: Axis, marks: Sequence[tuple[float, str]], left: float, right: float) -> list[str]:
    found = [_line((left, y.start), (right, y.start), SOFT)]
    for value, words in marks:
        found += [
            _line((left, y.at(value)), (right, y.at(value)), GRID),
            _text(left - 8, y.at(value) + 4, words, 12, "end", SOFT),
        ]
    return [*found[1:], found[0]]


def _band(points: Sequence[Point], x: Axis, y: Axis, colour: str) -> str:
    if len(points) < 2:
        return ""
    edge = [(point.x, max(point.band or ())) for point in points] + [
        (point.x, min(point.band or ())) for point in reversed(points)
    ]
    return (
        f'<polygon fill="{colour}" fill-opacity="0.13" points="{" ".join(f"{x.at(a):.1f},{y.at(b):.1f}" for a, b in edge)}"/>'
    )


def _curve(points: Sequence[Point], x: Axis, y: Axis, number: int) -> str:
    places = [(x.at(point.x), y.at(point.y)) for point in points]
    colour = COLOURS[number % len(COLOURS)]
    course = " ".join(f"{a:.1f},{b:.1f}" for a, b in places)
    line = f'<polyline fill="none" stroke="{colour}" stroke-width="2.2" stroke-linejoin="round" points="{course}"/>'
    return line + "".join(_marker(a, b, number) for a, b in places if len(places) <= MARKED)


def _marker(x: float, y: float, number: int) -> str:
    """A circle, square, triangle or diamond with a white rim, so that crossing lines stay apart."""
    look = f'fill="{COLOURS[number % len(COLOURS)]}" stroke="{PAPER}" stroke-width="1"'
    corners = (
        [],
        [(-3.4, -3.4), (3.4, -3.4), (3.4, 3.4), (-3.4, 3.4)],
        [(0, -4.6), (4.4, 3.4), (-4.4, 3.4)],
        [(0, -4.8), (4.8, 0), (0, 4.8), (-4.8, 0)],
    )[number % 4]
    if not corners:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.8" {look}/>'
    return f'<polygon {look} points="{" ".join(f"{x + a:.1f},{y + b:.1f}" for a, b in corners)}"/>'


def _key(x: float, y: float, number: int, marked: bool) -> str:
    line = _line((x, y), (x + 18, y), COLOURS[number % len(COLOURS)], 2.2)
    return line + (_marker(x + 9, y, number) if marked else "")


def _apart(wanted: Sequence[float], y: Axis) -> list[float]:
    """Heights for labels as near to the wanted ones as keeps them apart, in the given order."""
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    gap = min(LABEL_GAP, (y.start - y.end) / max(1, len(wanted) - 1))
    places = [wanted[index] for index in order]
    for above, here in pairwise(range(len(places))):
        places[here] = max(places[here], places[above] + gap)
    # What was pushed below the plot pushes its neighbours back up.
    limit = y.start
    for here in reversed(range(len(places))):
        places[here] = min(places[here], limit)
        limit = places[here] - gap
    found = [0.0] * len(wanted)
    for index, place in zip(order, places, strict=True):
        found[index] = place
    return found


def _legend(names: Sequence[str]) -> tuple[list[str], float]:
    """Coloured squares with names, in rows below the title, and where the plot may begin."""
    found: list[str] = []
    x, y = PAD, 76.0
    # More rows than this would leave no room for the plot.
    last = y + 18 * 7
    for number, name in enumerate(names):
        short = shorten(name, 12, 200)
        wide = 34 + text_width(short, 12)
        if x > PAD and x + wide > WIDTH - PAD:
            x, y = PAD, y + 18
        if y > last:
            return found, y + 2
        found.append(
            f'<rect x="{x:.1f}" y="{y - 10:.1f}" width="12" height="12" rx="2" fill="{COLOURS[number % len(COLOURS)]}"/>'
        )
        found.append(_text(x + 17, y, short, 12, told=name))
        x += wide
    return found, y + 20


def _line(start: tuple[float, float], end: tuple[float, float], colour: str, width: float = 1, more: str = "") -> str:
    at = f'x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}"'
    return f'<line {at} stroke="{colour}" stroke-width="{width:g}"{more}/>'


def _text(
    x: float, y: float, words: str, size: float, anchor: str = "start", fill: str = INK, *, told: str = "", more: str = ""
) -> str:
    """Words at a place; `told` is what a reader gets when they were cut short."""
    title = f"<title>{escape(told)}</title>" if told and told != words else ""
    place = f'x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" text-anchor="{anchor}" fill="{fill}"{more}'
    return f"<text {place}>{title}{escape(words)}</text>"


def _card(title: str, body: Sequence[str]) -> str:
    """The whole picture: a white rounded card with a title."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH:g}" height="{HEIGHT:g}" viewBox="0 0 {WIDTH:g} {HEIGHT:g}"'
        f' role="img" aria-label="{escape(title)}" font-family="{FONT}">'
    )
    card = f'<rect x="0.5" y="0.5" width="{WIDTH - 1:g}" height="{HEIGHT - 1:g}" rx="10" fill="{PAPER}" stroke="#d0d7de"/>'
    # Bold letters are wider.
    room = 0.92 * (WIDTH - 2 * PAD)
    size = next((size for size in (17.0, 16.0, 15.0) if text_width(title, size) <= room), 14.0)
    words = _text(PAD, 33, shorten(title, size, room), size, told=title, more=' font-weight="600"')
    return "\n".join([head, f"<title>{escape(title)}</title>", card, words, *filter(None, body), "</svg>"]) + "\n"
