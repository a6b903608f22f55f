"""A real vLLM on this CPU serves the shipped weights: the same numbers, streamed, cut short, constrained, in a session.

The server takes most of a minute to start, so all tests share one; each session adopts it as one of a person would.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import threading
import urllib.request
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from safetensors.numpy import load_file  # pyright: ignore[reportUnknownVariableType]
from tokenizers import Tokenizer

from mlagent_app.agent.actions import EditScript, FinalAnswer, parse
from mlagent_app.agent.chat import Cancelled, Message
from mlagent_app.bundled import copy_example
from mlagent_app.chat.constrained import action_pattern
from mlagent_app.policies.embedded import shipped
from mlagent_app.policies.qwen2 import Qwen2
from mlagent_app.policies.vllm import Serving, VllmModel
from tests.cli.program import command, environment
from tests.policies.nano import servable

pytestmark = [pytest.mark.vllm, pytest.mark.slow]

ROOT = Path(__file__).resolve().parent.parent.parent
NEVER = threading.Event()
TALK = [Message("system", "Improve accuracy."), Message("user", "train.py: LogisticRegression(C=1.0)")]
INSTRUCTION = "set C of LogisticRegression to 10.0"


@dataclass(frozen=True)
class Running:
    """The model behind the server, what was told while it started, and where things are."""

    model: VllmModel
    told: list[str]
    directory: Path
    python: Path
    port: int

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """What the server answers to a request."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            json.dumps({"model": str(self.directory), **body}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=300) as answer:
            return json.load(answer)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[Running]:
    """The server, started by the app. `VLLM_PYTHON` names another Python than that of .venv-vllm."""
    python = Path(os.environ.get("VLLM_PYTHON", ROOT / ".venv-vllm/bin/python"))
    if not python.exists():
        pytest.skip("there is no .venv-vllm: run scripts/vllm-env")
    place = tmp_path_factory.mktemp("vllm")
    directory = servable(place / "nano")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = int(taken.getsockname()[1])
    model = VllmModel(Serving(str(directory), place / "state", python=str(python), port=port, context=16384))
    told: list[str] = []
    model.reply([Message("user", "?")], NEVER, told.append)
    yield Running(model, told, directory, python, port)
    model.close()


def test_the_stages_of_the_start_are_told(running: Running) -> None:
    text = "".join(running.told)
    assert "[starting vLLM on CPU, " in text
    assert "[vLLM: loading the weights]\n[vLLM: the weights are loaded]\n" in text
    assert f"[vLLM is ready at http://127.0.0.1:{running.port}/v1]\n" in text
    assert running.model.context_tokens == 16384
    assert running.model.log.read_text("utf-8").startswith("$ env VLLM_NO_USAGE_STATS=1 ")


def test_log_probabilities_are_those_of_the_embedded_forward(running: Running) -> None:
    tokenizer: Any = Tokenizer.from_file(str(shipped() / "tokenizer.json"))
    digest = "metric accuracy max train.py LogisticRegression C 1.0"
    prompt = [*tokenizer.encode(digest).ids, tokenizer.token_to_id("<|edit|>")]
    written = [*tokenizer.encode(INSTRUCTION).ids, tokenizer.token_to_id("<|end|>")]
    answer = running.post("/v1/completions", {"prompt": [*prompt, *written], "max_tokens": 1, "prompt_logprobs": 0})
    rows = cast("list[dict[str, dict[str, float]] | None]", answer["choices"][0]["prompt_logprobs"])
    served = [
        cast("dict[str, dict[str, float]]", rows[len(prompt) + place])[str(token)]["logprob"]
        for place, token in enumerate(written)
    ]
    tokens = np.array([*prompt, *written], np.int64)
    hidden = Qwen2.load(shipped()).hidden(tokens, np.arange(len(tokens)), np.tri(len(tokens), dtype=bool))
    logits = hidden @ np.asarray(load_file(shipped() / "model.safetensors")["lm_head.weight"], np.float32).T
    logp = (
        logits - np.log(np.exp(logits - logits.max(-1, keepdims=True)).sum(-1, keepdims=True)) - logits.max(-1, keepdims=True)
    )
    ours = [float(logp[len(prompt) - 1 + place, token]) for place, token in enumerate(written)]
    assert served == pytest.approx(ours, abs=1e-2)
    assert len(set(ours)) > 3


def test_a_reply_streams_and_is_counted(running: Running) -> None:
    said: list[str] = []
    running.model.constrain("[a-z]{40}")
    reply = running.model.reply(TALK, NEVER, said.append)
    assert "".join(said) == reply.text
    assert len(said) > 1
    assert len(reply.text) == 40
    assert reply.finish == "stop"
    assert reply.usage.prompt_tokens > 5 < reply.usage.completion_tokens
    running.model.constrain("")


def test_a_reply_is_cut_short_and_the_server_goes_on(running: Running) -> None:
    cancel, said = threading.Event(), list[str]()

    def stop(text: str) -> None:
        said.append(text)
        cancel.set()

    running.model.constrain("[a-z ]{4000}")
    with pytest.raises(Cancelled):
        running.model.reply(TALK, cancel, stop)
    assert 0 < len("".join(said)) < 4000
    running.model.constrain("[0-9]{3}")
    assert running.model.reply(TALK, NEVER).text.isdecimal()
    running.model.constrain("")


def test_a_constrained_reply_is_one_of_the_edits(running: Running) -> None:
    edits = [("train.py", INSTRUCTION), ("train.py", 'set penalty of LogisticRegression to "l1"'), ("a b.py", "insert {x} (y)")]
    running.model.constrain(action_pattern(edits=edits, only_edits=True))
    action = parse(running.model.reply(TALK, NEVER).text)[1]
    assert isinstance(action, EditScript)
    assert (action.script_name, action.edit_instruction) in edits
    running.model.constrain(action_pattern(only_edits=True))
    assert isinstance(parse(running.model.reply(TALK, NEVER).text)[1], FinalAnswer)
    running.model.constrain("")


def session(running: Running, place: Path, *, constrained: bool) -> dict[str, Any]:
    """`mlagent run` on a copy of the example, with the running server."""
    project = copy_example("digits", place / "digits")
    arguments = ["run", str(project), "--policy", "vllm", "--model", str(running.directory), "--steps", "2"]
    done = subprocess.run(
        command("mlagent", *arguments, "--sandbox", "local", "--format", "json"),
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
        stdin=subprocess.DEVNULL,
        env=environment()
        | {
            "MLAGENT_POLICY_PORT": str(running.port),
            "MLAGENT_POLICY_PYTHON": str(running.python),
            "MLAGENT_POLICY_CONSTRAINED": str(constrained).lower(),
        },
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_session_makes_edits_that_run(running: Running, tmp_path: Path) -> None:
    result = session(running, tmp_path, constrained=True)
    assert result["policy"].startswith("vllm:")
    assert [step["action"] for step in result["steps"]] == ["Edit Script"] * 2
    assert all(step["instruction"] and step["file"].endswith(".py") for step in result["steps"])
    assert any(step["outcome"] == "ok" and step["value"] is not None for step in result["steps"])


def test_a_session_with_free_replies_stays_honest(running: Running, tmp_path: Path) -> None:
    """The small model writes no replies of six parts: every step is an invalid action without a reward, and none is a crash."""
    result = session(running, tmp_path, constrained=False)
    assert [(step["reward"], step["commit"]) for step in result["steps"]] == [(0.0, None)] * 2
    assert result["best"]["value"] == result["baseline"]["value"]
