"""The reward module, live: which case, the parts, the formula with its numbers, and the history."""

from __future__ import annotations

import math

from textual import events
from textual.containers import VerticalScroll
from textual.content import Content

from mlagent_app.agent.events import HEAD, BaselineMeasured, Rewarded
from mlagent_app.agent.reward import ALPHA
from mlagent_app.tui import charts, wording
from mlagent_app.tui.model import Row, View
from mlagent_app.tui.widgets.text import Text

CHART_ROWS = 4
LABEL = 9


class RewardPane(VerticalScroll, can_focus=False):
    """The reward of the selected step and the rewards and metrics of all steps."""

    def __init__(self) -> None:
        super().__init__(id="reward", classes="pane")
        self.border_title = "Reward"
        self._body = Text()
        self._shown: tuple[View, Row | None] = (View(), None)

    def on_mount(self) -> None:
        """One text is all there is."""
        self.mount(self._body)

    @property
    def text(self) -> str:
        """For the clipboard."""
        return _content(*self._shown, 80).plain

    def show(self, view: View, row: Row | None) -> None:
        """Show a step."""
        self._shown = (view, row)
        self._body.show(_content(view, row, self.scrollable_content_region.width))

    def on_resize(self, _: events.Resize) -> None:
        """The charts take the new width."""
        self.show(*self._shown)


def _content(view: View, row: Row | None, width: int) -> Content:
    lines = _parts(view, row)
    if view.summary.baseline is not None and view.summary.steps:
        lines += [Content(""), *_history(view, view.summary.baseline, row, width)]
    return Content("\n").join(lines)


def _parts(view: View, row: Row | None) -> list[Content]:
    """The reward of one step, or what is known before it has one."""
    base = view.summary.baseline
    if base is None:
        return [
            Content.styled("The reward compares a run with the baseline, which is still being measured.", "$foreground-muted")
        ]
    if row is None or row.summary is None:
        whose = "The accepted files themselves have" if row is not None and row.index == HEAD else "The baseline itself has"
        return [
            _line("m_init", wording.number(base.value), "the baseline"),
            _line("m_best", wording.number(base.m_best), base.m_best_source),
            _line("span", wording.number(abs(base.m_best - base.value)), "m_best - m_init"),
            Content(""),
            Content.styled(f"{whose} no reward.", "$foreground-muted"),
        ]
    given = row.summary.rewarded
    if given is None:
        return [
            _line("span", wording.number(abs(base.m_best - base.value)), f"to m_best, {base.m_best_source}"),
            Content(""),
            Content.styled("The reward comes with the end of the run.", "$foreground-muted"),
        ]
    lines = [_line("case", given.case, wording.CASES.get(given.case, ""))]
    if given.case == "edit":
        lines += [
            _line("m_t", wording.number(given.before), "before"),
            _line("m_t+1", wording.number(given.value), "after"),
            _line("delta", wording.signed(given.delta), _direction(given.delta)),
            _line("span", wording.number(given.span), "m_best - m_init"),
            _line("scale", wording.signed(given.scale), "delta / span"),
        ]
    return [*lines, Content(""), *_formula(given)]


def _direction(delta: float | None) -> str:
    if not delta:
        return "m_t+1 - m_t, the same"
    return "m_t+1 - m_t, better" if delta > 0 else "m_t+1 - m_t, worse"


def _formula(given: Rewarded) -> list[Content]:
    """The reward with its numbers filled in."""
    if given.scalar is None:
        return [_line("reward", "none", "not scored, never trained on")]
    scalar = f"{given.scalar:.3f}"
    if given.case != "edit" or given.scale is None:
        return [_line("reward", scalar, f"fixed for this case in {given.version}")]
    scale = wording.signed(given.scale) if given.scale else "0"
    if given.version == "v1":
        formula, filled = f"sigmoid({ALPHA:.0f} × delta / span)", f"sigmoid({ALPHA:.0f} × {scale})"  # noqa: RUF001
    elif given.version in ("clipped", "kept"):
        low = "-1" if given.version == "clipped" else "0"
        formula, filled = f"clip(delta / span, {low}, 1)", f"clip({scale}, {low}, 1)"
    else:
        formula, filled = "delta / span", scale
    return [
        Content.assemble((f"{'reward':<{LABEL}}", "$foreground-muted"), formula),
        Content.assemble((" " * LABEL, ""), (f"{filled} = ", ""), (scalar, "bold $text-accent")),
    ]


def _line(label: str, value: str, note: str) -> Content:
    return Content.assemble(
        (f"{label:<{LABEL}}", "$foreground-muted"), (f"{value:>9}", "bold"), (f"  {note}", "$foreground-muted")
    )


def _history(view: View, baseline: BaselineMeasured, row: Row | None, width: int) -> list[Content]:
    """The rewards and the metric of all steps, one bar a step, the selected one in the accent colour."""
    steps = view.summary.steps
    wide = charts.step_width(len(steps) + 1, max(8, width - 12))
    room = max(1, (width - 12) // wide)
    steps = steps[-room + 1 :] if len(steps) >= room else steps
    chosen = next((at for at, each in enumerate(steps) if row is not None and each.index == row.index), None)
    scalars = [each.reward for each in steps]
    values = [each.value if each.value is None or math.isfinite(each.value) else None for each in steps]
    base = baseline.value
    known = [base, *(value for value in values if value is not None)]
    low, high = min(known), max(known)
    floor = 0.0 if view.summary.started is None or view.summary.started.reward == "v1" else -1.0
    ends = (wording.number(high), wording.number(low))
    return [
        Content.styled(f"{view.metric_name} by step, baseline first", "$foreground-muted"),
        *_chart(charts.columns([base, *values], CHART_ROWS, low, high), ends, wide, chosen),
        Content(""),
        *_chart(charts.columns([None, *scalars], 1, floor, 1.0), ("reward", ""), wide, chosen),
    ]


def _chart(rows: list[str], ends: tuple[str, str], wide: int, chosen: int | None) -> list[Content]:
    """Bars with the scale's two ends at the left. Position 0 is the baseline."""
    lines: list[Content] = []
    for at, bars in enumerate(rows):
        end = ends[0] if at == 0 else ends[1] if at == len(rows) - 1 else ""
        pieces: list[tuple[str, str]] = [(f"{end:>8} ", "$foreground-muted")]
        for place, char in enumerate(bars):
            style = (
                "$foreground-muted" if place == 0 else "$accent" if chosen is not None and place == chosen + 1 else "$primary"
            )
            pieces.append((charts.spread(char, wide), style))
        lines.append(Content.assemble(*pieces))
    return lines
