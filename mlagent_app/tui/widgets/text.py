"""Text that is shown again and again, and drawn only when it is another one."""

from __future__ import annotations

from rich.cells import cell_len
from textual.content import Content
from textual.widgets import Static


class Text(Static):
    """A `Static` without markup. A session is redrawn up to 30 times a second; most of it is the same each time."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes, markup=False)
        self._last = Content("")

    def show(self, content: Content) -> None:
        """Show `content`; nothing is laid out anew unless it takes another room."""
        old, self._last = self._last, content
        if not old.is_same(content):
            self.update(content, layout=_lengths(old) != _lengths(content))


def _lengths(content: Content) -> list[int]:
    """What decides the room a text takes: the cells of each of its lines."""
    return [cell_len(line) for line in content.plain.split("\n")]
