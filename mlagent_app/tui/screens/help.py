"""All keys of the session screen."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from mlagent_app.tui.details import Piece
from mlagent_app.tui.keys import KEYS, Group
from mlagent_app.tui.widgets.facts import Facts

WIDTHS = [(0, "-narrow"), (110, "-normal")]
SIGNS = (
    ("●", "accepted; landed when it is in the project"),
    ("◐", "accepted in part: not measured like this"),
    ("○", "refused"),
    ("↺", "reverted"),
    ("▲", "a warning: read it before you accept"),
    ("✓ ✗ ◷ ■", "ran, failed, ran out of time, killed"),
)


class HelpScreen(ModalScreen[None]):
    """The list of keys, made from their registry."""

    CSS_PATH = "help.tcss"
    AUTO_FOCUS = "#help"
    HORIZONTAL_BREAKPOINTS = WIDTHS
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark,enter", "dismiss", "close", show=False)]

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help"):
            with Vertical(classes="help-column"):
                yield HelpText([*_group("Decide"), *_group("Session")])
            with Vertical(classes="help-column"):
                yield HelpText([*_group("Look"), *_signs()])
        yield Static(
            Content.assemble((" ctrl+p ", "bold $text-accent"), "all commands  ", (" esc ", "bold $text-accent"), "close")
        )

    async def action_dismiss(self, result: None = None) -> None:
        """Close."""
        self.dismiss(result)


class HelpText(Facts):
    """Keys and what they do."""


def _group(group: Group) -> list[list[Piece]]:
    lines: list[list[Piece]] = [[(group, "bold underline")]]
    for key in KEYS:
        if key.group == group:
            lines.append([(f"{key.display:>9}  ", "bold $text-accent"), (key.help, "")])
    return [*lines, []]


def _signs() -> list[list[Piece]]:
    return [[("Signs", "bold underline")], *([(f"{sign:>9}  ", "bold"), (words, "")] for sign, words in SIGNS)]
