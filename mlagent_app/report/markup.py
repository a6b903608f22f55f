"""HTML from a tree of calls: whatever is not markup already is escaped, so that no text can become markup by oversight."""

from __future__ import annotations

import html

from mlagent_app.report.wording import visible


class Markup(str):
    """Text that is HTML already. Only this module and constants make it."""

    __slots__ = ()


def tag(name: str, *content: str, **attributes: str) -> Markup:
    """An element. Content that is no `Markup` is escaped; attribute values always are.

    An attribute's name may end in `_` where it would be a Python word, and other underscores stand for hyphens.
    """
    given = "".join(f' {key.rstrip("_").replace("_", "-")}="{_escape(value)}"' for key, value in attributes.items())
    return Markup(f"<{name}{given}>{join(*content)}</{name}>")


def join(*content: str) -> Markup:
    """Several pieces after each other, escaped like the content of `tag`."""
    return Markup("".join(piece if isinstance(piece, Markup) else _escape(piece) for piece in content))


def _escape(text: str) -> str:
    return html.escape(visible(text, lines=True), quote=True)
