"""The metric's course over the steps as inline SVG. Colours come from the page's style sheet."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import zip_longest

from mlagent_app.agent.summary import StepSummary, Summary
from mlagent_app.report.markup import Markup, join, tag
from mlagent_app.report.wording import aim, decision, number

WIDTH, HEIGHT = 860.0, 300.0
LEFT, RIGHT, TOP, BOTTOM = 70.0, 16.0, 18.0, 44.0
# The band that a gain must leave to be kept by itself: this many standard deviations of one run.
BAND = 2.0
# Values further away than this many times the range of the accepted files are drawn at the border.
FAR = 4.0
# Beyond this a drawing would only overflow.
LARGEST = 1e300


@dataclass(frozen=True, slots=True)
class Axes:
    """Maps step and metric to points of the drawing."""

    last: int
    low: float
    high: float

    def x(self, step: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * step / max(1, self.last), 1)

    def y(self, value: float) -> float:
        share = (min(self.high, max(self.low, value)) - self.low) / (self.high - self.low)
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share, 1)


def metric_chart(summary: Summary) -> Markup:
    """The curve; empty before the baseline is measured, and for numbers that cannot be drawn."""
    baseline, metric = summary.baseline, summary.metric
    if baseline is None or metric is None or abs(baseline.value) > LARGEST:
        return Markup()
    axes = _axes(summary, baseline.value, baseline.noise or 0.0)
    level = [(0, baseline.value), *levels(summary)]
    label = f"{metric.name} over {len(summary.steps)} steps, {aim(summary)}; the table below holds the same numbers"
    return tag(
        "svg",
        tag("title", label),
        _grid(axes),
        _band(axes, baseline.value, baseline.noise or 0.0),
        _line("baseline", (axes.x(0), axes.y(baseline.value)), (axes.x(axes.last), axes.y(baseline.value))),
        _staircase(axes, level),
        _dot(axes, 0, baseline.value, "kept", f"baseline: {number(baseline.value)}"),
        *(_point(axes, step) for step in summary.steps),
        _text("axis", (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, "step", "middle"),
        viewBox=f"0 0 {WIDTH:g} {HEIGHT:g}",
        role="img",
        aria_label=label,
    )


def levels(summary: Summary) -> list[tuple[int, float]]:
    """The metric of the accepted files after each step, as (step, value) where it is known."""
    known: list[tuple[int, float]] = []
    for step, later in zip_longest(summary.steps, summary.steps[1:]):
        if later is not None and later.before is not None:
            known.append((step.index, later.before))  # what the next step really started from
        elif later is None and step.speaks and step.value is not None:
            known.append((step.index, step.value))
        elif later is None and not step.kept and step.before is not None and summary.head is None:
            known.append((step.index, step.before))
    if summary.head is not None and summary.steps:
        known = [*known[:-1], (summary.steps[-1].index, summary.head[1])]
    return [(step, value) for step, value in known if abs(value) <= LARGEST]


def _axes(summary: Summary, baseline: float, noise: float) -> Axes:
    """A range that shows baseline and accepted files well; a refused edit that is far off is drawn at the border."""
    core = [baseline - BAND * noise, baseline + BAND * noise, *(value for _, value in levels(summary))]
    reach = FAR * (max(core) - min(core))
    values = [step.value for step in summary.steps if step.value is not None and abs(step.value) <= LARGEST]
    near = [value for value in values if not reach or min(core) - reach <= value <= max(core) + reach]
    low, high = min(core + near), max(core + near)
    spread = high - low
    if spread <= 1e-9 * max(abs(low), abs(high)) or spread < 1 / LARGEST:
        spread = abs(high) * 0.1 or 1.0
    last = max((step.index for step in summary.steps), default=0)
    return Axes(last, low - 0.08 * spread, high + 0.08 * spread)


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers between `low` and `high`, some `about` of them."""
    raw = (high - low) / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw)
    first = math.ceil(low / step)
    return [float(f"{index * step:.12g}") for index in range(first, math.floor(high / step) + 1)]


def _grid(axes: Axes) -> Markup:
    lines: list[Markup] = []
    for value in ticks(axes.low, axes.high):
        y = axes.y(value)
        lines += [_line("grid", (LEFT, y), (WIDTH - RIGHT, y)), _text("tick", LEFT - 8, y + 4, number(value), "end")]
    every = max(1, math.ceil(axes.last / 20))
    for step in range(0, axes.last + 1, every):
        lines.append(_text("tick", axes.x(step), HEIGHT - BOTTOM + 18, str(step), "middle"))
    return join(*lines)


def _band(axes: Axes, value: float, noise: float) -> Markup:
    if not noise:
        return Markup()
    top, bottom = axes.y(value + BAND * noise), axes.y(value - BAND * noise)
    return tag(
        "rect",
        tag("title", f"baseline ± {BAND:g} x noise"),
        class_="band",
        x=f"{LEFT:g}",
        y=f"{top:g}",
        width=f"{WIDTH - LEFT - RIGHT:g}",
        height=f"{max(1.0, bottom - top):g}",
    )


def _staircase(axes: Axes, level: list[tuple[int, float]]) -> Markup:
    points: list[str] = []
    for (step, value), following in zip(level, [*level[1:], (axes.last, 0.0)], strict=True):
        points += [f"{axes.x(step):g},{axes.y(value):g}", f"{axes.x(following[0]):g},{axes.y(value):g}"]
    return tag("polyline", class_="level", points=" ".join(points))


def _point(axes: Axes, step: StepSummary) -> Markup:
    word = decision(step)
    kind = "kept" if step.kept else "reverted" if step.reverted is not None else "other"
    if step.value is not None and math.isfinite(step.value):
        mark = _dot(axes, step.index, step.value, kind, f"step {step.index}, {word}: {number(step.value)}: {step.title}")
    else:
        words = tag("title", f"step {step.index}, {step.outcome}: {step.title}")
        at = {"x": f"{axes.x(step.index):g}", "y": f"{HEIGHT - BOTTOM - 4:g}"}
        mark = tag("text", words, "×", class_="cross", text_anchor="middle", **at)  # noqa: RUF001
    return tag("a", mark, href=f"#step-{step.index}")


def _dot(axes: Axes, step: int, value: float, kind: str, words: str) -> Markup:
    return tag("circle", tag("title", words), class_=kind, cx=f"{axes.x(step):g}", cy=f"{axes.y(value):g}", r="5")


def _line(kind: str, start: tuple[float, float], end: tuple[float, float]) -> Markup:
    return tag("line", class_=kind, x1=f"{start[0]:g}", y1=f"{start[1]:g}", x2=f"{end[0]:g}", y2=f"{end[1]:g}")


def _text(kind: str, x: float, y: float, words: str, anchor: str) -> Markup:
    return tag("text", words, class_=kind, x=f"{x:g}", y=f"{y:g}", text_anchor=anchor)
