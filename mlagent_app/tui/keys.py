"""The one registry of what a person can do on the session screen: keys, footer, help screen and palette all read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from textual.binding import Binding

Group = Literal["Decide", "Session", "Look"]


@dataclass(frozen=True, slots=True)
class Key:
    """A key (comma-separated alternatives), the screen's action, its footer label and what it does in one line.

    `shown` is what a person reads for the key, empty when the key itself will do.
    """

    key: str
    action: str
    label: str
    help: str
    group: Group
    footer: bool = False
    shown: str = ""

    def binding(self) -> Binding:
        """The binding of a screen; its id lets a key map replace the key."""
        return Binding(
            self.key,
            self.action,
            self.label,
            show=self.footer,
            key_display=self.shown or None,
            tooltip=self.help,
            id=f"session.{self.action}",
        )

    @property
    def display(self) -> str:
        """The key as a person reads it."""
        return self.shown or self.key


KEYS: tuple[Key, ...] = (
    Key("a", "accept", "accept", "accept the edit, or run it when that is asked", "Decide"),
    Key("r", "refuse", "refuse", "refuse the edit, with a reason if you like", "Decide"),
    Key("space", "toggle_hunk", "choose hunk", "choose the marked hunk, or leave it out", "Decide"),
    Key("n", "next_hunk", "next hunk", "mark the next hunk", "Decide"),
    Key("N", "previous_hunk", "previous hunk", "mark the hunk before", "Decide"),
    Key("m", "rerun", "measure again", "measure the selected step once more", "Decide"),
    Key("v", "revert", "revert", "undo the selected accepted step", "Decide"),
    Key("p", "pause", "pause", "pause after the current run, or go on", "Session", footer=True),
    Key("escape", "interrupt", "interrupt", "kill the current run now and pause; p runs it again", "Session", shown="esc"),
    Key("e", "approve", "who decides", "choose what is decided without asking you", "Session"),
    Key("s", "stop", "stop", "end the session here; it can be continued", "Session", footer=True),
    Key("q", "leave", "quit", "leave; the session can be continued", "Session", footer=True),
    Key("tab", "next_pane", "next pane", "show the next pane", "Look", footer=True),
    Key("shift+tab", "previous_pane", "previous pane", "show the pane before", "Look"),
    Key("up,k", "move(-1)", "up", "select the step before", "Look", shown="↑ k"),
    Key("down,j", "move(1)", "down", "select the next step; the last is followed", "Look", shown="↓ j"),
    Key("enter", "zoom", "expand", "expand the pane, or take it back", "Look", footer=True, shown="↵"),
    Key("pageup", "scroll_pane(-1)", "page up", "scroll the pane up", "Look", shown="pgup"),
    Key("pagedown", "scroll_pane(1)", "page down", "scroll the pane down", "Look", shown="pgdn"),
    Key("left", "scroll_aside(-1)", "left", "scroll the log to the left", "Look", shown="←"),
    Key("right", "scroll_aside(1)", "right", "scroll the log to the right", "Look", shown="→"),
    Key("d", "show('diff')", "diff", "show the diff", "Look"),
    Key("l", "show('log')", "log", "show the log", "Look"),
    Key("w", "show('why')", "why", "show what else the policy weighed", "Look"),
    Key("g", "show('reward')", "reward", "show how the reward is made up", "Look"),
    Key("y", "copy", "copy", "copy the shown pane to the clipboard", "Look"),
    Key("i", "summary", "summary", "show what the session came to so far", "Look"),
    Key("question_mark", "help", "help", "show this list", "Look", footer=True, shown="?"),
)

NOT_IN_PALETTE = frozenset({"move(-1)", "move(1)", "scroll_pane(-1)", "scroll_pane(1)", "scroll_aside(-1)", "scroll_aside(1)"})
