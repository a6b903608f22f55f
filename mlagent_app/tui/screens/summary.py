"""What a session came to."""

from __future__ import annotations

import math
import shlex
from collections import Counter
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen

from mlagent_app.agent.events import SessionStarted
from mlagent_app.agent.summary import Summary
from mlagent_app.tui import wording
from mlagent_app.tui.details import Lines, fact
from mlagent_app.tui.model import View
from mlagent_app.tui.parting import nothing_to_continue
from mlagent_app.tui.widgets.action_key import ActionKey
from mlagent_app.tui.widgets.facts import Facts


class SummaryScreen(ModalScreen[bool]):
    """Baseline to best, what was accepted and landed, and where the report is. True asks to leave the app."""

    CSS_PATH = "summary.tcss"
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,i", "close(False)", "look around", show=False),
        Binding("q,ctrl+c,ctrl+q", "close(True)", "quit", show=False),
    ]

    def __init__(self, view: View) -> None:
        super().__init__()
        self._view = view

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Facts(summary(self._view), id="summary")
            with Horizontal(classes="dialog-keys"):
                yield ActionKey("esc", "look around", "close(False)")
                yield ActionKey("q", "quit", "close(True)")

    def action_close(self, leave: bool) -> None:
        """Close, and leave the app when asked to."""
        self.dismiss(leave)


def summary(view: View) -> Lines:
    """The whole summary, for `Facts`."""
    past = view.summary
    lines: Lines = [[(_headline(past), "bold")], [], *_result(past), *_steps(past)]
    if past.started is not None:
        session = past.started.session
        lines.append(fact("report", f"mlagent report {session}", "bold"))
        if any(step.kept and step.edits and step.landed is None for step in past.steps):
            lines.append(fact("land it", f"mlagent apply {session}", "bold"))
        lines += _onward(past, past.started)
    return [*lines, []]


def _onward(past: Summary, started: SessionStarted) -> Lines:
    """How to go on, unless that would only end the session once more in the same way."""
    command = f"mlagent-tui {shlex.quote(started.project)}"
    if nothing_to_continue(past):
        return [fact("start anew", command, "bold")]
    reason = past.ended.reason if past.ended is not None else ""
    if reason in ("target", "final_answer"):
        return []
    more = ""
    if reason == "steps":
        more = f" --steps {len(past.steps) + 10}"
    elif reason == "minutes":
        # The budget counts what the session has used up, so another one like it comes on top.
        more = f" --minutes {math.ceil(past.seconds / 60 + (started.minutes or 10))}"
    return [fact("go on", f"{command} --continue{more}", "bold")]


def _headline(past: Summary) -> str:
    if past.failed is not None:
        return f"The session could not go on: {past.failed.message}"
    if past.ended is not None:
        return f"The session has ended: {wording.END_REASONS.get(past.ended.reason, past.ended.reason)}."
    return "The session so far"


def _result(past: Summary) -> Lines:
    base, best, metric = past.baseline, past.best, past.metric
    if base is None or best is None or metric is None:
        return [fact("result", "no baseline was measured")]
    noise = f" {wording.noise(base.noise)}" if base.noise is not None else ""
    lines = [fact("baseline", f"{metric.name} {wording.number(base.value)}{noise}")]
    if not best.step:
        return [*lines, fact("best", "the baseline: no accepted edit made it better")]
    relative = f"{wording.percent(best.relative_gain)}, " if best.relative_gain is not None else ""
    text = f"{wording.number(best.value)}  {wording.signed(best.gain)} ({relative}step {best.step})"
    lines.append(fact("best", text, "bold $text-success"))
    if best.confidence is not None:
        lines.append(fact("confidence", f"the gain is {wording.confidence(best.confidence)} the noise of the baseline"))
    if past.measured_edits > 1:
        lines.append(fact("", f"the best of {past.measured_edits} measured edits: some of it is luck", "$foreground-muted"))
    if past.test is not None:
        scores = f"{wording.number(past.test.baseline)} → {wording.number(past.test.best)}"
        lines.append(fact("hidden test", f"{scores}, graded once"))
    return lines


def _steps(past: Summary) -> Lines:
    """How many steps came to what, and what is in the project now."""
    counts = Counter(step.decision for step in past.steps)
    words = {"accept": "accepted", "refuse": "refused", "skip": "skipped", "reverted": "reverted"}
    parts = ", ".join(f"{counts[kind]} {word}" for kind, word in words.items() if counts[kind])
    text = f"{len(past.steps)}{f' ({parts})' if parts else ''} in {wording.duration(past.seconds)}"
    lines = [fact("steps", text)]
    landed = [step for step in past.steps if step.landed is not None and step.reverted is None]
    for step in landed:
        commit = step.landed.commit[:10] if step.landed is not None else ""
        lines.append(fact("landed", wording.elide(f"{commit}  {step.title}".strip(), 64)))
    if not landed:
        lines.append(fact("landed", "nothing: the project is as it was"))
    return lines
