"""What the policy writes, as it writes it."""

from __future__ import annotations

from textual.content import Content

from mlagent_app.tui.logs import clean
from mlagent_app.tui.model import View
from mlagent_app.tui.widgets.text import Text

ROWS = 4


class Words(Text):
    """The last lines of the answer under way; hidden while nothing is written. Always of one height, so that nothing jumps."""

    def __init__(self) -> None:
        super().__init__(id="words")
        self.display = False

    def draw(self, view: View) -> None:
        """Draw `view`."""
        self.display = bool(view.words) and not view.over
        if not self.display:
            return
        width = max(20, self.app.size.width - 4)
        body = Content("\n").join(Content(clean(line)) for line in view.words.split("\n"))
        lines = [line.rstrip() for line in body.wrap(width)][-ROWS:]
        self.show(Content("\n").join(lines + [Content(" ")] * (ROWS - len(lines))))
