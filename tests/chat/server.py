"""An OpenAI-compatible server over real sockets, scripted: what it says, how fast, and how it fails.

with serving([said("Action: ..."), refused(429, "slow down", retry_after="1")]) as server:
    EndpointModel(Target(url=server.url, model="m"))
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, cast

Ending = Literal["done", "bare", "cut", "silent", "alive"]


@dataclass(frozen=True)
class Answer:
    """One answer to POST /v1/chat/completions.

    Streamed when `pieces` is not None: a chunk each, `between` seconds apart, the first after `wait` seconds. `ending`: `done`
    ends as the protocol has it, `bare` without a last chunk and `[DONE]`, `cut` drops the connection, `silent` says nothing
    more until the client leaves, `alive` nothing but comments. `broken` is sent in place of a chunk, as it is. Otherwise
    `body` is sent whole with `status`.
    """

    pieces: tuple[str, ...] | None = None
    ending: Ending = "done"
    broken: str = ""
    finish: str = "stop"
    usage: tuple[int, int] | None = (100, 20)
    wait: float = 0.0
    between: float = 0.0
    status: int = 200
    body: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = "application/json"


def said(text: str, *, size: int = 16, **more: Any) -> Answer:  # noqa: ANN401
    """A streamed reply, `size` characters a chunk."""
    return Answer(tuple(text[at : at + size] for at in range(0, len(text), size)), **more)


def refused(status: int, message: str, *, retry_after: str = "") -> Answer:
    """An error as the protocol has it."""
    body = json.dumps({"error": {"message": message, "type": "error", "param": None, "code": None}})
    return Answer(status=status, body=body, headers=(("Retry-After", retry_after),) if retry_after else ())


# Chooses the answer to a request's body: for servers that think.
Chooser = Callable[[dict[str, Any]], Answer]


@dataclass
class Server:
    """Gives the answers of `script` in order, the last one again and again; or what `choose` says.

    `key`: what the Authorization header must carry. `seen` are the bodies of all requests to the chat, `headers` theirs,
    `paths` all paths that were asked for, `left` how many clients went away in the middle of an answer. `others` are the JSON
    answers to GET, by path.
    """

    url: str = ""
    script: list[Answer] = field(default_factory=list[Answer])
    choose: Chooser | None = None
    key: str = ""
    refuses: tuple[str, ...] = ()
    others: dict[str, object] = field(default_factory=dict[str, object])
    seen: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    headers: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    paths: list[str] = field(default_factory=list[str])
    left: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    spoke: threading.Event = field(default_factory=threading.Event)

    def asked(self, index: int) -> str:
        """The last message of a request."""
        return cast("str", self.seen[index]["messages"][-1]["content"])

    def answer(self, body: dict[str, Any]) -> Answer:
        for name in self.refuses:
            if name in body:
                instead = " Use 'max_completion_tokens' instead." if name == "max_tokens" else ""
                return refused(400, f"Unsupported parameter: '{name}'.{instead}")
        if self.choose is not None:
            return self.choose(body)
        return self.script[min(len(self.seen), len(self.script)) - 1]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    place: Server

    def do_GET(self) -> None:
        self.place.paths.append(self.path)
        if self._allowed():
            known = self.path in self.place.others
            self._send(Answer(body=json.dumps(self.place.others.get(self.path)), status=200 if known else 404))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.place.paths.append(self.path)
        if not self._allowed():
            return
        if self.path != "/v1/chat/completions":
            self._send(Answer(body='{"detail": "Not Found"}', status=404))
            return
        self.place.seen.append(body)
        self.place.headers.append({name.lower(): value for name, value in self.headers.items()})
        answer = self.place.answer(body)
        try:
            self._wait(answer.wait)
            if answer.pieces is None:
                self._send(answer)
            else:
                self._stream(answer, with_usage="stream_options" in body)
        except OSError:
            self.place.left.release()
            self.close_connection = True

    def _allowed(self) -> bool:
        sent = self.headers.get("Authorization", "")
        if self.place.key and sent != f"Bearer {self.place.key}":
            self._send(refused(401, f"Incorrect API key provided: {sent.removeprefix('Bearer ')}"))
            return False
        return True

    def _send(self, answer: Answer) -> None:
        data = answer.body.encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(data)))
        for name, value in answer.headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, answer: Answer, *, with_usage: bool) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self._chunk(": a comment, as some servers send to keep the line open\n\n")
        for piece in answer.pieces or ():
            self._event(_chunk_of({"content": piece}, None))
            self.place.spoke.set()
            self._wait(answer.between)
        if answer.broken:
            self._chunk(answer.broken)
        if answer.ending == "silent":
            self._wait(3600.0)
        while answer.ending == "alive":
            self._chunk(": PROCESSING\n\n")
            self._wait(0.05)
        if answer.ending == "cut":
            self.close_connection = True
            return
        if answer.ending == "bare":
            self.wfile.write(b"0\r\n\r\n")
            return
        self._event(_chunk_of({}, answer.finish))
        if with_usage and answer.usage is not None:
            read, written = answer.usage
            usage = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
            self._event({**_chunk_of({}, None), "choices": [], "usage": usage})
        self._chunk("data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def _event(self, data: dict[str, Any]) -> None:
        self._chunk(f"data: {json.dumps(data)}\n\n")

    def _chunk(self, text: str) -> None:
        data = text.encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def _wait(self, seconds: float) -> None:
        """Wait, but not for a client that has gone."""
        end = time.monotonic() + seconds
        self.connection.settimeout(0.02)
        try:
            while time.monotonic() < end:
                try:
                    if not self.connection.recv(1):
                        raise ConnectionError("the client has gone")
                except TimeoutError:
                    continue
        finally:
            self.connection.settimeout(None)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing to standard error."""


def _chunk_of(delta: dict[str, str], finish: str | None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
    return {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that gave up is no error here."""


@contextlib.contextmanager
def serving(script: Sequence[Answer] = (), **more: Any) -> Generator[Server]:  # noqa: ANN401
    """A server on a free port of this machine, for as long as the block lasts."""
    place = Server(script=list(script), **more)
    httpd = _Quiet(("127.0.0.1", 0), type("Handler", (_Handler,), {"place": place}))
    place.url = f"http://127.0.0.1:{httpd.server_address[1]}/v1"
    thread = threading.Thread(target=httpd.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield place
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join()
