"""Calling git: exit statuses, time limits, and no code of the repository."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlagent_app.repo.gitcmd import GitError, init_private, project_git
from tests.repo.support import git, make_repo


def test_a_failure_is_one_line_with_gits_reason(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r")
    with pytest.raises(GitError) as caught:
        project_git(root).run("cat-file", "blob", "HEAD:nothing")
    assert caught.value.status == 128
    assert "nothing" in caught.value.line()
    assert "\n" not in caught.value.line()


def test_an_expected_status_is_no_failure(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r")
    assert project_git(root).run("diff", "--quiet", "HEAD", ok=(0, 1)).status == 0


def test_a_command_that_hangs_is_stopped(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r")
    with pytest.raises(GitError) as caught:
        project_git(root).run("-c", "alias.hang=!exec sleep 60", "hang", seconds=0.3)
    assert "longer than 0.3 s" in caught.value.line()


def test_a_directory_that_is_gone_is_not_replaced_by_the_current_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(make_repo(tmp_path / "r"))
    with pytest.raises(GitError):
        project_git(tmp_path / "gone").run("rev-parse", "--show-toplevel")


def test_what_feeds_a_command_may_fail(tmp_path: Path) -> None:
    private = init_private(tmp_path / "p.git")

    def chunks() -> Iterator[bytes]:
        yield b"blob\ndata 2\nhi\n"
        raise PermissionError("no")

    with pytest.raises(PermissionError):
        private.feed("fast-import", "--quiet", "--done", chunks=chunks(), seconds=30)
    with pytest.raises(GitError):
        private.feed("fast-import", "--quiet", "--done", chunks=[b"nonsense\n"], seconds=30)


def test_hooks_and_monitors_of_the_project_do_not_run(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r")
    mark = tmp_path / "ran"
    script = tmp_path / "script"
    script.write_text(f"#!/bin/sh\ntouch '{mark}'\n")
    script.chmod(0o755)
    hook = root / ".git" / "hooks" / "reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_bytes(script.read_bytes())
    hook.chmod(0o755)
    git(root, "config", "core.fsmonitor", str(script))
    calls = project_git(root)
    calls.run("ls-files", "--others")
    calls.run("status")
    calls.run("update-ref", "refs/heads/other", "HEAD")
    assert not mark.exists()
    git(root, "status")
    assert mark.exists()  # the trap works


def test_a_private_repository_hears_no_outer_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config").write_text("[core]\n\tautocrlf = true\n[mlagent]\n\ttest = heard\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "mlagent.test")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "heard")
    monkeypatch.setenv("GIT_DIR", os.fspath(tmp_path))
    private = init_private(tmp_path / "p.git")
    assert private.run("config", "mlagent.test", ok=(0, 1)).out == b""
    assert private.line("config", "core.autocrlf") == "false"
    root = make_repo_without_environment(tmp_path / "r", monkeypatch)
    assert project_git(root).line("config", "mlagent.test") == "heard"


def make_repo_without_environment(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("GIT_DIR")
    git(root.parent, "init", "-q", str(root))
    return root
