"""What real servers send that the protocol does not have, over real sockets: read where it can be, else told as it was said."""

from __future__ import annotations

import json
import threading

import pytest

from mlagent_app.agent.chat import Message, Reply, Usage
from mlagent_app.agent.errors import Exit, UserError
from mlagent_app.chat import stream
from mlagent_app.chat.client import EndpointModel
from mlagent_app.chat.target import Target
from mlagent_app.chat.tokens import estimate
from tests.chat.server import Answer, Server, refused, said, serving

ASKED = (Message("system", "rules"), Message("user", "go on"))


def reply_of(server: Server, **more: object) -> Reply:
    given: dict[str, object] = {"url": server.url, "model": "m", "context_tokens": 8192, **more}
    return EndpointModel(Target(**given)).reply(ASKED, threading.Event())  # pyright: ignore[reportArgumentType]


def chunk(**delta: object) -> str:
    return f"data: {json.dumps({'choices': [{'index': 0, 'delta': delta, 'finish_reason': None}]})}\n\n"


def body(data: object) -> Answer:
    return Answer(body=json.dumps(data))


THINKING = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}


@pytest.mark.parametrize(
    "answer",
    [
        said("hello", broken='event: ping\ndata: {"type": "ping"}\n\n'),
        said("hello", broken="data:\n\n"),
        said("hello", broken='data: {"x": 1}\r\n\r\n: a comment\r\n\r\n'),
        said("hello", broken=chunk(content=[THINKING])),
        said("", broken=chunk(content=[THINKING, {"type": "text", "text": "hel"}, {"type": "text", "text": "lo"}])),
        said("hello", finish=""),
        said("hello", ending="bare", broken=f"{chunk()}data: [DONE]"),
        body({"choices": [{"message": {"content": "hello"}, "finish_reason": "stop"}], "usage": {"total_tokens": 5}}),
        body({"choices": [{"message": {"content": [THINKING, {"type": "text", "text": "hello"}]}}], "error": None}),
    ],
)
def test_what_servers_add_or_leave_out_is_read(answer: Answer) -> None:
    with serving([answer]) as server:
        reply = reply_of(server)
    assert (reply.text, reply.finish, len(server.seen)) == ("hello", "stop", 1)


@pytest.mark.parametrize("ending", ["done", "bare"])
def test_a_reply_without_text_is_none(ending: str) -> None:
    with serving([said("", finish="", ending=ending), said("hello")]) as server:
        assert reply_of(server).text == "hello"


FAILURES = {"error": {"message": "Provider returned error", "code": 502}}, {"object": "error", "message": "EngineCore died"}


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (body(FAILURES[0]), "Provider returned error"),
        (body(FAILURES[1]), "EngineCore died"),
        (body({"choices": [{"error": {"message": "gone"}, "finish_reason": "error"}]}), "gone"),
        (said("hel", broken=f"data: {json.dumps(FAILURES[0])}\n\n"), "Provider returned error"),
        (said("hel", broken=f"data: {json.dumps(FAILURES[1])}\n\n"), "EngineCore died"),
        (said("", broken='event: error\ndata: {"type": "error", "error": {"message": "overloaded"}}\n\n'), "overloaded"),
    ],
)
def test_a_server_that_says_that_it_failed_is_asked_again_and_quoted(answer: Answer, why: str) -> None:
    with serving([answer, answer, said("whole")]) as server:
        assert reply_of(server).text == "whole"
    with serving([answer]) as server, pytest.raises(UserError) as caught:
        reply_of(server)
    assert caught.value.line().startswith(f"the endpoint failed 4 times: {why} (") and caught.value.code == Exit.NO_POLICY


def test_a_failure_that_stays_is_not_paid_four_times() -> None:
    answer = body({"error": {"message": "Insufficient credits", "code": 402}})
    with serving([answer]) as server, pytest.raises(UserError, match="refuses the request: Insufficient credits"):
        reply_of(server)
    assert len(server.seen) == 1


@pytest.mark.parametrize("text", ["", "half an ans"])
def test_comments_are_no_signs_of_life(text: str) -> None:
    with serving([said(text, ending="alive"), said("whole")]) as server:
        assert reply_of(server, timeout_seconds=0.5).text == "whole"
    with serving([said(text, ending="alive")]) as server, pytest.raises(UserError, match=r"not answer within 0.3 s, 4 times"):
        reply_of(server, timeout_seconds=0.3)


def test_a_reply_that_goes_on_and_on_is_cut_and_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "WHOLE_REPLY", 0.1)
    with serving([said("word " * 4000, between=0.05)]) as server:
        reply = reply_of(server, timeout_seconds=5.0)
    assert reply.finish == "length" and reply.text.startswith("word") and len(server.seen) == 1


def test_thoughts_beside_the_text_are_counted() -> None:
    thoughts = "".join(chunk(**{name: "thinking a lot about this "}) for name in ("reasoning_content", "reasoning") * 100)
    with serving([said("hello", broken=thoughts, usage=None)]) as server:
        reply = reply_of(server)
    assert reply.text == "hello" and reply.usage.completion_tokens > 200 * estimate("thinking a lot about") - 200


def test_tries_that_broke_are_paid_as_well() -> None:
    half = said("word " * 500, ending="cut")
    with serving([half, refused(500, "oops"), half, said("whole", usage=(100, 20))]) as server:
        usage = reply_of(server, prompt_price=1.0, completion_price=1.0).usage
    assert usage.completion_tokens >= 20 + 2 * 500 and 100 < usage.prompt_tokens < 150
    assert usage.cost == pytest.approx((usage.prompt_tokens + usage.completion_tokens) / 1e6)  # pyright: ignore[reportUnknownMemberType]
    with serving([refused(500, "oops"), said("whole", usage=(100, 20))]) as server:
        assert reply_of(server).usage == Usage(100, 20)
