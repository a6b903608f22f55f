"""Sessions with the policy `vllm`, from the command line; the server is a stand-in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mlagent_app.agent.errors import Exit
from mlagent_app.policies.embedded import shipped
from tests.cli.program import mlagent, one_line
from tests.policies.nano import servable
from tests.session.project import make_project
from tests.vllm.standin import free_port, stand_in


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project; the stand-in serves as vLLM, on a free port."""
    monkeypatch.setenv("MLAGENT_POLICY_PORT", str(free_port()))
    monkeypatch.setenv("MLAGENT_POLICY_PYTHON", str(stand_in(tmp_path)))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    return make_project(tmp_path / "parabola")


def run(project: Path, *more: str) -> dict[str, Any]:
    model = servable(project.parent / "nano")
    arguments = ("--policy", "vllm", "--model", str(model), "--sandbox", "local", "--format", "json", "--steps", "2")
    done = mlagent("run", project, *arguments, *more)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_free_replies_that_are_no_actions_earn_nothing_and_change_nothing(project: Path) -> None:
    result = run(project)
    assert [step["reward"] for step in result["steps"]] == [0.0, 0.0]
    assert result["best"]["value"] == result["baseline"]["value"]
    assert result["policy"].startswith("vllm:")


def test_constrained_replies_are_edits_that_run(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLAGENT_POLICY_CONSTRAINED", "true")
    result = run(project)
    assert [(step["action"], step["outcome"]) for step in result["steps"]] == [("Edit Script", "ok")] * 2
    first, second = (step["instruction"] for step in result["steps"])
    assert first != second or result["steps"][0]["decision"] == "accept"


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("", "vLLM needs a model to serve (policy.model)"),
        ("./nowhere", "the model cannot be read: there is no such directory"),
    ],
)
def test_what_is_wrong_is_one_line(project: Path, model: str, said: str) -> None:
    done = mlagent("run", project, "--policy", "vllm", "--model", model, "--sandbox", "local")
    assert done.returncode == Exit.NO_POLICY
    assert said in one_line(done)


@pytest.mark.parametrize("policy", ["vllm", "transformers"])
def test_a_context_that_the_model_does_not_have_is_one_line(
    project: Path, policy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = servable(project.parent / "nano")
    monkeypatch.setenv("MLAGENT_POLICY_CONTEXT_TOKENS", "999999")
    done = mlagent("run", project, "--policy", policy, "--model", str(model), "--sandbox", "local")
    assert done.returncode == Exit.NO_POLICY
    assert "tokens, fewer than 999999" in one_line(done)


def test_the_context_of_the_settings_is_served(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = servable(project.parent / "nano")
    monkeypatch.setenv("MLAGENT_POLICY_CONTEXT_TOKENS", "8192")
    for kind, said in (("vllm", "context  8,192 tokens"), ("openai", "context  16,384 tokens")):
        monkeypatch.setenv("MLAGENT_POLICY_KIND", kind)
        assert said in mlagent("serve", str(model), "--dry-run", "--gpu", "8g").stdout


def test_serve_plans_and_refuses(project: Path) -> None:
    planned = mlagent("serve", shipped(), "--dry-run", "--gpu", "8g")
    assert planned.returncode == 0, planned.stderr
    assert f"--model {shipped()}" in planned.stdout
    assert "--gpu-memory-utilization" in planned.stdout
    for arguments, said in (
        (("serve", "./nowhere", "--dry-run"), "there is no such directory"),
        (("serve", str(shipped()), "--gpu", "8g"), "add --dry-run, or leave --gpu out"),
        (("serve", "--dry-run", "--gpu", "much"), "'much' is no amount of memory"),
        (("serve", "--dry-run", "--gpu", "12g"), "the model does not fit"),
        (("serve", "--dry-run", "--quantization", "3bit"), 'give "8bit" or "4bit"'),
    ):
        done = mlagent(*arguments)
        assert done.returncode in (Exit.USAGE, Exit.NO_POLICY), arguments
        assert said in one_line(done)
    assert project.is_dir()


def test_doctor_names_what_there_is(project: Path) -> None:
    said = mlagent("doctor").stdout
    assert "vllm" in said and "0.32.0 for CPUs" in said
    assert "torch" in said
    assert project.is_dir()
