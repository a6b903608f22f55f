"""What else the policy weighed."""

from __future__ import annotations

from textual import events
from textual.containers import VerticalScroll
from textual.content import Content

from mlagent_app.agent.actions import parse
from mlagent_app.tui import charts, wording
from mlagent_app.tui.logs import clean
from mlagent_app.tui.model import Row, View
from mlagent_app.tui.widgets.text import Text

# Of one part of an answer.
MAX_CHARS = 4_000


class WhyPane(VerticalScroll, can_focus=False):
    """The alternatives of the selected step as bars, best first, and the policy's own words for its choice."""

    def __init__(self) -> None:
        super().__init__(id="why", classes="pane")
        self.border_title = "Why"
        self._body = Text()
        self._shown: tuple[View, Row | None] = (View(), None)

    def on_mount(self) -> None:
        """One text is all there is."""
        self.mount(self._body)

    @property
    def text(self) -> str:
        """For the clipboard."""
        row = self._shown[1]
        if row is None or row.summary is None:
            return ""
        if row.summary.proposed.reply:
            return row.summary.proposed.reply
        pairs = row.summary.proposed.alternatives
        return "\n".join(f"{score:.4g}\t{instruction}" for instruction, score in pairs)

    def show(self, view: View, row: Row | None) -> None:
        """Show a step."""
        self._shown = (view, row)
        self._body.show(_content(view, row, self.scrollable_content_region.width))

    def on_resize(self, _: events.Resize) -> None:
        """The bars take the new width."""
        self.show(*self._shown)


def _said(reply: str) -> list[tuple[str, str]]:
    """The parts of an answer before its action, or all of one that has no such parts."""
    reasoning, _ = parse(reply)
    told = (
        ("Reflection", reasoning.reflection),
        ("Plan", reasoning.plan),
        ("Fact check", reasoning.fact_check),
        ("Thought", reasoning.thought),
    )
    parts = [(head, text) for head, text in told if text] or [("Answer", reply)]
    pieces: list[tuple[str, str]] = []
    for head, text in parts:
        shown = "\n".join(clean(line) for line in text[:MAX_CHARS].splitlines())
        pieces += [(f"{head}\n", "bold $foreground-muted"), (f"{shown}\n\n", "")]
    return pieces


def _content(view: View, row: Row | None, width: int) -> Content:
    policy = view.summary.started.policy if view.summary.started is not None else "the policy"
    proposal = row.summary.proposed if row is not None and row.summary is not None else None
    if proposal is None:
        return Content.styled(f"The baseline is the project as it is. {policy} chooses from step 1 on.", "$foreground-muted")
    pairs = proposal.alternatives
    # Pairs may be probabilities or scores of any size; only probabilities are shown as a share.
    shares = all(0 <= score <= 1 for _, score in pairs) and sum(score for _, score in pairs) <= 1.001
    family = f" ({proposal.family})" if proposal.family else ""
    chance = f", with probability {100 * proposal.probability:.0f} %" if proposal.probability is not None else ""
    head = Content.assemble((policy, "bold"), f" chose{chance}{family}\n", (proposal.instruction or proposal.action, "bold"))
    if proposal.reply:
        head = Content.assemble(head, "\n\n", *_said(proposal.reply))
    if not pairs:
        return head
    top = max(score for _, score in pairs)
    low = min(0.0, min(score for _, score in pairs))
    room = max(6, min(24, width // 4))
    lines: list[Content] = [head, Content("")]
    for instruction, score in pairs:
        chosen = instruction == proposal.instruction
        figure = f"{100 * score:5.1f} %" if shares else f"{wording.number(score):>7}"
        text = wording.elide(instruction, max(10, width - room - 13))
        lines.append(
            Content.assemble(
                ("▸ " if chosen else "  ", "bold $text-accent"),
                (figure + "  ", "bold" if chosen else ""),
                (charts.bar((score - low) / (top - low) if top > low else 1.0, room), "$accent" if chosen else "$primary"),
                ("  " + text, "bold" if chosen else ""),
            )
        )
    if not shares:
        lines += [Content(""), Content.styled("scores, not probabilities", "$foreground-muted")]
    return Content("\n").join(lines)
