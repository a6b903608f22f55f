"""The output of the selected step's runs, live."""

from __future__ import annotations

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Log

from mlagent_app.tui import logs, wording
from mlagent_app.tui.logs import StepLog
from mlagent_app.tui.model import Row
from mlagent_app.tui.widgets.text import Text

# What one redraw may add: a burst is shown in parts, so that no frame takes long.
LINES_A_FRAME = 1_000


class Lines(Log, can_focus=False):
    """Scrolled by the screen's keys and by the mouse."""

    def on_mount(self) -> None:
        """Follow the end until somebody scrolls back."""
        self.anchor()

    def on_resize(self) -> None:
        """Stay at the end: the layout scrolls by the height that the pane had before, and may leave the last lines below it."""
        self._follow()

    def add(self, lines: list[str]) -> None:
        """Write lines, and show the last one unless somebody has scrolled back.

        `write_lines` alone does so only where it finds the end in view, which it is not while a layout is under way. And of a
        log that is full it redraws what lies below the end: nothing moves there when old lines make room for new ones.
        """
        self.write_lines(lines)
        self._follow()
        self.refresh()

    def scroll_aside(self, columns: int) -> None:
        """Scroll to the side, which is not to scroll back: the end is followed as before."""
        self._scroll_to(x=self.scroll_x + columns, animate=False, release_anchor=False)

    def _follow(self) -> None:
        if self.is_anchored and not self._anchor_released and not self.is_vertical_scrollbar_grabbed:
            self.scroll_end(animate=False, immediate=True, x_axis=False)

    def _update_size(self, updates: int, lines: list[str]) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Measure new lines at once. `Log` does so in a thread that waits for the app, which could hold up its end."""
        self._update_maximum_width(updates, max(map(cell_len, lines), default=0))


class LogPane(Vertical):
    """Shows one `StepLog` at a time; only new lines are written."""

    def __init__(self) -> None:
        super().__init__(id="log", classes="pane")
        self.border_title = "Log"
        self._log: StepLog | None = None
        self._written = 0

    def compose(self) -> ComposeResult:
        yield Text(id="log-head")
        yield Lines(id="log-lines", max_lines=logs.MAX_LINES)

    @property
    def text(self) -> str:
        """All lines in memory, for the clipboard."""
        return "\n".join(self._log.since(0)[0]) if self._log is not None else ""

    def show(self, row: Row | None, log: StepLog | None) -> bool:
        """Show what is new; True when more is left for the next frame."""
        lines = self.query_one(Lines)
        if log is not self._log:
            lines.clear()
            self._log, self._written = log, 0
        self.query_one("#log-head", Text).show(_head(row, log))
        if log is None or self._written == log.total:
            return False
        fresh, self._written = log.since(self._written, LINES_A_FRAME)
        lines.add(fresh)
        return self._written < log.total

    def scroll_pages(self, by: int) -> None:
        """Scroll by pages, backwards when negative."""
        lines = self.query_one(Lines)
        if by < 0:
            lines.scroll_page_up(animate=False)
        else:
            lines.scroll_page_down(animate=False)

    def scroll_rows(self, by: int) -> None:
        """Scroll by lines."""
        self.query_one(Lines).scroll_relative(y=by, animate=False)

    def scroll_aside(self, by: int) -> None:
        """Scroll by half the width, to the left when negative; the log goes on following its end."""
        lines = self.query_one(Lines)
        lines.scroll_aside(by * (lines.size.width // 2))


def _head(row: Row | None, log: StepLog | None) -> Content:
    """The command, and where the lines are that are not shown."""
    if row is None or row.begun is None:
        return Content.styled("No run yet.", "$foreground-muted")
    parts: list[tuple[str, str]] = [("$ ", "bold $text-accent"), (row.begun.command, "bold")]
    if row.runs and not row.running:
        run = row.runs[-1]
        exit_code = f", exit code {run.exit_code}" if run.exit_code else ""
        text = f"  {wording.outcome_mark(run.outcome).text} after {wording.duration(run.seconds)}{exit_code}"
        parts.append((text, "$foreground-muted"))
    if log is not None and log.dropped:
        parts.append((f"\n{log.dropped:,} earlier lines are in {row.begun.log_path}", "$foreground-muted"))
    elif log is None or not log.total:
        parts.append(("\nno output yet" if row.running else "\nthe run printed nothing", "$foreground-muted"))
    return Content.assemble(*parts)
