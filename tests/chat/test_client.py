"""The client of endpoints over real sockets: what it reads, what it tries again, how it is stopped, and what it never tells."""

from __future__ import annotations

import logging
import threading
from typing import Any

import pytest

from mlagent_app.agent.chat import Cancelled, Message, Usage
from mlagent_app.agent.errors import Exit, UserError
from mlagent_app.chat import failures
from mlagent_app.chat.client import EndpointModel, connected
from mlagent_app.chat.target import Target
from tests.chat.server import Answer, Server, refused, said, serving

ASKED = (Message("system", "rules"), Message("user", "lone \udfff"))
KEY = "sk-a-very-secret-key-0123456789"


def target(server: Server, **more: object) -> Target:
    given: dict[str, object] = {"url": server.url, "model": "m", "context_tokens": 8192, **more}
    return Target(**given)  # pyright: ignore[reportArgumentType]


def ask(server: Server, **more: object) -> tuple[str, list[str]]:
    """The reply's text, and the pieces that came."""
    heard: list[str] = []
    reply = EndpointModel(target(server, **more)).reply(ASKED, threading.Event(), heard.append)
    return reply.text, heard


def refusal(server: Server, **more: object) -> UserError:
    with pytest.raises(UserError) as caught:
        ask(server, **more)
    return caught.value


def test_a_reply_comes_in_pieces_with_its_usage_and_cost() -> None:
    with serving([said("Thought: try\nAction: x", size=5, usage=(1000, 500))]) as server:
        heard: list[str] = []
        model = EndpointModel(target(server, prompt_price=2.0, completion_price=8.0))
        reply = model.reply(ASKED, threading.Event(), heard.append)
    assert reply.text == "Thought: try\nAction: x" == "".join(heard)
    assert len(heard) > 3
    assert (reply.usage, reply.finish) == (Usage(1000, 500, 0.006), "stop")
    assert server.seen[0]["stream_options"] == {"include_usage": True}
    assert server.seen[0]["max_tokens"] == 2048 and "temperature" not in server.seen[0]
    assert server.seen[0]["messages"][1] == {"role": "user", "content": "lone ?"}


def test_tokens_are_estimated_where_the_server_does_not_count_and_no_price_is_no_cost() -> None:
    with serving([said("word " * 40, usage=None)]) as server:
        usage = EndpointModel(target(server)).reply(ASKED, threading.Event()).usage
    assert usage.completion_tokens >= 40 and usage.prompt_tokens > 0 and usage.cost is None


@pytest.mark.parametrize("size", [1, 7, 100])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<think>Action: x</think>\nhello", "hello"),
        ("half a thought</think> done", "done"),
        ("<think>never ends", ""),
        ("Action: Edit Script\nuses </think> in a patch", "Action: Edit Script\nuses </think> in a patch"),
    ],
)
def test_thoughts_are_no_part_of_the_answer(text: str, expected: str, size: int) -> None:
    with serving([said(text, size=size)]) as server:
        answer, heard = ask(server)
    assert answer == expected
    assert "never ends" not in "".join(heard) and "Action: x" not in "".join(heard)


def test_a_server_that_does_not_stream_is_read_all_the_same() -> None:
    body = '{"choices": [{"message": {"content": "hi"}, "finish_reason": "length"}], "usage": null}'
    with serving([Answer(body=body)]) as server:
        reply = EndpointModel(target(server)).reply(ASKED, threading.Event())
    assert (reply.text, reply.finish) == ("hi", "length")


@pytest.mark.parametrize(
    "trouble",
    [
        said("half an ans", ending="cut"),
        said("half an ans", broken="data: {nope\n\n"),
        said("half an ans", broken="data: [1]\n\n"),
        said("half an ans", broken='data: {"choices": [1]}\n\n'),
        said("half an ans", broken='data: {"choices": [{"delta": {"content": [1]}}]}\n\n'),
        said("half an ans", broken='data: {"error": {"message": "gpu gone"}}\n\n'),
        said("half an ans", ending="bare"),
        refused(429, "slow down", retry_after="0"),
        refused(500, "oops"),
    ],
)
def test_trouble_is_tried_again(trouble: Answer) -> None:
    with serving([trouble, trouble, said("whole")]) as server:
        text, heard = ask(server)
    assert (text, len(server.seen)) == ("whole", 3)
    broken = "".join(heard).count("asking again")
    assert broken == (2 if trouble.pieces else 0)


@pytest.mark.parametrize(
    ("trouble", "what"),
    [
        (said("half", ending="cut"), "the endpoint cut its reply off, 4 times: "),
        (said("half", broken="data: {nope\n\n"), "the endpoint sends what is no chat completion, 4 times: "),
        (said("half", broken='data: {"error": {"message": "gpu gone"}}\n\n'), "the endpoint failed 4 times: gpu gone"),
        (refused(503, "loading"), "the endpoint failed 4 times: loading"),
    ],
)
def test_trouble_that_stays_is_one_line(trouble: Answer, what: str) -> None:
    with serving([trouble]) as server:
        error = refusal(server)
    assert error.line().startswith(what) and f"({server.url}) - look at the server" in error.line()
    assert (error.code, len(server.seen)) == (Exit.NO_POLICY, 1 + failures.RETRIES)


