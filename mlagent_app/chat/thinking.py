"""What a model thinks aloud before it answers is no part of its answer."""

from __future__ import annotations

import json
import re

OPEN, CLOSE = "<think>", "</think>"
# Blanks and signs, but no line ends: a text of many empty lines would take its square of time.
_ACTION = re.compile(r"^[^\w\n]*(?:\d+[^\w\n]+)?Action[^\w\n]*:", re.MULTILINE)
_INPUT = re.compile(r"^[^\w\n]*(?:\d+[^\w\n]+)?Action Input[^\w\n]*:", re.MULTILINE)
_BLOCK = re.compile(r"^[ \t]*(<{5,}[ \t]*SEARCH|>{5,}[ \t]*REPLACE)", re.MULTILINE)


def without_thinking(text: str) -> str:
    """The reply after its thoughts, stripped; empty when it never got beyond them.

    Only thoughts at the beginning count: a script that a patch changes may contain the same marks. Where the chat template
    opens the thinking, the reply holds only its end: that of a text without an action, or with one that is a draft, as the
    real one follows. A mark within a block of an edit, or within the input of an action, ends no thoughts.

    Apply it once: what is left may begin with text that looks like thoughts.
    """
    head, end, rest = text.partition(CLOSE)
    if text.lstrip().startswith(OPEN):
        return rest.strip()
    if not end or _within_block(head, rest) or _within_input(text, len(head)):
        return text.strip()
    thoughts = bool(_ACTION.search(rest)) if _ACTION.search(head) else OPEN not in head
    return (rest if thoughts else text).strip()


def _within_block(head: str, rest: str) -> bool:
    """Whether a search/replace block begins before and ends after."""
    before, after = _BLOCK.findall(head), _BLOCK.search(rest)
    return bool(before) and before[-1].startswith("<") and after is not None and after[1].startswith(">")


def _within_input(text: str, at: int) -> bool:
    """Whether the place `at` is within the JSON object of the last action input that begins before it."""
    inputs = [found.end() for found in _INPUT.finditer(text, 0, at)]
    start = text.find("{", inputs[-1], at) if inputs else -1
    if start < 0:
        return False
    try:
        _, end = json.JSONDecoder(strict=False).raw_decode(text, start)
    except (ValueError, RecursionError):
        return False
    return end > at


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
