"""The main job on the bundled example and on projects of other shapes, in the real sandboxes."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from mlagent_app.bundled import copy_example
from mlagent_app.session import store
from sandbox.docker_engine import Engine
from sandbox.docker_orphans import OWNER_LABEL
from tests.cli.program import command, environment, mlagent
from tests.projects.build import makefile_regression, torch_epochs, yaml_package
from tests.session.project import TRAIN, fingerprint, git, make_project

pytestmark = pytest.mark.slow


def improve(project: Path, sandbox: str, *flags: str) -> dict[str, Any]:
    """Run a session and return its JSON; the project must be untouched unless --apply is among the flags."""
    before = fingerprint(project)
    done = mlagent("run", project, "--sandbox", sandbox, "--format", "json", *flags, timeout=600)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["sandbox"] == sandbox
    for step in result["steps"]:
        assert step["outcome"] and step["reward"] is not None and step["decision"]
    if "--apply" not in flags:
        assert fingerprint(project) == before
    return result


def better(result: dict[str, Any]) -> bool:
    gain = result["best"]["value"] - result["baseline"]["value"]
    return gain > 0 if result["metric"]["direction"] == "max" else gain < 0


@pytest.mark.docker
@pytest.mark.usefixtures("docker_engine")
def test_digits_in_docker(tmp_path: Path) -> None:
    result = improve(copy_example("digits", tmp_path / "digits"), "docker", "--steps", "4", "--policy", "bandit")
    assert result["metric"] == {"name": "validation accuracy", "direction": "max"} | result["metric"]
    assert len(result["steps"]) == 4
    assert better(result)


@pytest.mark.bwrap
def test_digits_in_bwrap_with_apply(tmp_path: Path) -> None:
    project = copy_example("digits", tmp_path / "digits")
    commits = git(project, "log", "--format=%H").count("\n")
    result = improve(project, "bwrap", "--steps", "6", "--policy", "bandit", "--apply")
    kept = [step for step in result["steps"] if step["decision"] == "accept"]
    assert better(result)
    assert git(project, "log", "--format=%H").count("\n") == commits + len(kept)
    assert git(project, "log", "--format=%B").count("ML-Agent-Metric: ") == len(kept)
    assert git(project, "status", "--porcelain") == ""
    done = mlagent("revert", result["session"], str(kept[-1]["index"]))
    assert done.returncode == 0, done.stderr


@pytest.mark.docker
@pytest.mark.usefixtures("docker_engine")
def test_a_package_with_a_yaml_configuration(tmp_path: Path) -> None:
    result = improve(yaml_package(tmp_path / "pkg"), "docker", "--steps", "2", "--policy", "random")
    assert "accuracy" in result["metric"]["name"]
    assert result["metric"]["direction"] == "max"
    assert any(step["file"].endswith(".yaml") for step in result["steps"])


@pytest.mark.torch
@pytest.mark.bwrap
def test_a_pytorch_script_with_epoch_logs(tmp_path: Path) -> None:
    result = improve(torch_epochs(tmp_path / "torch"), "bwrap", "--steps", "3")
    assert result["metric"]["name"] == "val_acc"
    assert len(result["steps"]) == 3


@pytest.mark.bwrap
def test_a_regression_where_lower_is_better(tmp_path: Path) -> None:
    result = improve(makefile_regression(tmp_path / "reg"), "bwrap", "--steps", "6")
    assert result["metric"] | {"name": "RMSE", "direction": "min"} == result["metric"]
    assert result["best"]["value"] <= result["baseline"]["value"]


@pytest.mark.docker
def test_kill_nine_leaves_no_container_and_continue_loses_nothing(tmp_path: Path, docker_engine: Engine) -> None:
    project = make_project(
        tmp_path / "parabola", TRAIN.replace("    x = 4.0", "    import time\n\n    time.sleep(2)\n    x = 4.0")
    )
    before = fingerprint(project)
    arguments = ("run", project, "--steps", "2", "--sandbox", "docker", "--policy", "random", "--format", "events")
    process = subprocess.Popen(command("mlagent", *arguments), stdout=subprocess.PIPE, text=True, env=environment())
    assert process.stdout is not None
    for line in process.stdout:
        event = json.loads(line)
        if event["type"] == "RunStarted" and event["step"] == 1:
            break
    time.sleep(0.5)
    process.send_signal(signal.SIGKILL)
    process.wait()
    journal = store.latest(project).journal.read_bytes()
    done = mlagent("run", project, "--continue", "--steps", "2", "--format", "json", timeout=600)
    assert done.returncode == 0, done.stderr
    assert store.latest(project).journal.read_bytes().startswith(journal)
    assert [step["index"] for step in json.loads(done.stdout)["steps"]] == [1, 2]
    assert fingerprint(project) == before
    owners = [label for _, label in docker_engine.labelled(OWNER_LABEL)]
    assert not [label for label in owners if f":{process.pid}:" in label]
