"""Lines of labels and what stands beside them, wrapped to the width there is."""

from __future__ import annotations

from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from mlagent_app.tui.details import LABEL, Lines, facts


class Facts(Widget):
    """`details.facts` as a widget; a long line goes on under its own text."""

    DEFAULT_CSS = "Facts { height: auto; }"

    def __init__(self, lines: Lines, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._lines = lines

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """In lines, wrapped to the width: asked before there is a size, so that the first layout is right."""
        del container, viewport
        return facts(self._lines, LABEL, width).plain.count("\n") + 1

    def render(self) -> Content:
        """Wrapped to the width."""
        return facts(self._lines, LABEL, self.size.width)
