"""A server whose context is shorter than anybody was told: it is asked in fewer words, and what still fails is one line."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from mlagent_app.agent.actions import EditScript
from mlagent_app.agent.chat import PromptTooLong
from mlagent_app.agent.metrics import MetricSpec
from mlagent_app.agent.state import State, Task
from mlagent_app.chat.client import EndpointModel
from mlagent_app.chat.target import Target
from mlagent_app.editors.llm import EditorFailed, LLMEditor
from mlagent_app.policies.openai import WritingPolicy
from tests.chat.server import Answer, Server, refused, said, serving

TASK = Task("digits", "python train.py", MetricSpec("accuracy", "max"), 0.5, 1.0, 0.01, "")
STATE = State(TASK, 0.6, "b", (), {"train.py": "".join(f"value_{n} = {n}\n" for n in range(4000))}, 7)
WRITTEN = 'Thought: y\nAction: Edit Script\nAction Input: {"script_name": "train.py", "edit_instruction": "set C to 10"}'
TOLD = "This model's maximum context length is shorter than the prompt"


def length(body: dict[str, Any]) -> int:
    return len(json.dumps(body["messages"]))


def short(most: int) -> Callable[[dict[str, Any]], Answer]:
    """Answers prompts of at most so many characters."""

    def choose(body: dict[str, Any]) -> Answer:
        return said(WRITTEN) if length(body) <= most else refused(400, TOLD)

    return choose


def asked(server: Server, context: int = 8192) -> EditScript:
    policy = WritingPolicy(EndpointModel(Target(server.url, "m", context_tokens=context)))
    action = policy.propose(STATE, (), threading.Event()).action
    assert isinstance(action, EditScript)
    return action


@pytest.fixture
def whole() -> int:
    """How long the prompt is where it need not be shorter."""
    with serving(choose=short(10**9)) as server:
        asked(server)
        return length(server.seen[-1])


def test_a_policy_asks_in_fewer_words(whole: int) -> None:
    with serving(choose=short(int(0.7 * whole))) as server:
        assert asked(server).edit_instruction == "set C to 10"
        lengths = [length(body) for body in server.seen]
    assert lengths[0] == whole and lengths[-1] <= 0.7 * whole and lengths == sorted(lengths, reverse=True)


def test_what_was_learnt_of_the_context_is_kept(whole: int) -> None:
    with serving(choose=short(int(0.7 * whole))) as server:
        policy = WritingPolicy(EndpointModel(Target(server.url, "m", context_tokens=8192)))
        policy.propose(STATE, (), threading.Event())
        seen = len(server.seen)
        policy.propose(STATE, (), threading.Event())
    assert seen > 1 and len(server.seen) == seen + 1


def test_a_server_that_takes_nothing_ends_it_in_one_line() -> None:
    with serving(choose=short(0)) as server, pytest.raises(PromptTooLong) as caught:
        asked(server, 65_536)
    assert "set policy.context_tokens to what the server allows" in caught.value.line()
    assert "\n" not in caught.value.line()


def test_an_editor_gives_up_the_edit_and_not_the_session() -> None:
    answers: list[Answer] = [refused(400, TOLD)]
    with serving(answers) as server:
        editor = LLMEditor(EndpointModel(Target(server.url, "m", context_tokens=8192)))
        with pytest.raises(EditorFailed, match="maximum context length"):
            editor.edit("train.py", "a = 1\n", "set a to 2", threading.Event())


def read(server: Server, text: str) -> str:
    """What an editor says of a long file that it reads from this server."""
    editor = LLMEditor(EndpointModel(Target(server.url, "m", context_tokens=65_536)))
    return editor.summary("train.py", text, "the learning rate", threading.Event()).text


def test_an_editor_reads_a_file_in_shorter_parts() -> None:
    lines = [f"value_{n} = {n}" for n in range(3000)]
    with serving(choose=short(15_000)) as server:
        answer = read(server, "\n".join(lines))
        prompts = [body["messages"][-1]["content"] for body in server.seen if length(body) <= 15_000]
    seen = [line for prompt in prompts for line in prompt.splitlines() if line.startswith("value_")]
    assert seen == lines[: len(seen)]  # nothing twice, nothing left out
    assert answer.startswith(f"[read up to line {len(seen)} of 3000]\n") and 1500 < len(seen) < 3000
    assert answer.endswith(WRITTEN) and "Join these notes" in prompts[-1]


def test_an_editor_joins_what_it_read_in_fewer_words() -> None:
    def choose(body: dict[str, Any]) -> Answer:
        long = "Join these notes" in body["messages"][-1]["content"] and length(body) > 9000
        return refused(400, TOLD) if long else said("note " * 1000 + "end")

    with serving(choose=choose) as server:
        assert read(server, "x = 1\n" * 12_000).endswith("note " * 1000 + "end")


@pytest.mark.parametrize("text", ["a = 1\n", "a = 1\n" * 9000], ids=["short", "long"])
def test_an_editor_gives_up_reading_and_not_the_session(text: str) -> None:
    with serving([refused(400, TOLD)]) as server:
        with pytest.raises(EditorFailed, match=r"could not read train\.py: .*maximum context length"):
            read(server, text)
        assert len(server.seen) < 40