def test_a_pause_that_is_asked_for_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    paused: list[float] = []
    whole = failures.pause_after

    def noted(failed: int, asked: float | None) -> float:
        paused.append(whole(failed, asked))
        return 0.0

    monkeypatch.setattr(failures, "pause_after", noted)
    with serving([refused(429, "slow", retry_after="7"), refused(500, "oops"), said("x")]) as server:
        assert ask(server)[0] == "x"
    assert 7.0 <= paused[0] < 7.1 and paused[1] < 1.0


def test_a_pause_that_is_too_long_is_told() -> None:
    with serving([refused(429, "no quota", retry_after="3600")]) as server:
        error = refusal(server)
    assert "limit is reached, which asks for a pause of 3600 s: no quota" in error.line() and len(server.seen) == 1


def test_pauses_grow_and_differ() -> None:
    pauses = [[failures.pause_after(failed, None) for _ in range(20)] for failed in (1, 2, 3)]
    assert max(pauses[0]) <= min(pauses[2]) and len(set(pauses[0])) > 1
    assert failures.asked_pause({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0.0
    assert failures.asked_pause({"retry-after": "soon"}) is None


@pytest.mark.parametrize("refuses", [("max_tokens",), ("stream_options",), ("temperature",)])
def test_what_a_server_refuses_is_left_out_from_then_on(refuses: tuple[str, ...]) -> None:
    with serving([said("x")], refuses=refuses) as server:
        model = EndpointModel(target(server, temperature=0.5))
        for _ in range(2):
            assert model.reply(ASKED, threading.Event()).text == "x"
    assert [name in body for body in server.seen for name in refuses] == [True, *([False] * (len(server.seen) - 1))]


@pytest.mark.parametrize(("fits", "asked"), [(2048, [2048]), (1100, [2048, 1024]), (600, [2048, 1024, 512])])
def test_a_reply_gets_the_room_that_a_prompt_leaves(fits: int, asked: list[int]) -> None:
    told = "'max_completion_tokens' is too large. This model's maximum context length is 8192 tokens."

    def choose(body: dict[str, Any]) -> Answer:
        return refused(400, told) if body["max_tokens"] > fits else said("x")

    with serving(choose=choose) as server:
        assert ask(server)[0] == "x"
    assert [body["max_tokens"] for body in server.seen] == asked


def test_a_prompt_that_is_too_long_by_itself_is_one_line() -> None:
    with serving([refused(400, "the request exceeds the available context size")]) as server:
        error = refusal(server)
    assert "set policy.context_tokens to what the server allows" in error.line() and len(server.seen) == 3


@pytest.mark.parametrize(
    "slow",
    [
        said("x", wait=60.0),
        said("word " * 20, ending="silent"),
        said("word " * 500, between=0.05),
        Answer(body="{}", wait=60.0),
        refused(429, "slow", retry_after="60"),
    ],
)
def test_a_reply_can_be_stopped_at_any_moment(slow: Answer) -> None:
    cancel = threading.Event()
    with serving([slow]) as server:
        model = EndpointModel(target(server))

        def stop() -> None:
            while not server.seen:
                cancel.wait(0.01)
            server.spoke.wait(0.5)
            cancel.set()

        stopper = threading.Thread(target=stop)
        stopper.start()
        with pytest.raises(Cancelled):
            model.reply(ASKED, cancel)
        stopper.join()
        if slow.status == 200:
            assert server.left.acquire(timeout=30), "the server learns that nobody listens any more"


def test_a_reply_is_stopped_before_it_begins() -> None:
    cancel = threading.Event()
    cancel.set()
    with serving([said("x")]) as server, pytest.raises(Cancelled):
        EndpointModel(target(server)).reply(ASKED, cancel)


def test_only_the_named_key_is_sent_and_none_is_told(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, "sk-somebody-elses")
    caplog.set_level(logging.DEBUG)
    echo = Answer(status=401, body=f'{{"error": "{"x" * 180} Incorrect key {KEY}"}}')
    with serving([said("x"), echo]) as server:
        given = target(server, key=KEY, key_variable="MY_KEY")
        assert EndpointModel(given).reply(ASKED, threading.Event()).text == "x"
        error = refusal(server, key=KEY, key_variable="MY_KEY")
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    assert "sk-somebody-elses" not in str(server.headers)
    assert "put a valid key into MY_KEY" in error.line()
    for text in (error.line(), caplog.text, repr(given)):
        assert KEY not in text and KEY[:12] not in text


def test_an_endpoint_is_looked_at_before_anything_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(key=KEY) as server:
        with pytest.raises(UserError, match="the endpoint refuses the key: Incorrect API key provided: none") as caught:
            connected(target(server))
        assert connected(target(server, key=KEY)).name == "m"
    assert caught.value.code == Exit.NO_POLICY
    with pytest.raises(UserError, match=r"^the endpoint cannot be reached: .* - start the server, or correct policy.endpoint$"):
        connected(target(server, key=KEY))
    monkeypatch.setattr(failures, "RETRIES", 0)
    assert "cannot be reached" in refusal(server).line()
