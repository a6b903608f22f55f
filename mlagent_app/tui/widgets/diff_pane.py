"""The detail of one step: what it does, its warnings, and its diff, hunk by hunk."""

from __future__ import annotations

from dataclasses import dataclass

from textual import events
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from mlagent_app.tui import details
from mlagent_app.tui.diff import Hunk, Kind, Line, parse
from mlagent_app.tui.model import Row, View
from mlagent_app.tui.widgets.text import Text

MAX_LINES = 2_000
SIGNS: dict[Kind, str] = {"context": " ", "added": "+", "removed": "-", "note": "\\"}
TINTS: dict[Kind, str] = {"context": "", "added": "on $success 15%", "removed": "on $error 15%", "note": "dim"}
NO_TINTS: dict[Kind, str] = {"context": "", "added": "", "removed": "", "note": "dim"}
SIGN_STYLES: dict[Kind, str] = {"context": "", "added": "bold $text-success", "removed": "bold $text-error", "note": ""}


@dataclass(frozen=True, slots=True)
class HunkState:
    """How a hunk's header looks: whether it is chosen, under the mark, and whether there is a choice at all."""

    chosen: bool
    marked: bool
    choosable: bool


class HunkView(Static):
    """One hunk. A click on it marks it; a click on its header chooses it or leaves it out."""

    class Clicked(Message):
        """The hunk was clicked."""

        def __init__(self, index: int, header: bool) -> None:
            super().__init__()
            self.index = index
            self.header = header

    def __init__(self, hunk: Hunk, count: int) -> None:
        super().__init__(classes="hunk", markup=False)
        self.hunk = hunk
        self._count = count
        self._code = _highlighted(hunk)
        self._drawn: tuple[int, HunkState] | None = None

    def show(self, width: int, state: HunkState) -> None:
        """Draw `width` cells wide, so that the tints reach the edge."""
        if (width, state) != self._drawn:
            self._drawn = (width, state)
            self.update(self._content(width, state))

    def on_click(self, event: events.Click) -> None:
        """Tell the pane."""
        self.post_message(self.Clicked(self.hunk.index, header=event.y == 0))

    def _content(self, width: int, state: HunkState) -> Content:
        hunk = self.hunk
        digits = max(3, len(str(hunk.last)))
        # The sixteen colours of a terminal cannot be mixed to a tint: there the signs and line numbers have to do.
        tints = NO_TINTS if self.app.native_ansi_color else TINTS
        parts = [_header(hunk, self._count, state).truncate(width, ellipsis=True)]
        for line, code in zip(hunk.lines[:MAX_LINES], self._code, strict=False):
            where = line.new if line.new is not None else line.old
            gutter = f" {where if where is not None else '':>{digits}} "
            sign = SIGNS[line.kind]
            # A long line goes on under itself: nothing of an edit is out of sight.
            for part in code.fold(max(20, width - digits - 4)):
                body = Content.assemble((gutter, "$foreground-muted"), (sign, SIGN_STYLES[line.kind]), " ", part)
                body = body.pad_right(max(0, width - body.cell_length))
                parts.append(body.stylize_before(tints[line.kind]) if tints[line.kind] else body)
                gutter, sign = " " * (digits + 2), " "
        if len(hunk.lines) > MAX_LINES:
            parts.append(Content.styled(f"  … {len(hunk.lines) - MAX_LINES} more lines", "dim"))
        return Content("\n").join(parts)


def _header(hunk: Hunk, count: int, state: HunkState) -> Content:
    """`▸ [x] hunk 1 of 2  train.py  lines 10-14  +1 -1`."""
    lines = f"line {hunk.first}" if hunk.first == hunk.last else f"lines {hunk.first}-{hunk.last}"
    parts: list[tuple[str, str]] = []
    if state.choosable:
        parts.append(("▸ " if state.marked else "  ", "bold $text-accent"))
        parts.append(("[x] " if state.chosen else "[ ] ", "bold $text-success" if state.chosen else "bold"))
    if count > 1:
        parts.append((f"hunk {hunk.index + 1} of {count}  ", "bold"))
    parts.append((f"{hunk.file}  ", "bold"))
    parts.append((f"{lines}  ", "$foreground-muted"))
    parts.append((f"+{hunk.added}", "$text-success"))
    parts.append((" ", ""))
    parts.append((f"-{hunk.removed}", "$text-error"))
    if hunk.section:
        parts.append((f"  {hunk.section}", "$foreground-muted"))
    if state.choosable and not state.chosen:
        parts.append(("  left out", "italic $text-warning"))
    return Content.assemble(*parts)


