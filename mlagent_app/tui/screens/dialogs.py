"""The small questions over the session screen: yes or no, a reason, who decides."""

from __future__ import annotations

from typing import ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from mlagent_app.agent.events import Approve
from mlagent_app.tui import wording
from mlagent_app.tui.widgets.action_key import ActionKey


class ConfirmDialog(ModalScreen[bool]):
    """A yes-or-no question. `yes` is what the yes key does, in a word."""

    CSS_PATH = "dialogs.tcss"
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,enter", "answer(True)", "yes", show=False),
        # Who presses ctrl+c wants out, and never what is asked here.
        Binding("n,escape,q,ctrl+c,ctrl+q", "answer(False)", "no", show=False),
    ]

    def __init__(self, head: str, body: str, yes: str) -> None:
        super().__init__()
        self._head = head
        self._body = body
        self._yes = yes

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(Content.styled(self._head, "bold"), classes="dialog-head")
            yield Static(Content(self._body), classes="dialog-body")
            with Horizontal(classes="dialog-keys"):
                yield ActionKey("y", self._yes, "answer(True)")
                yield ActionKey("n", "go back", "answer(False)")

    def action_answer(self, yes: bool) -> None:
        """Close with the answer."""
        self.dismiss(yes)


class LeaveDialog(ConfirmDialog):
    """Whether to leave the app: the keys that led here, pressed once more, mean it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+c,ctrl+q", "answer(True)", "yes", show=False)]


class ReasonDialog(ModalScreen[str | None]):
    """Why a step is refused. Empty is fine; None takes the refusal back."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "go back", show=False)]

    def __init__(self, head: str, verb: str) -> None:
        super().__init__()
        self._head = head
        self._verb = verb

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(Content.styled(self._head, "bold"), classes="dialog-head")
            yield Static("The policy sees the reason. It may stay empty.", classes="dialog-body")
            yield Input(placeholder="reason", id="reason", compact=True)
            with Horizontal(classes="dialog-keys"):
                yield ActionKey("↵", self._verb, "send")
                yield ActionKey("esc", "go back", "leave")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in the field."""
        event.stop()
        self.action_send()

    def action_send(self) -> None:
        """Close with the reason."""
        self.dismiss(self.query_one("#reason", Input).value.strip())

    def action_leave(self) -> None:
        """Take it back."""
        self.dismiss(None)


class MetricDialog(ModalScreen[int | None]):
    """Which of the metrics that the first run gave is meant; the index of the choice."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "leave", "later", show=False)]

    def __init__(self, found: tuple[tuple[str, str, float, str, str, str], ...]) -> None:
        super().__init__()
        self._found = found

    def compose(self) -> ComposeResult:
        width = max(len(name) for name, *_ in self._found)
        with Vertical(classes="dialog"):
            yield Static(Content.styled("Which metric is to be improved?", "bold"), classes="dialog-head")
            yield OptionList(*(self._option(*found, width=min(width, 28)) for found in self._found), compact=True)
            yield Static(self._evidence(0), id="metric-line", classes="dialog-body", markup=False)
            with Horizontal(classes="dialog-keys"):
                yield ActionKey("↵", "choose", "choose")
                yield ActionKey("esc", "look around first", "leave")

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """The evidence: the line it was read from."""
        event.stop()
        self.query_one("#metric-line", Static).update(self._evidence(event.option_index))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter or a click."""
        event.stop()
        self.dismiss(event.option_index)

    def action_choose(self) -> None:
        """Close with the highlighted metric."""
        self.dismiss(self.query_one(OptionList).highlighted)

    def action_leave(self) -> None:
        """Decide later; the session waits."""
        self.dismiss(None)

    def _evidence(self, index: int) -> str:
        _, _, _, where, line, reason = self._found[index]
        return f"{reason}\n{where}: {line.strip()}"

    @staticmethod
    def _option(name: str, direction: str, value: float, *rest: str, width: int) -> Option:
        del rest
        better = wording.DIRECTIONS.get(direction, "")
        title = wording.fit(name, width)
        return Option(Content.assemble((title, "bold"), f"  {wording.number(value):>10}", (f"  {better}", "$foreground-muted")))


class ApproveDialog(ModalScreen[Approve | None]):
    """Who decides from now on."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,e", "leave", "go back", show=False)]

    def __init__(self, current: Approve) -> None:
        super().__init__()
        self._current = current

    def compose(self) -> ComposeResult:
        modes = tuple(wording.APPROVE)
        with Vertical(classes="dialog"):
            yield Static(Content.styled("Who decides?", "bold"), classes="dialog-head")
            options = OptionList(
                *(Option(Content.assemble((f"{mode:<5}", "bold"), wording.APPROVE[mode]), id=mode) for mode in modes),
                compact=True,
            )
            options.highlighted = modes.index(self._current)
            yield options
            with Horizontal(classes="dialog-keys"):
                yield ActionKey("↵", "choose", "choose")
                yield ActionKey("esc", "go back", "leave")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter or a click."""
        event.stop()
        self.dismiss(cast(Approve, event.option_id))

    def action_choose(self) -> None:
        """Close with the highlighted mode."""
        option = self.query_one(OptionList).highlighted_option
        self.dismiss(cast("Approve | None", option.id if option is not None else None))

    def action_leave(self) -> None:
        """Leave it as it is."""
        self.dismiss(None)
