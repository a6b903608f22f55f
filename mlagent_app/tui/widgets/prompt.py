"""The bar that says what is wanted of the person, or that nothing more will come."""

from __future__ import annotations

from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from mlagent_app.agent.events import DecisionNeeded, Paused, SessionEnded
from mlagent_app.agent.summary import Summary
from mlagent_app.tui import wording
from mlagent_app.tui.model import View
from mlagent_app.tui.widgets.action_key import ActionKey

Keys = tuple[tuple[str, str, str], ...]
ACCEPT: Keys = (("a", "accept", "accept"), ("r", "refuse", "refuse"), ("m", "measure again", "rerun"))
ACCEPT_HUNKS: Keys = (*ACCEPT, ("space", "choose hunk", "toggle_hunk"), ("n", "next hunk", "next_hunk"))
RUN: Keys = (("a", "run it", "accept"), ("r", "skip it", "refuse"))
PAUSED: Keys = (("p", "go on", "pause"), ("s", "stop", "stop"), ("q", "quit", "leave"))
INTERRUPTED: Keys = (("p", "run it again", "pause"), ("r", "skip it", "refuse"), ("s", "stop", "stop"), ("q", "quit", "leave"))
METRIC: Keys = (("a", "choose", "accept"),)
OVER: Keys = (("i", "summary", "summary"), ("q", "quit", "leave"))


@dataclass(frozen=True, slots=True)
class Ask:
    """What the bar says: its first line in bold, the lines under it, the keys, and the class that colours it."""

    head: str
    lines: tuple[str, ...]
    keys: Keys
    tone: str


class Prompt(Vertical):
    """Hidden while there is nothing to say."""

    def __init__(self) -> None:
        super().__init__(id="prompt")
        self._shown: Ask | None = None

    def compose(self) -> ComposeResult:
        yield Static(id="prompt-text", markup=False)
        yield Horizontal(id="prompt-keys")

    def show(self, view: View, hunks: int, chosen: int) -> None:
        """Show what `view` asks; `hunks` and `chosen` count the hunks of the step in question."""
        ask = _ask(view, hunks, chosen)
        if ask == self._shown:
            return
        keys = self._shown.keys if self._shown is not None else ()
        self._shown = ask
        self.display = ask is not None
        if ask is None:
            return
        self.set_classes(f"-{ask.tone}")
        lines = [Content.styled(ask.head, "bold")]
        for line in filter(None, ask.lines):
            lines.append(Content.styled(line, "$text-warning" if line.startswith("▲") else "$foreground-muted"))
        self.query_one("#prompt-text", Static).update(Content("\n").join(lines))
        if ask.keys != keys:
            row = self.query_one("#prompt-keys", Horizontal)
            row.remove_children()
            row.mount_all([ActionKey(*key) for key in ask.keys])


def _ask(view: View, hunks: int, chosen: int) -> Ask | None:
    """What stands in the bar."""
    summary = view.summary
    if summary.failed is not None:
        return Ask("The session cannot go on.", (summary.failed.message,), OVER, "failed")
    if summary.ended is not None:
        return _ended(summary, summary.ended)
    if view.question is not None:
        return _question(view, view.question, hunks, chosen)
    if view.paused is not None:
        return _paused(view, view.paused)
    return None


def _question(view: View, question: DecisionNeeded, hunks: int, chosen: int) -> Ask:
    if question.question == "metric":
        return Ask("Which metric is to be improved?", ("The first run gave several.",), METRIC, "question")
    row = view.row(question.step)
    step = row.summary if row is not None else None
    flags = tuple(f"▲ {flag}" for flag in step.proposed.flags) if step is not None else ()
    words = {"run": "run it", "skip": "skip it", "accept": "accept it", "refuse": "refuse it"}[question.suggestion]
    advice = f"auto would {words}{f': {question.why}' if question.why else ''}"
    if question.question == "run":
        return Ask(f"Step {question.step}: run this edit?", (*flags, advice), RUN, "question")
    head = f"Step {question.step}: keep this edit?"
    if step is not None and step.value is not None and step.before is not None:
        sure = f", {wording.confidence(step.confidence)} the noise" if step.confidence is not None else ""
        change = f"{wording.number(step.before)} → {wording.number(step.value)}"
        head += f"  {change}  {wording.signed(view.gain(step))}{sure}"
    elif row is not None and row.outcome not in ("", "ok"):
        head += f"  {wording.outcome_mark(row.outcome).text}"
    if hunks < 2:
        return Ask(head, (*flags, advice), ACCEPT, "question")
    part = f"{chosen} of {hunks} hunks chosen: this part alone has not been measured" if chosen < hunks else ""
    return Ask(head, (*flags, advice, part), ACCEPT_HUNKS, "question")


def _paused(view: View, paused: Paused) -> Ask:
    step, why = view.open_step, paused.why
    if why == "interrupted" and step is None and view.summary.baseline is not None:
        # The step was skipped since, or was not yet proposed: there is no run that could be repeated.
        why = ""
    if why == "interrupted":
        if step is not None and step.rewarded is None:
            return Ask(f"Interrupted in step {step.index}.", ("Its run was killed; it can run again.",), INTERRUPTED, "paused")
        return Ask("Interrupted.", ("The run was killed; it can run again.",), PAUSED, "paused")
    why = why or "No new step begins until you go on."
    return Ask("Paused.", (why[:1].upper() + why[1:],), PAUSED, "paused")


def _ended(summary: Summary, ended: SessionEnded) -> Ask:
    lines: tuple[str, ...] = ()
    best = summary.best
    if summary.baseline is not None and summary.metric is not None and best is not None:
        result = f"{summary.metric.name} {wording.number(summary.baseline.value)} → {wording.number(best.value)}"
        gain = f" ({wording.percent(best.relative_gain)})" if best.step else ": no accepted edit made it better"
        lines = (result + gain,)
    return Ask(f"Ended: {wording.END_REASONS.get(ended.reason, ended.reason)}.", lines, OVER, "ended")
