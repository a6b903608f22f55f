"""A language model behind an OpenAI-compatible endpoint: streaming, interruptible at any moment, patient with busy servers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mlagent_app.agent.chat import Cancelled, Message, OnText, PromptTooLong, Reply, Usage
from mlagent_app.agent.errors import UserError
from mlagent_app.chat import failures
from mlagent_app.chat.failures import CONNECT_SECONDS, CutOff, Foreign
from mlagent_app.chat.profiles import default_context, find_context
from mlagent_app.chat.quoting import encodable
from mlagent_app.chat.stream import Piece, stream_pieces, whole_piece
from mlagent_app.chat.target import Target, require_openai
from mlagent_app.chat.thinking import Spoken, without_thinking
from mlagent_app.chat.tokens import estimate, reply_room
from mlagent_app.chat.waiting import Line, pieces

if TYPE_CHECKING:
    from openai import OpenAI

# A reply is stopped here, thoughts included: no server may fill the memory.
REPLY_CHARS = 400_000
# Looking at an endpoint before it is asked for anything.
LOOK_SECONDS = 5.0
# A prompt of so many tokens tells how far the estimate is off: in shorter ones the marks of the chat template weigh too much.
_TELLING, _MOST_SCALE = 500, 3.0
# An estimate that was too low leaves less room for the reply than was asked for: it is halved, so often at most.
_MOST_SHRUNK = 2


class EndpointModel:
    """A `ChatModel` behind an endpoint. Threads may share it. Sends nothing before it is asked."""

    def __init__(self, target: Target) -> None:
        require_openai()
        import openai

        self._target = target
        self._limit = "max_tokens"
        self._with_usage = True
        self._with_temperature = target.temperature is not None
        self._context = target.context_tokens
        self._scale = 1.0
        self._here = threading.local()
        self._client: OpenAI = openai.OpenAI(
            base_url=target.url.rstrip("/"),
            api_key=target.key or "none",  # servers without keys want a header all the same
            timeout=openai.Timeout(target.timeout_seconds, connect=min(CONNECT_SECONDS, target.timeout_seconds)),
            max_retries=0,
            # A connection a request: the one that is cut is then nobody else's.
            default_headers={"Connection": "close"},
            http_client=openai.DefaultHttpxClient(event_hooks={"request": [self._before_request]}),
        )
        # The library takes these from the environment, and they are of no concern to this server.
        self._client.organization = self._client.project = None

    @property
    def name(self) -> str:
        return self._target.model

    @property
    def context_tokens(self) -> int:
        """As set, else as the server tells it, else what the profile says. May take some seconds, and never raises."""
        if self._context is not None:
            return self._context
        usual = default_context(self._target)
        try:
            found = find_context(self._target, self._get)
        except Exception as error:  # what is wrong with a server that is not up, the reply will say
            found = usual if getattr(error, "status_code", 0) else None
        else:
            # These two tell it of a model that is loaded, which the first request brings about.
            found = found or (None if self._target.context in ("ollama", "lmstudio") else usual)
        self._context = found
        return found or usual

    def count(self, text: str) -> int:
        """The tokens of a text, estimated; corrected upwards by what the server has counted so far."""
        return int(estimate(text) * self._scale) + 1

    def check(self) -> None:
        """Raises `UserError` (exit 4) when nothing listens at the endpoint, or when it refuses the key."""
        import openai

        try:
            self._get(f"{self._target.url.rstrip('/')}/models")
        except openai.APIStatusError as error:
            if error.status_code == 401:  # not 403: a key may be good for the chat alone
                raise failures.explain(error, self._target).error from None
        except openai.APIConnectionError as error:
            raise failures.explain(error, self._target).error from None
        except ValueError:  # no JSON: not every server has this list
            return

    def reply(self, messages: Sequence[Message], cancel: threading.Event, on_text: OnText | None = None) -> Reply:
        """The reply without the thoughts before it.

        Server errors, rate limits, time-outs, cut connections and broken chunks are tried again (see `failures`); `on_text`
        is told where a reply begins anew. Raises `Cancelled` within a tenth of a second after `cancel` is set, and
        `UserError` (exit 4) with what the last try came to.
        """
        failed, shrunk, lost = 0, 0, Usage()
        while True:
            heard = _Heard(on_text)
            try:
                reply = self._once(messages, cancel, heard, shrunk)
                return replace(reply, usage=lost + reply.usage)
            except (Cancelled, UserError):  # the latter is the listener's own
                raise
            except Exception as error:
                if failures.too_long(error) and shrunk < _MOST_SHRUNK:
                    shrunk += 1
                    continue
                if self._adapted(error):
                    continue
                failure = failures.explain(error, self._target)
                failed += 1
                if isinstance(failure.error, PromptTooLong):
                    self._context = self.context_tokens * 3 // 4
                if not failure.again or failed > failures.RETRIES:
                    raise failure.error from None
            if heard.size:  # what was written before it broke is paid
                lost += self._usage(messages, heard)
            if heard.any:
                heard.tell("\n[the connection broke: asking again]\n")
            if cancel.wait(failures.pause_after(failed, failure.pause)):
                raise Cancelled

    def _once(self, messages: Sequence[Message], cancel: threading.Event, heard: _Heard, shrunk: int) -> Reply:
        """One try, whose room for the reply is halved `shrunk` times.

        A reply with text counts as whole where the server says that the stream is over, though not why; one that just stops
        was cut off.
        """
        body = [{"role": message.role, "content": encodable(message.content)} for message in messages]
        finish, ended = "", False

        def produce(line: Line, put: Callable[[Piece], None]) -> None:
            self._stream(line, body, put, shrunk)

        stream: Generator[Piece] = pieces(produce, cancel)
        for piece in stream:
            heard.take(piece)
            finish, ended = piece.finish or finish, ended or piece.ended
            if heard.size > REPLY_CHARS:
                stream.close()
                finish = "length"
        finish = finish or ("stop" if ended and heard.text.strip() else "")
        if not finish:
            raise CutOff("it ended before it was finished")
        return Reply(without_thinking(heard.text), self._usage(messages, heard), finish)

    def _stream(self, line: Line, messages: Sequence[dict[str, str]], put: Callable[[Piece], None], shrunk: int) -> None:
        """Send the request and put what comes back. Works in a thread of its own, whose `line` may be cut."""
        self._here.line = line
        create: Any = self._client.chat.completions.with_raw_response.create
        room = self._target.reply_tokens or reply_room(self.context_tokens)
        extra: dict[str, object] = {self._limit: max(1, room >> shrunk)}
        if self._with_usage:
            extra["stream_options"] = {"include_usage": True}
        if self._with_temperature:
            extra["temperature"] = self._target.temperature
        extra |= self._target.extra
        answer = create(model=self._target.model, messages=messages, stream=True, extra_body=extra)
        kind = str(answer.headers.get("content-type", "")).lower()
        if "html" in kind:
            raise Foreign
        try:
            chunks, seconds = answer.http_response.iter_bytes(), self._target.timeout_seconds
            if "json" in kind:  # a server that does not stream
                put(whole_piece(chunks, seconds))
                return
            for piece in stream_pieces(chunks, seconds):
                if line.is_cut:
                    return
                put(piece)
        finally:
            answer.http_response.close()

    def _adapted(self, error: Exception) -> bool:
        """Whether the server refused something that can be left out or said otherwise; it is from now on."""
        if getattr(error, "status_code", 0) not in (400, 422):
            return False
        told = str(error)
        # Newer hosted models refuse `max_tokens`, and most other servers know nothing else.
        if "max_completion_tokens" in told and self._limit != "max_completion_tokens":
            self._limit = "max_completion_tokens"
        elif self._with_usage and ("stream_options" in told or "include_usage" in told):
            self._with_usage = False
        elif self._with_temperature and "temperature" in told:
            self._with_temperature = False
        else:
            return False
        return True

    def _usage(self, messages: Sequence[Message], heard: _Heard) -> Usage:
        """What a reply took: as the server counts it, else estimated; thoughts are written, and paid, too."""
        counted, estimated = heard.usage, sum(estimate(message.content) for message in messages)
        written = self.count(heard.text) + int(heard.thoughts * self._scale)
        read, written = counted or (self.count("".join(message.content for message in messages)), written)
        if counted is not None and estimated > _TELLING:
            self._scale = min(max(self._scale, read / estimated), _MOST_SCALE)
        target, cost = self._target, None
        if target.prompt_price is not None and target.completion_price is not None:
            cost = (read * target.prompt_price + written * target.completion_price) / 1e6
        return Usage(read, written, cost)

    def _get(self, url: str) -> object:
        return self._client.get(url, cast_to=object, options={"timeout": LOOK_SECONDS})

    def _before_request(self, request: Any) -> None:  # noqa: ANN401  # httpx's, or that of its successor
        line: Line | None = getattr(self._here, "line", None)
        if line is not None:
            request.extensions = {**request.extensions, "trace": line.trace}


class _Heard:
    """What has come of one try, and what of it is for others, who are told as it comes.

    `thoughts` are the tokens, estimated, of those that came beside the text; `size` is in characters, thoughts included.
    """

    def __init__(self, on_text: OnText | None) -> None:
        self._on_text = on_text
        self._spoken = Spoken()
        self._parts: list[str] = []
        self.any = False
        self.size = self.thoughts = 0
        self.usage: tuple[int, int] | None = None

    @property
    def text(self) -> str:
        """All text so far."""
        return "".join(self._parts)

    def take(self, piece: Piece) -> None:
        """One more piece."""
        self._parts.append(piece.text)
        self.size += len(piece.text) + len(piece.thought)
        self.thoughts += estimate(piece.thought)
        self.usage = piece.usage or self.usage
        shown = self._spoken.feed(piece.text) if piece.text else ""
        if shown:
            self.any = True
            self.tell(shown)

    def tell(self, text: str) -> None:
        """Say something to whoever listens."""
        if self._on_text is not None:
            self._on_text(text)


def connected(target: Target) -> EndpointModel:
    """The model, once something listens there that takes the key. Raises `UserError` (exit 4)."""
    model = EndpointModel(target)
    model.check()
    return model
