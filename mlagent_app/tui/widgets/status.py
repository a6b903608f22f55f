"""The title line above and the status line below."""

from __future__ import annotations

from textual.containers import Horizontal
from textual.content import Content

from mlagent_app.agent.quantities import size
from mlagent_app.agent.summary import spent
from mlagent_app.tui import wording
from mlagent_app.tui.model import View
from mlagent_app.tui.widgets.text import Text

Piece = tuple[str, str]


class TitleLine(Text):
    """The project, and from which metric to which."""

    def __init__(self) -> None:
        super().__init__(id="title")

    def draw(self, view: View) -> None:
        """Draw `view`."""
        right = _progress(view)
        name = _name(view)
        rest = self.size.width - len("ML-Agent  ") - sum(len(text) for text, _ in right) - 1
        name = wording.fit(name, max(4, rest))
        self.show(Content.assemble(("ML-Agent", "bold $text-accent"), "  ", (name, "bold"), " ", *right))


class StatusLine(Horizontal):
    """What goes on, at the left; where and how, at the right."""

    def __init__(self) -> None:
        super().__init__(id="status")
        self._now = Text(id="status-now")
        self._facts = Text(id="status-facts")

    def on_mount(self) -> None:
        """Both ends are always there."""
        self.mount_all([self._now, self._facts])

    def show(self, view: View, elapsed: float, spinner: str, minutes_left: float | None) -> None:
        """Draw `view`. `minutes_left` is None without a time budget."""
        now = activity(view, elapsed, spinner)
        if view.sample is not None and view.activity.phase == "running":
            now.append((f"  {size(view.sample.memory)}  {view.sample.cpu:.1f} cpu", "$foreground-muted"))
        facts = _facts(view, minutes_left)
        room = self.size.width - 2 - sum(len(text) for text, _ in now)
        while len(facts) > 1 and sum(len(text) + 3 for text, _ in facts) - 3 > room:
            facts.pop(0)
        parts: list[Piece] = []
        for fact in facts:
            parts += [(" · ", "$foreground-muted"), fact] if parts else [fact]
        self._now.show(Content.assemble(*now))
        self._facts.show(Content.assemble(*parts))


def activity(view: View, elapsed: float, spinner: str) -> list[Piece]:
    """What goes on now, in words. `elapsed` is the time of the current run in seconds."""
    running = view.activity.phase == "running"
    if view.summary.failed is not None:
        return [("✗ Failed", "bold $text-error")]
    if view.summary.ended is not None:
        return [("■ Ended", "bold")]
    if view.question is not None and not running:
        step = view.question.step
        what = {"run": f"run step {step}?", "accept": f"keep step {step}?", "metric": "which metric?"}[view.question.question]
        return [("? ", "bold $text-accent"), (f"Waiting for you: {what}", "bold")]
    if view.paused is not None and not running:
        return [("‖ Paused", "bold $text-warning")]
    mark = "‖" if view.paused is not None else spinner
    tail = ", then paused" if view.paused is not None else ""
    return [(f"{mark} ", "bold $text-accent"), (_doing(view, elapsed) + tail, "bold")]


def _doing(view: View, elapsed: float) -> str:
    """The phase in words."""
    step = view.activity.step
    name = wording.subject(step)
    again = f", run {view.activity.repeat + 1}" if view.activity.repeat or not step else ""
    return {
        "starting": "Starting",
        "snapshot": "Copying the project to a private snapshot",
        "preparing": f"Preparing {name}",
        "running": f"{'Running' if step > 0 else 'Measuring'} {name}{again}, {wording.duration(elapsed)}",
        "reading": f"Reading the result of {name}",
        "deciding": f"Deciding on {name}",
        "thinking": f"Choosing the edit of step {step}",
        "over": "",
    }[view.activity.phase]


def _name(view: View) -> str:
    """The project's directory name."""
    started = view.summary.started
    return started.project.rstrip("/").rsplit("/", 1)[-1] if started is not None else ""


def _progress(view: View) -> list[Piece]:
    """`accuracy ↑ 0.9416 → 0.9722  +3.2 %`."""
    base, best = view.summary.baseline, view.summary.best
    if base is None or best is None:
        known = view.metric_name if view.summary.metric is not None else "the metric is found from the first run"
        return [(known, "$foreground-muted")]
    arrow = "↑" if view.summary.metric is None or view.summary.metric.direction == "max" else "↓"
    name = wording.elide(view.metric_name, 24)
    pieces: list[Piece] = [(f"{name} {arrow} ", "$foreground-muted"), (wording.number(base.value), "" if best.step else "bold")]
    if best.step:
        pieces += [(" → ", "$foreground-muted"), (wording.number(best.value), "bold")]
        gain = wording.signed(best.gain) if best.relative_gain is None else wording.percent(best.relative_gain)
        pieces.append((f"  {gain}", "bold $text-success"))
    return pieces


def _facts(view: View, minutes_left: float | None) -> list[Piece]:
    """The standing facts, the least important first: they go when the line is too short."""
    started = view.summary.started
    if started is None:
        return []
    facts: list[Piece] = [(started.policy, "$foreground-muted"), (view.approve, "$foreground-muted")]
    if minutes_left is not None:
        facts.append((f"{wording.duration(60 * max(0.0, minutes_left))} left", "$foreground-muted"))
    most = view.summary.most_steps
    facts.append((f"step {spent(view.summary.steps, most)}/{most}", "$foreground-muted"))
    local = view.summary.sandbox == "local"
    name = "▲ local: no sandbox" if local else view.summary.sandbox
    facts.append((name, "bold $text-warning" if local else "$foreground-muted"))
    return facts
