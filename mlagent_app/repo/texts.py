"""Source files as text, in a way that gives back the very same bytes."""

from __future__ import annotations

import io
import tokenize
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TextFile:
    """A file's text with its own line ends, and the encoding that turns it back into bytes."""

    text: str
    encoding: str

    def encode(self, text: str) -> bytes:
        """`text` in this file's encoding. Raises UnicodeEncodeError when the encoding lacks a character."""
        return text.encode(self.encoding)


def decode(path: str, content: bytes) -> TextFile | None:
    """The text of `content`, None when it is not text or would not come back byte for byte.

    Python sources follow their coding line (PEP 263); everything else is UTF-8, with or without a byte order mark.
    """
    if b"\0" in content:
        return None
    encoding = "utf-8-sig" if content.startswith(b"\xef\xbb\xbf") else "utf-8"
    if path.endswith(".py"):
        try:
            encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        except SyntaxError:
            return None
    try:
        text = content.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return None
    found = TextFile(text, encoding)
    return found if found.encode(text) == content else None
