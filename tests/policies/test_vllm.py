"""A server of our own that dies while it answers; with a stand-in for vLLM, run as a process of its own."""

from __future__ import annotations

import threading
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest

from mlagent_app.agent.chat import Message
from mlagent_app.agent.errors import Exit, UserError
from mlagent_app.chat import failures
from mlagent_app.policies.vllm import Serving, VllmModel
from tests.policies.nano import servable
from tests.vllm.standin import free_port, stand_in

NEVER = threading.Event()
ASKED = (Message("user", "what now?"),)


@pytest.fixture
def serving(tmp_path: Path) -> Serving:
    return Serving(str(servable(tmp_path / "nano")), tmp_path / "state", python=str(stand_in(tmp_path)), port=free_port())


@pytest.fixture
def model(serving: Serving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[VllmModel]:
    """A model whose server is not started yet."""
    monkeypatch.setattr(failures, "BACK_OFF_SECONDS", 0.01)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setenv("FAKE_DIES", str(tmp_path / "deaths"))
    made = VllmModel(serving)
    yield made
    made.close()


def test_a_server_that_dies_while_it_answers_is_started_once_more(model: VllmModel, tmp_path: Path) -> None:
    (tmp_path / "deaths").write_text("1\n", "utf-8")
    heard: list[str] = []
    assert model.reply(ASKED, NEVER, heard.append).text == "Have you tried a larger C?"
    told = "".join(heard)
    assert told.count("[starting vLLM on ") == 2 and "[the vLLM server has ended]" in told


def test_of_a_server_that_has_more_context_no_more_is_used_than_was_asked_for(model: VllmModel, serving: Serving) -> None:
    assert model.reply(ASKED, NEVER).text and model.context_tokens == 16_384
    beside = VllmModel(replace(serving, context=8_192))
    assert beside.reply(ASKED, NEVER).text and beside.context_tokens == 8_192
    beside.close()


def test_one_that_dies_each_time_ends_the_reply(model: VllmModel, tmp_path: Path) -> None:
    (tmp_path / "deaths").write_text("1\n2\n3\n", "utf-8")
    heard: list[str] = []
    with pytest.raises(UserError) as caught:
        model.reply(ASKED, NEVER, heard.append)
    assert caught.value.code == Exit.NO_POLICY
    assert "".join(heard).count("[starting vLLM on ") == 2
