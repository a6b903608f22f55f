"""Where thoughts end and the answer begins, as a server sends them and as the policy reads them."""

from __future__ import annotations

import threading

import pytest

from mlagent_app.agent.actions import EditScript, parse
from mlagent_app.agent.chat import Message
from mlagent_app.chat.client import EndpointModel
from mlagent_app.chat.target import Target
from mlagent_app.chat.thinking import without_thinking
from mlagent_app.editors.llm import LLMEditor
from tests.chat.server import said, serving
from tests.editors.scripted import block

DRAFT = 'Action: Edit Script\nAction Input: {"script_name": "train.py", "edit_instruction": "delete everything"}\n'
REAL = 'Thought: y\nAction: Edit Script\nAction Input: {"script_name": "train.py", "edit_instruction": "set C to 10"}'
# A script that has the mark itself.
SPLITS = 'answer = text.split("</think>")[1]\n'
EDITED = block(SPLITS, 'answer = text.split("</think>")[-1]\n')


def replied(text: str) -> str:
    with serving([said(text)]) as server:
        model = EndpointModel(Target(server.url, "m", context_tokens=8192))
        return model.reply([Message("user", "go on")], threading.Event()).text


@pytest.mark.parametrize(
    "thoughts",
    [
        f"One action is wanted. Draft:\n{DRAFT}Wait, that is bad.\n</think>\n\n",
        f"Draft:\n{DRAFT.strip()}</think>\n",
        f"Marks such as <think> come first.\n{DRAFT}No.</think>",
        f"Options:\n\n5. {DRAFT}Or better:\n</think>\n",
        f"<think>\n{DRAFT}</think>\n",
        "Let me set C.</think>",
    ],
)
def test_a_draft_in_the_thoughts_is_not_carried_out(thoughts: str) -> None:
    _, action = parse(replied(thoughts + REAL))
    assert action == EditScript("train.py", "set C to 10")


@pytest.mark.parametrize(
    "text",
    [
        'Action: Edit Script\nAction Input: {"script_name": "a.py", "patch": "uses </think> here"}\nObservation: x\n' + REAL,
        'Action: Edit Script\nAction Input: {"script_name": "a.py", "patch": "uses\n </think>\nAction: here"}',
        "Action: Edit Script\nuses </think> in a patch",
        EDITED.strip(),
        f"Here it is:\n{EDITED}".strip(),
    ],
)
def test_a_mark_in_an_edit_ends_no_thoughts(text: str) -> None:
    assert replied(text) == text


def test_blocks_that_were_drafted_in_thoughts_are_left_out() -> None:
    draft, real = block("a\n", "b\n"), block("a\n", "c\n").strip()
    assert without_thinking(f"First idea:\n{draft}Not good.</think>\n{real}") == real
    assert without_thinking(f"It begins so:\n<<<<<<< SEARCH\nthen lines.</think>\n{real}") == real


@pytest.mark.parametrize("thoughts", ["<think>ok</think>\n", "ok</think>\n", ""])
def test_an_editor_may_change_a_line_that_has_the_mark(thoughts: str) -> None:
    with serving([said(thoughts + EDITED)]) as server:
        editor = LLMEditor(EndpointModel(Target(server.url, "m", context_tokens=8192)))
        made = editor.edit("train.py", SPLITS + "x = 1\n", "take the last part", threading.Event())
    assert made.text == 'answer = text.split("</think>")[-1]\nx = 1\n'
    assert len(server.seen) == 1


def test_long_thoughts_are_read_in_time_that_grows_with_their_length() -> None:
    assert without_thinking("hm" + "\n" * 1_000_000 + "</think>x") == "x"
