"""The table of steps."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from mlagent_app.tui import table
from mlagent_app.tui.model import Row, View
from mlagent_app.tui.widgets.text import Text


class Rows(OptionList, can_focus=False):
    """The rows; the screen's keys move the highlight, so that they work whatever was clicked last."""


class StepsTable(Vertical):
    """One row a step. Follows the newest step until another one is selected."""

    class Selected(Message):
        """Another step was selected."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    def __init__(self) -> None:
        super().__init__(id="steps")
        self.border_title = "Steps"
        self.selected = 0
        self.following = True
        self._view = View()
        self._shown: list[tuple[tuple[str, str], ...]] = []
        self._indices: list[int] = []
        self._elapsed = 0.0
        self._spinner = ""

    def compose(self) -> ComposeResult:
        yield Text(id="steps-header")
        yield Rows(id="steps-rows", compact=True)

    @property
    def _rows(self) -> Rows:
        return self.query_one(Rows)

    def show(self, view: View, elapsed: float, spinner: str) -> None:
        """Draw `view`; only rows that changed are touched. `elapsed`: seconds of the current run."""
        self._view, self._elapsed, self._spinner = view, elapsed, spinner
        self._draw()

    def select(self, step: int) -> None:
        """Select a step; selecting the last one follows the newest from then on."""
        if step in self._indices:
            self.following = step == self._indices[-1]
            self._rows.highlighted = self._indices.index(step)

    def move(self, by: int) -> None:
        """Select the step `by` rows further down."""
        if self._indices:
            at = self._indices.index(self.selected) if self.selected in self._indices else 0
            self.select(self._indices[max(0, min(len(self._indices) - 1, at + by))])

    def on_resize(self, _: events.Resize) -> None:
        """Lay the columns out anew."""
        self._shown.clear()
        self._draw()

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Tell the screen which step is meant, once per change."""
        event.stop()
        step = self._indices[event.option_index]
        if step != self.selected:
            self.selected = step
            self.post_message(self.Selected(step))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A click selects and nothing more."""
        event.stop()
        self.following = event.option_index == len(self._indices) - 1

    def _draw(self) -> None:
        # One cell is kept free for the scroll bar, so that rows do not move when it appears.
        width = self._rows.size.width - 2
        if width <= 0:
            return
        layout = table.columns(width, self._view.metric_name)
        self.query_one("#steps-header", Text).show(Content(" " + table.header(layout)))
        lines = [self._line(layout, row) for row in self._view.rows]
        indices = [row.index for row in self._view.rows]
        if indices[: len(self._indices)] != self._indices or len(self._shown) != len(self._indices):
            self._rows.set_options([Option(_content(line)) for line in lines])
            self._indices, self._shown = indices, lines
            self._highlight()
            return
        for at, line in enumerate(lines[: len(self._shown)]):
            if line != self._shown[at]:
                self._rows.replace_option_prompt_at_index(at, _content(line))
        fresh = lines[len(self._shown) :]
        self._indices, self._shown = indices, lines
        if fresh:
            self._rows.add_options([Option(_content(line)) for line in fresh])
            self._highlight()

    def _line(self, layout: tuple[table.Column, ...], row: Row) -> tuple[tuple[str, str], ...]:
        return tuple(table.row(layout, table.cells(self._view, row, self._spinner, self._elapsed)))

    def _highlight(self) -> None:
        """Put the highlight on the newest step when following, else back on the selected one."""
        if not self._indices:
            return
        wanted = self._indices[-1] if self.following or self.selected not in self._indices else self.selected
        self._rows.highlighted = self._indices.index(wanted)


def _content(pieces: tuple[tuple[str, str], ...]) -> Content:
    """A row with its theme colours."""
    return Content.assemble(" ", *((text, f"${colour}" if colour else "") for text, colour in pieces))
