"""What an endpoint sends, in pieces: the events of a stream, or a body that comes whole.

Read here rather than by the client library: it hides how a stream ended, drops what a server says of its own failure, and takes
the comments of a server that does nothing for signs of life.
"""

from __future__ import annotations

import json
import time
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from mlagent_app.chat.failures import Failed, Foreign, Malformed
from mlagent_app.chat.quoting import encodable

# A reply may take so many times the longest silence. One that is written until then ends there, as if it were too long.
WHOLE_REPLY = 4
# No event, and no body, is longer: no server may fill the memory.
_MOST_BYTES = 16_000_000


@dataclass(frozen=True, slots=True)
class Piece:
    """What one chunk of a stream brings: text, thoughts, why the reply ends, what it took; each may be missing.

    `ended`: the server says that the stream is over.
    """

    text: str = ""
    thought: str = ""
    finish: str = ""
    usage: tuple[int, int] | None = None
    ended: bool = False


class _Patience:
    """How long a server may take, by the chunks of a reply; whatever else it sends to keep the line open does not count."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._begun = self._last = time.monotonic()

    def heard(self) -> None:
        """A chunk has come."""
        self._last = time.monotonic()

    def check(self) -> None:
        """Raises `TimeoutError` after too long a silence."""
        if time.monotonic() - self._last > self._seconds:
            raise TimeoutError("no piece of a reply came")

    @property
    def over(self) -> bool:
        """Whether the reply has taken as long as any may."""
        return time.monotonic() - self._begun > WHOLE_REPLY * self._seconds


def stream_pieces(chunks: Iterable[bytes], timeout_seconds: float) -> Generator[Piece]:
    """The pieces of a streamed reply.

    Raises `Malformed` for what is no chat completion, `Failed` where the server says that it failed, `TimeoutError` when no
    piece has come for `timeout_seconds`. After `WHOLE_REPLY` times as long a reply is cut: its last piece says "length".
    """
    patience, spoken = _Patience(timeout_seconds), False
    for data in _events(chunks):
        if data.startswith("[DONE]"):
            yield Piece(ended=True)
            return
        piece = _piece(_value(data)) if data else None
        if piece is None:
            patience.check()
        else:
            patience.heard()
            spoken = spoken or bool(piece.text or piece.thought)
            yield piece
        if patience.over:
            if not spoken:
                raise TimeoutError("no text came")
            yield Piece(finish="length")
            return


def whole_piece(chunks: Iterable[bytes], timeout_seconds: float) -> Piece:
    """The one piece of a reply that is not streamed.

    Raises `Foreign` when it is no chat completion, `Failed` where the server says that it failed, `TimeoutError` when it takes
    `WHOLE_REPLY` times `timeout_seconds`: some servers send blanks until they have it.
    """
    patience, body = _Patience(timeout_seconds), bytearray()
    for chunk in chunks:
        body += chunk
        if patience.over:
            raise TimeoutError("no whole reply came")
        if len(body) > _MOST_BYTES:
            raise Foreign
    try:
        data = _value(body.decode("utf-8", "replace"))
        _raise_failure(data)
        choice: Any = data["choices"][0]
        message: Any = choice["message"]
        text, finish = _text(message.get("content")), str(choice.get("finish_reason") or "stop")
        return Piece(text, _thought(message), finish, _tokens(data.get("usage")))
    except (Malformed, ValueError, KeyError, IndexError, TypeError, AttributeError):
        raise Foreign from None


def _events(chunks: Iterable[bytes]) -> Generator[str]:
    """The data of the events of a stream; "" where bytes came that are no data, so that the reader may look at its clock."""
    rest, lines = b"", list[str]()
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in (item.rstrip(b"\r").decode("utf-8", "replace") for item in whole):
            if line.startswith("data:"):
                lines.append(line.removeprefix("data:").strip())
            elif not line and lines:
                yield "\n".join(lines).strip()
                lines = []
        if len(rest) + sum(map(len, lines)) > _MOST_BYTES:
            raise Malformed("an event without end")
        yield ""
    if rest.startswith(b"data:"):  # some servers leave out the empty line, or the end of the line, after the last event
        lines.append(rest.removeprefix(b"data:").decode("utf-8", "replace").strip())
    yield "\n".join(lines).strip()


def _value(data: str) -> dict[str, Any]:
    """The object that `data` is. Raises `Malformed` or ValueError."""
    try:
        found: object = json.loads(data)
    except RecursionError:
        found = None
    if not isinstance(found, dict):
        raise Malformed("a chunk that is no object")
    return cast("dict[str, Any]", found)


def _piece(data: Mapping[str, Any]) -> Piece | None:
    """What a chunk brings; None for one that belongs to no reply, such as a ping. Raises `Malformed` and `Failed`."""
    _raise_failure(data)
    usage = _tokens(data.get("usage"))
    choices = data.get("choices")
    if not isinstance(choices, list) or not choices:  # the last chunk, with the usage, and the first one of some servers
        return Piece(usage=usage) if usage else None
    first = _object(cast("list[object]", choices)[0])
    delta, finish = _object(first.get("delta") or {}), first.get("finish_reason")
    return Piece(_text(delta.get("content")), _thought(delta), finish if isinstance(finish, str) else "", usage)


def _raise_failure(data: Mapping[str, Any]) -> None:
    """Raises `Failed` where a server says within a reply that it failed: OpenAI's way, vLLM's, or with the choice."""
    choices = data.get("choices")
    first = cast("list[object]", choices)[0] if isinstance(choices, list) and choices else None
    error = data.get("error") or (cast("Mapping[str, Any]", first).get("error") if isinstance(first, Mapping) else None)
    if error or data.get("object") == "error" or data.get("type") == "error":
        told = cast("Mapping[str, Any]", error) if isinstance(error, Mapping) else data
        code = told.get("code")
        raise Failed({"error": error} if error else data, code if isinstance(code, int) else 0)


def _object(value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise Malformed("a chunk whose choice is no object")
    return cast("Mapping[str, Any]", value)


def _text(content: object) -> str:
    """The text of a message's content, which may be a list of parts: those of text count, thoughts do not."""
    if content is None:
        return ""
    if isinstance(content, str):
        return encodable(content)
    if not isinstance(content, list):
        raise Malformed("the content is no text")
    return "".join(_text(part["text"]) for part in _parts(cast("list[object]", content)) if isinstance(part.get("text"), str))


def _parts(content: list[object]) -> list[Mapping[str, Any]]:
    """The parts of a content. Raises `Malformed`."""
    if not all(isinstance(part, Mapping) for part in content):
        raise Malformed("the content is no text")
    return cast("list[Mapping[str, Any]]", content)


def _thought(message: Mapping[str, Any]) -> str:
    """What a server sends of the model's thoughts beside its text; by any of the names that are in use."""
    content, named = message.get("content"), message.get("reasoning_content") or message.get("reasoning")
    told = [named] if isinstance(named, str) else []
    if isinstance(content, list):
        for part in _parts(cast("list[object]", content)):
            inner = part.get("thinking")
            told += [_text(cast("object", inner))] if isinstance(inner, str | list) else []
    return encodable("".join(told))


def _tokens(usage: object) -> tuple[int, int] | None:
    """The tokens that were read and written, None where the server does not tell both."""
    if not isinstance(usage, Mapping):
        return None
    found = cast("Mapping[str, Any]", usage)
    read, written = found.get("prompt_tokens"), found.get("completion_tokens")
    return (read, written) if isinstance(read, int) and isinstance(written, int) else None
