"""The editor of a session: made from the settings, counted with the policy, streamed, and interruptible."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from mlagent_app.agent import events as ev
from mlagent_app.agent.actions import EditScript
from mlagent_app.agent.chat import OnText, Usage
from mlagent_app.agent.edits import Candidate
from mlagent_app.agent.errors import Exit, UserError
from mlagent_app.agent.state import State
from mlagent_app.chat.target import Target
from mlagent_app.config import load
from mlagent_app.editors.llm import LLMEditor
from mlagent_app.plan import Plan
from mlagent_app.policies.base import Proposal
from mlagent_app.session import backend, editor
from mlagent_app.session.editor import make_editor
from tests.editors.scripted import ScriptedModel, block
from tests.session.project import make_project
from tests.session.test_session import run

FASTER = block("EPOCHS = 20\n", "EPOCHS = 40\n")


class Asking:
    """A policy that asks for one edit in its own words."""

    name = "asking"

    def propose(
        self, state: State, candidates: Sequence[Candidate], cancel: threading.Event, on_text: OnText | None = None
    ) -> Proposal:
        del state, candidates, cancel
        assert on_text
        on_text("train for longer")
        return Proposal(EditScript("train.py", "train for longer"), reply="train for longer", usage=Usage(1000, 100, 0.5))


def plan(tmp_path: Path, **given: str) -> Plan:
    return Plan(project=tmp_path, command="", command_source="", python=tmp_path, python_source="", editor="llm", **given)  # pyright: ignore[reportArgumentType]


def test_an_edit_in_the_policys_own_words_is_made_counted_and_streamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = ScriptedModel("nothing to apply", FASTER)

    def asking(_: Plan) -> Asking:
        return Asking()

    def scripted(*_: object) -> LLMEditor:
        return LLMEditor(model)

    monkeypatch.setattr(backend, "policy_of", asking)
    monkeypatch.setattr(backend, "make_editor", scripted)
    seen, code = run(make_project(tmp_path / "parabola"), policy__editor="llm", session__steps=1)
    proposed, words = seen.one(ev.ActionProposed), "".join(event.text for event in seen.all(ev.ReplyText))
    assert code == Exit.OK and "+EPOCHS = 40" in proposed.diff and proposed.reply == "train for longer"
    assert (proposed.prompt_tokens, proposed.completion_tokens, proposed.cost) == (1200, 120, 0.502)
    assert words == "train for longer" + "nothing to apply" + FASTER
    assert seen.one(ev.Decided).decision == "accept"


def test_the_editors_endpoint_is_its_own_or_the_policys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[str, str, str]] = []

    def connect(target: Target) -> ScriptedModel:
        made.append((target.url, target.model, target.key))
        return ScriptedModel()

    monkeypatch.setattr(editor, "connected", connect)
    monkeypatch.setenv("POLICY_KEY", "p")
    monkeypatch.setenv("EDITOR_KEY", "e")
    own = {"endpoint": "http://p/v1", "model": "seven", "api_key_env": "POLICY_KEY"}
    theirs = {"editor_endpoint": "http://e/v1", "editor_model": "coder"}
    make_editor(plan(tmp_path, **own))
    make_editor(plan(tmp_path, **own, editor_model="coder"))
    make_editor(plan(tmp_path, **own, **theirs))
    make_editor(plan(tmp_path, **own, **theirs, editor_api_key_env="EDITOR_KEY"))
    assert made == [
        ("http://p/v1", "seven", "p"),
        ("http://p/v1", "coder", "p"),
        ("http://e/v1", "coder", ""),
        ("http://e/v1", "coder", "e"),
    ]
    model = ScriptedModel()
    found = make_editor(plan(tmp_path), model)
    assert found is not None and found.name == model.name and len(made) == 4


def test_an_editor_of_its_own_has_its_own_context_and_no_price_of_the_policys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[int | None, float | None, float | None, float]] = []

    def connect(target: Target) -> ScriptedModel:
        made.append((target.context_tokens, target.prompt_price, target.completion_price, target.timeout_seconds))
        return ScriptedModel()

    monkeypatch.setattr(editor, "connected", connect)
    policy = replace(
        plan(tmp_path, endpoint="http://p/v1", model="seven"),
        timeout_seconds=60.0,
        context_tokens=128_000,
        prompt_price=2.5,
        completion_price=10.0,
    )
    make_editor(policy)
    make_editor(replace(policy, editor_model="coder"))
    make_editor(replace(policy, editor_endpoint="ollama", editor_model="coder"))
    assert made == [(128_000, 2.5, 10.0, 60.0), (None, None, None, 60.0), (None, None, None, 60.0)]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "needs an address to be asked at (policy.editor_endpoint)"),
        ({"endpoint": "http://p/v1"}, "needs its name (policy.editor_model)"),
        ({"endpoint": "http://p/v1", "model": "m", "editor_endpoint": "http://e/v1"}, "needs its name (policy.editor_model)"),
        ({"endpoint": "http://p/v1", "model": "m", "api_key_env": "NO_SUCH_KEY"}, "the variable NO_SUCH_KEY is not set"),
        ({"endpoint": "http://p/v1", "model": "m", "api_key_env": "sk-secret"}, "names no variable"),
    ],
)
def test_an_editor_that_cannot_be_asked_is_one_line(tmp_path: Path, given: dict[str, str], said: str) -> None:
    with pytest.raises(UserError) as error:
        make_editor(plan(tmp_path, **given))
    assert said in error.value.line() and "sk-secret" not in error.value.line() and error.value.code == Exit.USAGE


@pytest.mark.parametrize(("name", "said"), [("lmm", "did you mean 'llm'"), ("catalog", "'catalogue'"), ("?", "catalogue, llm")])
def test_an_unknown_editor_is_refused_with_the_nearest(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        load(tmp_path, {"policy.editor": name})
