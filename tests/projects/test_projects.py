"""The test projects themselves: the three shapes run, have headroom, and the awkward ones go wrong as they promise."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.projects import awkward
from tests.projects.build import SHAPES, git, makefile_regression, torch_epochs, yaml_package


def run(command: str, project: Path) -> subprocess.CompletedProcess[str]:
    """Run a shell command with this test's Python first on PATH."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = os.environ | {"PATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        command, shell=True, cwd=project, capture_output=True, text=True, errors="replace", env=env, timeout=120
    )


def metric(command: str, project: Path, pattern: str, edits: dict[tuple[str, str], str] | None = None) -> float:
    """The last number that `pattern` finds after replacing text ((file, old) -> new)."""
    for (file, old), new in (edits or {}).items():
        text = (project / file).read_text("utf-8")
        assert old in text, old
        (project / file).write_text(text.replace(old, new), "utf-8")
    done = run(command, project)
    assert done.returncode == 0, done.stderr
    if edits:
        git(project, "checkout", "--quiet", "--", ".")
    return float(re.findall(pattern, done.stdout)[-1])


@pytest.mark.parametrize("shape", SHAPES)
def test_each_shape_is_a_clean_repository_with_a_history(shape: Callable[[Path], Path], tmp_path: Path) -> None:
    project = shape(tmp_path / "new" / "project")
    assert git(project, "status", "--porcelain", "--ignored") == ""
    assert git(project, "rev-list", "--count", "HEAD") == "2"


@pytest.mark.slow
def test_the_package_writes_its_scores_and_its_configuration_has_headroom(tmp_path: Path) -> None:
    project = yaml_package(tmp_path / "project")
    file = "configs/base.yaml"

    def accuracy(**numbers: str) -> float:
        edits = {(file, old): new for old, new in numbers.items()} if numbers else {}
        text = (project / file).read_text("utf-8")
        changed = text
        for (_, name), value in edits.items():
            changed, count = re.subn(rf"(?m)(^\s+{name}: )\S+", rf"\g<1>{value}", changed)
            assert count == 1, name
        (project / file).write_text(changed, "utf-8")
        done = run("python -m classify.train --config configs/base.yaml", project)
        assert done.returncode == 0, done.stderr
        (project / file).write_text(text, "utf-8")
        return json.loads((project / "metrics.json").read_text("utf-8"))["valid"]["accuracy"]

    base = accuracy()
    single = [accuracy(n_estimators="100"), accuracy(max_depth="12"), accuracy(max_features="0.3")]
    assert all(value > base + 0.02 for value in single), (base, single)
    assert accuracy(n_estimators="3") < base
    assert accuracy(n_estimators="100", max_depth="12", min_samples_leaf="1", max_features="0.3") > max(single) + 0.03
    assert git(project, "status", "--porcelain") == ""


@pytest.mark.slow
@pytest.mark.torch
def test_the_epoch_log_is_repeatable_and_the_network_has_headroom(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    project = torch_epochs(tmp_path / "project")
    pattern = r"(?m)^epoch \d+ train_loss \d\.\d{4} val_loss \d\.\d{4} val_acc (\d\.\d{4})$"
    base = metric("python train.py", project, pattern)
    assert metric("python train.py", project, pattern) == base
    assert metric("python train.py", project, pattern, {("train.py", "LR = 0.002"): "LR = 0.01"}) > base + 0.05
    assert metric("python train.py", project, pattern, {("train.py", "LR = 0.002"): "LR = 0.0005"}) < base


@pytest.mark.slow
def test_the_regression_can_be_lowered_in_steps(tmp_path: Path) -> None:
    project = makefile_regression(tmp_path / "project")
    file, pattern = "scripts/fit.py", r"(?m)^RMSE: (\d+\.\d{3})$"
    base = metric("make train", project, pattern)
    trees = metric("make train", project, pattern, {(file, "default=20)"): "default=200)"})
    rate = metric("make train", project, pattern, {(file, "default=0.05)"): "default=0.1)"})
    deep = metric("make train", project, pattern, {(file, "default=2)"): "default=5)"})
    assert trees < rate < deep < base
    assert metric("make train", project, pattern, {(file, "default=2)"): "default=1)"}) > base


@pytest.mark.parametrize(
    ("builder", "said"),
    [
        (awkward.failing, "the labels do not fit the features"),
        (awkward.missing_module, "No module named 'no_such_module_anywhere'"),
    ],
)
def test_failing_commands_fail(builder: Callable[[Path], Path], said: str, tmp_path: Path) -> None:
    done = run("python train.py", builder(tmp_path / "project"))
    assert done.returncode == 1
    assert said in done.stderr


@pytest.mark.parametrize(
    ("builder", "said"),
    [
        (awkward.quick, "accuracy: 0.3439"),
        (awkward.no_metric, "all done"),
        (awkward.nan_metric, "accuracy: nan"),
        (awkward.infinite_metric, "loss: inf"),
        (awkward.talkative, "accuracy: 0.5"),
        (awkward.odd_bytes, "accuracy: 0.5"),
    ],
)
def test_other_commands_end_well(builder: Callable[[Path], Path], said: str, tmp_path: Path) -> None:
    done = run("python train.py", builder(tmp_path / "project"))
    assert done.returncode == 0, done.stderr
    assert said in done.stdout


def test_the_repositories_are_in_the_promised_state(tmp_path: Path) -> None:
    assert (awkward.mid_merge(tmp_path / "merge") / ".git" / "MERGE_HEAD").is_file()
    assert git(awkward.bare(tmp_path / "bare"), "rev-parse", "--is-bare-repository") == "true"
    assert list(awkward.empty(tmp_path / "empty").iterdir()) == []
    assert not (awkward.no_git(tmp_path / "plain") / ".git").exists()
    odd = awkward.odd_files(tmp_path / "odd")
    status = git(odd, "status", "--porcelain").splitlines()
    assert status == [' M "a file.txt"', "M  windows.py", "?? untracked.txt"]
