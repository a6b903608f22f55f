"""A key that can also be clicked."""

from __future__ import annotations

from textual import events
from textual.content import Content
from textual.widgets import Static


class ActionKey(Static):
    """`a accept`: shows a key and what it does; a click runs the screen's action."""

    ALLOW_SELECT = False

    def __init__(self, key: str, label: str, action: str) -> None:
        super().__init__(Content.assemble((f"{key} ", "bold $text-accent"), label), classes="action-key")
        self._action = action

    async def on_click(self, event: events.Click) -> None:
        """Do what the key does."""
        event.stop()
        await self.screen.run_action(self._action)