def _highlighted(hunk: Hunk) -> list[Content]:
    """The code of each line in colour. The two sides are highlighted apart, since each is a program of its own."""
    from textual.highlight import highlight  # here: Pygments takes its time to import

    def side(kinds: tuple[Kind, Kind]) -> list[Content]:
        code = "\n".join(_plain(line) for line in hunk.lines[:MAX_LINES] if line.kind in kinds)
        return highlight(code, path=hunk.file, tab_size=4).split("\n", allow_blank=True) if code else []

    old, new = iter(side(("context", "removed"))), iter(side(("context", "added")))
    result: list[Content] = []
    for line in hunk.lines[:MAX_LINES]:
        if line.kind == "note":
            result.append(Content(line.text))
        elif line.kind == "removed":
            result.append(next(old, Content(_plain(line))))
        else:
            result.append(next(new, Content(_plain(line))))
            if line.kind == "context":
                next(old, None)
    return result


def _plain(line: Line) -> str:
    """A line's text as it can be drawn: one line, whatever control characters are in it."""
    text = line.text.rstrip("\r").expandtabs(4)
    return text if text.isprintable() else "".join(char if char.isprintable() else "\ufffd" for char in text)


class DiffPane(VerticalScroll, can_focus=False):
    """The selected step. While it may be accepted, its hunks can be chosen one by one."""

    def __init__(self) -> None:
        super().__init__(id="diff", classes="pane")
        self.border_title = "Diff"
        self._about = Text(id="about")
        self._views: list[HunkView] = []
        self._chosen: list[bool] = []
        self._marked = 0
        self._choosable = False
        self._diff = ""
        self._step = -1
        self._shown: tuple[View, Row | None] = (View(), None)

    def on_mount(self) -> None:
        """The head of the pane is always there."""
        self.mount(self._about)

    @property
    def hunks(self) -> tuple[int, ...] | None:
        """The chosen hunks, None when that is all of them."""
        if all(self._chosen):
            return None
        return tuple(at for at, chosen in enumerate(self._chosen) if chosen)

    @property
    def hunk_counts(self) -> tuple[int, int]:
        """How many hunks there are, and how many are chosen."""
        return len(self._chosen), sum(self._chosen)

    @property
    def text(self) -> str:
        """The diff as it would be applied, for the clipboard."""
        return self._diff or str(self._about.visual)

    def show(self, view: View, row: Row | None) -> None:
        """Show a step."""
        self._shown = (view, row)
        self._about.show(details.about(view, row, self.scrollable_content_region.width))
        diff = row.summary.proposed.diff if row is not None and row.summary is not None else ""
        index = row.index if row is not None else -1
        if (index, diff) != (self._step, self._diff):
            self._step, self._diff = index, diff
            self._replace(parse(diff))
        choosable = (
            len(self._views) > 1
            and view.question is not None
            and view.question.question == "accept"
            and view.question.step == index
        )
        if choosable != self._choosable:
            self._choosable = choosable
        self._draw()

    def toggle(self) -> bool:
        """Choose the marked hunk or leave it out; False when there is nothing to choose."""
        if not self._choosable:
            return False
        self._chosen[self._marked] = not self._chosen[self._marked]
        self._draw()
        return True

    def mark(self, by: int) -> bool:
        """Mark another hunk and bring it into view; False when there is only one."""
        if len(self._views) < 2:
            return False
        self._marked = max(0, min(len(self._views) - 1, self._marked + by))
        self._views[self._marked].scroll_visible(top=True, animate=False)
        self._draw()
        return True

    def on_hunk_view_clicked(self, event: HunkView.Clicked) -> None:
        """Mark the hunk; its header toggles it."""
        event.stop()
        self._marked = event.index
        if not (event.header and self.toggle()):
            self._draw()

    def on_resize(self, _: events.Resize) -> None:
        """Words and tints reach the new edge."""
        self.show(*self._shown)

    def _replace(self, hunks: tuple[Hunk, ...]) -> None:
        for view in self._views:
            view.remove()
        self._views = [HunkView(hunk, len(hunks)) for hunk in hunks]
        self._chosen = [True] * len(hunks)
        self._marked = 0
        if self._views:
            self.mount_all(self._views)
        self.scroll_home(animate=False)

    def _draw(self) -> None:
        width = self.scrollable_content_region.width
        for at, view in enumerate(self._views):
            view.show(width, HunkState(self._chosen[at], at == self._marked, self._choosable))
