"""What a model thinks aloud before it answers is no part of its answer."""

from __future__ import annotations

import re

OPEN, CLOSE = "<think>", "</think>"
_ACTION = re.compile(r"^\W*Action\W*:", re.MULTILINE)


def without_thinking(text: str) -> str:
    """The reply after its thoughts, stripped; empty when it never got beyond them.

    Only thoughts at the beginning count: a script that a patch changes may contain the same marks. Where the chat template
    opens the thinking, the reply holds only its end.
    """
    head, end, rest = text.partition(CLOSE)
    if text.lstrip().startswith(OPEN):
        return rest.strip()
    opened_before = end and OPEN not in head and not _ACTION.search(head)
    return (rest if opened_before else text).strip()


class Spoken:
    """The pieces of a reply that are for others, as they come: thoughts at the beginning are held back."""

    def __init__(self) -> None:
        self._held = ""
        self._state = "start"

    def feed(self, piece: str) -> str:
        """What may be shown now that `piece` has come."""
        if self._state == "open":
            return piece
        self._held += piece
        if self._state == "start":
            begun = self._held.lstrip()
            if len(begun) < len(OPEN) and OPEN.startswith(begun):
                return ""
            self._state = "thinking" if begun.startswith(OPEN) else "open"
        if self._state == "thinking":
            _, end, self._held = self._held.partition(CLOSE) if CLOSE in self._held else ("", "", self._held)
            if not end:
                return ""
            self._state = "open"
            self._held = self._held.lstrip()
        shown, self._held = self._held, ""
        return shown
