"""The main screen: a session while it runs, and after it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.timer import Timer
from textual.widgets import Footer, Tab, Tabs

from mlagent_app.agent.events import (
    TRANSIENT,
    DecisionNeeded,
    Event,
    LogLines,
    Notice,
    Resumed,
    RunStarted,
    SessionStarted,
    TestScored,
)
from mlagent_app.tui.keys import KEYS
from mlagent_app.tui.link import Backend
from mlagent_app.tui.logs import StepLog, read_tail
from mlagent_app.tui.model import Row
from mlagent_app.tui.screens.deciding import DecidingScreen
from mlagent_app.tui.thread import SessionThread
from mlagent_app.tui.widgets.diff_pane import DiffPane
from mlagent_app.tui.widgets.log_pane import LogPane
from mlagent_app.tui.widgets.prompt import Prompt
from mlagent_app.tui.widgets.reward_pane import RewardPane
from mlagent_app.tui.widgets.status import StatusLine, TitleLine
from mlagent_app.tui.widgets.steps import StepsTable
from mlagent_app.tui.widgets.why_pane import WhyPane
from mlagent_app.tui.widgets.words import Words
from mlagent_app.tui.wording import SPINNER

if TYPE_CHECKING:
    from mlagent_app.plan import Plan

PANES = ("diff", "log", "why", "reward")
NORMAL, WIDE = 110, 170
WIDTHS = [(0, "-narrow"), (NORMAL, "-normal"), (WIDE, "-wide")]
HEIGHTS = [(0, "-low"), (30, "-tall")]
FRAME = 1 / 30
TICK = 1 / 4
# How long events may be taken in before the screen is drawn and keys are heard again.
SLICE = 0.01


class SessionScreen(DecidingScreen):
    """Folds the session's events into a view, draws it, and passes decisions on."""

    CSS_PATH = "session.tcss"
    AUTO_FOCUS = ""
    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS
    BINDINGS: ClassVar[list[BindingType]] = [key.binding() for key in KEYS]

    def __init__(self, backend: Backend, plan: Plan, clock: Callable[[], float]) -> None:
        super().__init__(lambda wake: SessionThread(backend, plan, wake))
        self._logs: dict[int, StepLog] = {}
        self._pane = "diff"
        self._flush_timer: Timer | None = None
        self._clock = clock
        self._run_began = 0.0
        self._began = clock()
        self._tabbed = "diff"
        self._end_shown = False
        self._metric_asked = False

    def compose(self) -> ComposeResult:
        yield TitleLine()
        with Container(id="body"):
            yield StepsTable()
            yield Tabs(*(Tab(name.capitalize(), id=f"tab-{name}") for name in PANES), id="tabs")
            yield RewardPane()
            yield DiffPane()
            yield LogPane()
            yield WhyPane()
        yield Words()
        yield Prompt()
        yield StatusLine()
        yield Footer()

    def on_mount(self) -> None:
        """Start the session once the screen can show it."""
        self.query_one(Tabs).can_focus = False
        self.query_one(Prompt).display = False
        self.set_interval(TICK, self._on_tick)
        self._show_panes()
        self.draw()
        self.thread.start()

    # From the session's thread to the view.

    @on(DecidingScreen.EventsArrived)
    def _schedule(self) -> None:
        """Draw at most 30 times a second, however fast events come."""
        if self._flush_timer is None:
            self._flush_timer = self.set_timer(FRAME, self._flush)

    def _flush(self) -> None:
        self._flush_timer = None
        until = time.perf_counter() + SLICE
        quiet = True
        for event in self.thread.take(lambda: time.perf_counter() < until):
            self._take(event)
            quiet = quiet and isinstance(event, TRANSIENT)
        if quiet:
            self._draw_log(self.row)
            self.query_one(Words).draw(self.view)
            self._draw_status()
        else:
            self.draw()
        # Asked once events are taken in: a replayed question that was answered long ago asks nothing.
        self._show_waiting()

    def on_screen_resume(self) -> None:
        """What waited for a dialog to close is shown now."""
        self._show_waiting()

    def _show_waiting(self) -> None:
        """Show what comes up by itself. Never over a dialog: the key that is meant for one would answer the other."""
        if self._metric_asked and self.app.screen is self:
            self._metric_asked = False
            self.ask_metric()
        self._after_end()

    def _take(self, event: Event) -> None:
        """One event: lines go to their log, the rest into the view; what only a clock knows is noted here."""
        if isinstance(event, LogLines):
            self._logs.setdefault(event.step, StepLog()).extend(event.lines)
            return
        self.view.apply(event)
        if isinstance(event, SessionStarted | Resumed):
            self._began = self._clock()
        elif isinstance(event, RunStarted):
            self._run_began = self._clock()
            if event.repeat and event.step in self._logs:
                self._logs[event.step].extend([f"── run {event.repeat + 1} ──"])
        elif isinstance(event, DecisionNeeded) and event.question == "metric":
            self._metric_asked = True
        elif isinstance(event, Notice):
            self.notify(event.text, severity="warning" if event.level == "warning" else "information", markup=False)
            if event.detail:
                self._logs.setdefault(event.step, StepLog()).extend([f"── {event.text} ──", *event.detail.splitlines()])
        elif isinstance(event, TestScored):
            self.notify(event.text, markup=False)

    def _after_end(self) -> None:
        """Leave when that is wanted, else show the summary once."""
        if self.thread.alive:
            return
        self.refresh_bindings()
        if self.leaving is not None:
            self.close(self.leaving)
        elif self.view.summary.failed is None and self.view.summary.ended is not None and self.app.screen is self:
            if self._end_shown:
                return
            self._end_shown = True
            self.action_summary()

    # Drawing.

    def draw(self) -> None:
        """Bring every widget up to the view. Widgets skip what has not changed."""
        view, row = self.view, self.row
        self.query_one(TitleLine).draw(view)
        self.query_one(StepsTable).show(view, self._elapsed, self._spinner)
        diff = self.query_one(DiffPane)
        diff.show(view, row)
        self.query_one(WhyPane).show(view, row)
        self.query_one(RewardPane).show(view, row)
        self._draw_log(row)
        self.query_one(Words).draw(view)
        asked = diff if view.question is not None and row is not None and view.question.step == row.index else None
        count, chosen = asked.hunk_counts if asked is not None else (0, 0)
        self.query_one(Prompt).show(view, count, chosen)
        self._draw_status()

    def _draw_status(self) -> None:
        minutes = self.view.summary.most_minutes
        if minutes is not None:
            minutes -= (self.view.earlier_seconds + self._clock() - self._began) / 60
        self.query_one(StatusLine).show(self.view, self._elapsed, self._spinner, minutes)

    def _draw_log(self, row: Row | None) -> None:
        log = self._logs.get(row.index) if row is not None else None
        if row is not None and log is None and row.begun is not None and not row.running:
            # A step of an earlier process: its output is only in the file.
            log = self._logs[row.index] = StepLog()
            self._read_log(row.index, row.begun.log_path)
        if self.query_one(LogPane).show(row, log):
            self._schedule()

    @work(thread=True)
    def _read_log(self, step: int, path: str) -> None:
        log = read_tail(path)
        self.app.call_from_thread(self._put_log, step, log)

    def _put_log(self, step: int, log: StepLog) -> None:
        self._logs[step] = log
        self.draw()

    def _on_tick(self) -> None:
        """Turn the spinner and the clocks."""
        if self.view.over:
            return
        self.query_one(StepsTable).show(self.view, self._elapsed, self._spinner)
        self._draw_status()

    @property
    def _spinner(self) -> str:
        """Turns four times a second."""
        return SPINNER[int(self._clock() / TICK) % len(SPINNER)]

    @property
    def _elapsed(self) -> float:
        """Seconds of the current run."""
        return self._clock() - self._run_began if self.view.activity.phase == "running" else 0.0

    # Looking around.

    @property
    def zoomed(self) -> bool:
        """Whether one pane has the whole body."""
        return self.has_class("-zoom")

    def on_steps_table_selected(self) -> None:
        """Show the selected step in the panes."""
        self.draw()

    def on_tabs_tab_activated(self, event: Tabs.TabActivated) -> None:
        """A click on a tab."""
        if event.tab.id is not None and event.tab.id != f"tab-{self._pane}":
            self.action_show(event.tab.id.removeprefix("tab-"))

    def on_resize(self, event: events.Resize) -> None:
        """Other panes fit the new size."""
        self._show_panes(event.size.width)
        self.call_after_refresh(self.draw)

    def action_show(self, pane: str) -> None:
        """Make `pane` the one that is read, scrolled, copied and expanded."""
        self._pane = pane
        self._show_panes()

    def action_next_pane(self) -> None:
        """The next pane."""
        self.action_show(PANES[(PANES.index(self._pane) + 1) % len(PANES)])

    def action_previous_pane(self) -> None:
        """The pane before."""
        self.action_show(PANES[(PANES.index(self._pane) - 1) % len(PANES)])

    def action_zoom(self) -> None:
        """Expand the pane, or take it back."""
        self.toggle_class("-zoom")
        self._show_panes()
        self.call_after_refresh(self.draw)

    def action_interrupt(self) -> None:
        """In an expanded pane, esc takes the pane back first."""
        if self.zoomed:
            self.action_zoom()
        else:
            super().action_interrupt()

    def action_move(self, by: int) -> None:
        """Select another step; in an expanded pane, scroll."""
        if self.zoomed:
            self._scroll(by)
        else:
            self.query_one(StepsTable).move(by)

    def action_scroll_pane(self, by: int) -> None:
        """Scroll the pane by a page."""
        if self._pane == "log":
            self.query_one(LogPane).scroll_pages(by)
        elif by < 0:
            self.query_one(f"#{self._pane}").scroll_page_up(animate=False)
        else:
            self.query_one(f"#{self._pane}").scroll_page_down(animate=False)

    def action_scroll_aside(self, by: int) -> None:
        """Scroll the log sideways: it alone does not wrap its lines."""
        self.query_one(LogPane).scroll_aside(by)

    def _scroll(self, by: int) -> None:
        if self._pane == "log":
            self.query_one(LogPane).scroll_rows(by)
        else:
            self.query_one(f"#{self._pane}").scroll_relative(y=by, animate=False)

    def _show_panes(self, width: int | None = None) -> None:
        """Mark the active pane, and the one in the tabbed place: beside a standing reward pane that is another one."""
        width = self.size.width if width is None else width
        beside = NORMAL <= width < WIDE and not self.zoomed
        if not (beside and self._pane == "reward"):
            self._tabbed = self._pane
        elif self._tabbed == "reward":
            self._tabbed = "diff"
        for name in PANES:
            pane = self.query_one(f"#{name}")
            pane.set_class(name == self._pane, "-active")
            pane.set_class(name == self._tabbed, "-shown")
        tabs = self.query_one(Tabs)
        tabs.query_one("#tab-reward", Tab).display = not beside
        with self.prevent(Tabs.TabActivated):
            tabs.active = f"tab-{self._tabbed}"

    # Over the screen.

    def action_copy(self) -> None:
        """Copy what the active pane shows."""
        pane = self.query_one(f"#{self._pane}")
        text = pane.text if isinstance(pane, DiffPane | LogPane | WhyPane | RewardPane) else ""
        self.app.copy_to_clipboard(text)
        self.notify(f"Copied the {self._pane}: {len(text.splitlines())} lines.", timeout=3)

    def action_help(self) -> None:
        """Show all keys."""
        from mlagent_app.tui.screens.help import HelpScreen

        self.app.push_screen(HelpScreen())

    def action_summary(self) -> None:
        """Show what the session came to so far."""
        from mlagent_app.tui.screens.summary import SummaryScreen

        def closed(leave: bool | None) -> None:
            if leave:
                self.action_leave()

        self.app.push_screen(SummaryScreen(self.view), closed)
