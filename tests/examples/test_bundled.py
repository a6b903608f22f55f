"""The bundled example: copied out with a history, runnable, with headroom that no single edit exhausts."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from mlagent_app.agent.errors import UserError
from mlagent_app.bundled import copy_example, example_source, examples


def git(directory: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=directory, check=True, capture_output=True, text=True).stdout.strip()


def accuracy(project: Path, edits: Mapping[str, str]) -> float:
    """The validation accuracy after replacing text in train.py."""
    script = project / "train.py"
    text = script.read_text("utf-8")
    for old, new in edits.items():
        assert old in text
        text = text.replace(old, new)
    (project / "edited.py").write_text(text, "utf-8")
    done = subprocess.run(
        [sys.executable, "-B", "edited.py"], cwd=project, check=True, capture_output=True, text=True, env=dict(os.environ)
    )
    last = done.stdout.strip().splitlines()[-1]
    match = re.fullmatch(r"validation accuracy: (0\.\d{4})", last)
    assert match, last
    return float(match[1])


def test_the_copy_is_a_clean_repository_with_a_history(tmp_path: Path) -> None:
    copy = copy_example("digits", tmp_path / "new" / "digits")
    assert copy.is_absolute()
    assert git(copy, "status", "--porcelain") == ""
    assert git(copy, "symbolic-ref", "--short", "HEAD") == "main"
    subjects = git(copy, "log", "--format=%s").splitlines()
    assert 3 <= len(subjects) == len(set(subjects))
    shipped = {path.name for path in example_source("digits").iterdir() if path.is_file()}
    assert set(git(copy, "ls-files").splitlines()) == shipped


def test_two_copies_have_the_same_history(tmp_path: Path) -> None:
    heads = {git(copy_example("digits", tmp_path / name), "rev-parse", "HEAD") for name in ("one", "two")}
    assert len(heads) == 1


def test_the_users_identity_is_used_and_else_a_local_one(tmp_path: Path, isolated: Path) -> None:
    mine = copy_example("digits", tmp_path / "mine")
    assert git(mine, "log", "-1", "--format=%an <%ae>") == "Test User <test@example.com>"
    assert "user" not in (mine / ".git" / "config").read_text("utf-8")

    (isolated / ".gitconfig").write_text("", "utf-8")
    other = copy_example("digits", tmp_path / "other")
    assert git(other, "config", "--local", "user.email") == git(other, "log", "-1", "--format=%ae")
    assert (isolated / ".gitconfig").read_text("utf-8") == ""


def test_the_users_hooks_and_signing_stay_out(tmp_path: Path, isolated: Path) -> None:
    hooks = isolated / "hooks"
    hooks.mkdir()
    (hooks / "pre-commit").write_text("#!/bin/sh\nexit 1\n", "utf-8")
    (hooks / "pre-commit").chmod(0o755)
    with (isolated / ".gitconfig").open("a", encoding="utf-8") as config:
        config.write(f"[core]\n\thooksPath = {hooks}\n[commit]\n\tgpgSign = true\n[gpg]\n\tprogram = false\n")
    assert git(copy_example("digits", tmp_path / "digits"), "rev-list", "--count", "HEAD") == "4"


def test_nothing_is_copied_over_something_else(tmp_path: Path) -> None:
    (tmp_path / "digits").mkdir()
    (tmp_path / "digits" / "mine.txt").write_text("mine", "utf-8")
    with pytest.raises(UserError, match="over something else"):
        copy_example("digits", tmp_path / "digits")
    assert [path.name for path in (tmp_path / "digits").iterdir()] == ["mine.txt"]
    (tmp_path / "empty").mkdir()
    assert (copy_example("digits", tmp_path / "empty") / "train.py").is_file()


def test_a_destination_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(UserError, match="cannot be copied"):
        copy_example("digits", tmp_path / "file" / "digits")


@pytest.mark.parametrize("name", ["", "nothing", "../digits", "."])
def test_an_unknown_example_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match=r"there is: digits"):
        copy_example(name, tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_every_example_has_its_files() -> None:
    assert [example_source(name).name for name in examples()] == list(examples())


FOREST = re.compile(r"RandomForestClassifier\(\n.*?\n        \)", re.S)
SVC = {"from sklearn.pipeline": "from sklearn.svm import SVC\nfrom sklearn.pipeline"}


@pytest.mark.slow
def test_the_example_has_headroom_that_no_single_edit_exhausts(tmp_path: Path) -> None:
    project = copy_example("digits", tmp_path / "digits")
    forest = FOREST.search((project / "train.py").read_text("utf-8"))
    assert forest
    to_svc = {**SVC, forest[0]: "SVC()"}
    base = accuracy(project, {})
    single = {
        "components": accuracy(project, {"N_COMPONENTS = 6": "N_COMPONENTS = 16"}),
        "estimators": accuracy(project, {"N_ESTIMATORS = 10": "N_ESTIMATORS = 100"}),
        "depth": accuracy(project, {"MAX_DEPTH = 6": "MAX_DEPTH = 12"}),
        "leaf": accuracy(project, {"min_samples_leaf=5": "min_samples_leaf=1"}),
        "svc": accuracy(project, to_svc),
    }
    assert 0.80 <= base <= 0.90
    assert all(value > base for value in single.values()), single
    assert accuracy(project, {"MAX_DEPTH = 6": "MAX_DEPTH = 3"}) < base
    assert accuracy(project, {"N_COMPONENTS = 6": "N_COMPONENTS = 3"}) < base
    both = accuracy(project, {**to_svc, "N_COMPONENTS = 6": "N_COMPONENTS = 24"})
    assert both > 0.97
    assert max(single.values()) < both - 0.02
