"""Repositories set up in a way of their own: what lands is what the user's own git would have committed, or nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlagent_app.agent.errors import UserError
from mlagent_app.repo.landing import LandingConflict
from tests.repo.support import TRAIN, Bed, fingerprint, git, make_repo, write

SECRET = TRAIN + b"key = 'hunter2'\n"


def test_a_filter_that_does_not_run_here_commits_nothing(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r", {"train.py": TRAIN, ".gitattributes": b"*.py filter=redact\n", "clean.sh": b""})
    write(root, {"clean.sh": b"#!/bin/sh\nsed s/hunter2/REDACTED/\n", "train.py": SECRET})
    (root / "clean.sh").chmod(0o755)
    git(root, "config", "filter.redact.clean", "./clean.sh")  # found from the top of the user's work tree alone
    git(root, "commit", "-q", "-a", "-m", "redacted")
    assert "REDACTED" in git(root, "show", "HEAD:train.py")
    bed = Bed(root, tmp_path / "s")
    result = bed.land(bed.commit({"copy.py": SECRET}))
    assert (result.files, result.commit) == (("copy.py",), "") and result.note.startswith("written, not committed: ")
    assert git(root, "log", "--format=%s", "--", "copy.py") == ""


def test_a_partial_clone_is_committed_to_without_fetching(tmp_path: Path) -> None:
    origin = make_repo(tmp_path / "origin", {"train.py": TRAIN, "big/a.bin": b"1\n", "big/b.bin": b"2\n"})
    git(origin, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "-q", "--filter=blob:none", "--sparse", f"file://{origin}", "r")
    root = tmp_path / "r"
    git(root, "remote", "set-url", "origin", "file:///nowhere")
    bed = Bed(root, tmp_path / "s")
    assert bed.land(bed.edit("train.py", b"_9 = 9", b"_9 = 0")).commit
    assert git(root, "ls-tree", "-r", "--name-only", "HEAD").split() == ["big/a.bin", "big/b.bin", "train.py"]


def test_a_repository_around_the_project_that_knows_nothing_of_it(tmp_path: Path) -> None:
    home = make_repo(tmp_path / "home", {".profile": b"1\n"})
    git(home, "config", "status.showUntrackedFiles", "no")
    write(home, {"work/train.py": TRAIN})
    bed = Bed(home / "work", tmp_path / "s")
    result = bed.land(bed.commit({"new.py": b"n\n"}))
    assert result.commit == "" and "has nothing of the project" in result.note
    assert (home / "work" / "new.py").read_bytes() == b"n\n"
    assert git(home, "log", "--format=%s").split() == ["first"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of another user")
def test_with_sudo_no_object_of_root_comes_into_a_users_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make_repo(tmp_path / "r")
    for parent, directories, files in os.walk(root):
        for name in (".", *directories, *files):
            os.chown(Path(parent, name), 65534, 65534)
    monkeypatch.setenv("SUDO_UID", "65534")
    for name, value in {"COUNT": "1", "KEY_0": "safe.directory", "VALUE_0": "*"}.items():
        monkeypatch.setenv(f"GIT_CONFIG_{name}", value)
    bed = Bed(root, tmp_path / "s")
    result = bed.land(bed.edit("train.py", b"_9 = 9", b"_9 = 0"))
    assert result.files == ("train.py",) and "with sudo" in result.note
    assert {path.stat().st_uid for path in (root / ".git").rglob("*")} == {65534}


def test_a_step_is_not_undone_from_another_branch(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r")
    git(root, "branch", "other")
    bed = Bed(root, tmp_path / "s")
    commit = bed.edit("train.py", b"_9 = 9", b"_9 = 0")
    landed = bed.land(commit).commit
    git(root, "switch", "-q", "other")
    with pytest.raises(UserError, match="is not on this branch, other, but on main ") as refused:
        bed.revert(commit, landed=landed)
    assert refused.value.line().endswith("- switch to main, and revert there")
    git(root, "switch", "-q", "-")
    assert bed.revert(commit, landed=landed).commit
    assert (root / "train.py").read_bytes() == TRAIN


def test_another_branch_is_named_before_a_conflict_that_only_it_has(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r")
    git(root, "switch", "-q", "-c", "other")
    write(root, {"train.py": TRAIN.replace(b"_9 = 9", b"_9 = 5")})
    git(root, "commit", "-q", "-a", "-m", "other")
    git(root, "switch", "-q", "main")
    bed = Bed(root, tmp_path / "s")
    commit = bed.edit("train.py", b"_9 = 9", b"_9 = 0")
    landed = bed.land(commit).commit
    git(root, "switch", "-q", "other")
    before = fingerprint(root)
    with pytest.raises(UserError, match="is not on this branch, other, but on main ") as refused:
        bed.revert(commit, landed=landed)
    assert not isinstance(refused.value, LandingConflict)
    assert fingerprint(root) == before


def test_a_step_whose_commit_was_thrown_away_is_undone(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r")
    bed = Bed(root, tmp_path / "s")
    commit = bed.edit("train.py", b"_9 = 9", b"_9 = 0")
    landed = bed.land(commit).commit
    git(root, "reset", "-q", "--hard", "HEAD~1")
    assert bed.revert(commit, landed=landed).note == "the project holds this change already"


def test_a_step_that_was_undone_by_hand_is_undone(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r")
    bed = Bed(root, tmp_path / "s")
    commit = bed.edit("train.py", b"_9 = 9", b"_9 = 0")
    landed = bed.land(commit).commit
    git(root, "revert", "--no-edit", "HEAD")
    assert bed.revert(commit, landed=landed).note == "the project holds this change already"


def test_a_conflict_that_a_stash_left_stops_it(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r")
    write(root, {"train.py": TRAIN.replace(b"_9 = 9", b"_9 = 1")})
    git(root, "stash", "-q")
    write(root, {"train.py": TRAIN.replace(b"_9 = 9", b"_9 = 2")})
    git(root, "commit", "-q", "-a", "-m", "other")
    git(root, "stash", "pop", "-q", ok=False)
    with pytest.raises(UserError, match=r"unmerged \(train.py\) - resolve the conflict"):
        Bed(root, tmp_path / "s")
