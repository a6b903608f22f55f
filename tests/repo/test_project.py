"""Opening a project: what is accepted, what is refused and how."""

from __future__ import annotations

import multiprocessing
import os
import sys
from pathlib import Path

import pytest

from mlagent_app.agent.errors import Exit, UserError
from mlagent_app.repo.gitcmd import GitError
from mlagent_app.repo.project import open_project
from tests.repo.support import fingerprint, git, make_repo, write


def refusal(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        open_project(path)
    assert caught.value.code == Exit.USAGE
    line = caught.value.line()
    assert "\n" not in line
    return line


def test_a_repository(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r")
    project = open_project(root)
    assert (project.root, project.git_root, project.prefix, project.branch) == (root, root, "", "main")
    assert project.head == git(root, "rev-parse", "HEAD").strip()
    assert project.is_git


def test_a_directory_of_a_repository(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r", {"a b/model/train.py": b"x = 1\n"})
    project = open_project(root / "a b" / "model")
    assert (project.git_root, project.prefix) == (root, "a b/model/")


def test_a_plain_directory(tmp_path: Path) -> None:
    write(tmp_path / "p", {"train.py": b"x = 1\n"})
    project = open_project(tmp_path / "p")
    assert not project.is_git
    assert project.branch is project.head is project.git_dir is None


def test_detached_and_unborn_heads(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r")
    git(root, "checkout", "-q", "--detach")
    assert open_project(root).branch is None
    git(root, "checkout", "-q", "--orphan", "fresh")
    project = open_project(root)
    assert (project.branch, project.head) == ("fresh", None)


def test_a_linked_work_tree(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r")
    git(root, "worktree", "add", "-q", "-b", "side", str(tmp_path / "w"))
    project = open_project(tmp_path / "w")
    assert (project.branch, project.git_root) == ("side", tmp_path / "w")
    assert project.git_dir == root / ".git" / "worktrees" / "w"


def test_a_directory_that_an_outer_repository_ignores_is_not_in_git(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r", {".gitignore": b"scratch/\n"})
    write(root, {"scratch/demo/train.py": b"x = 1\n"})
    assert not open_project(root / "scratch" / "demo").is_git


def test_the_environment_of_a_hook_does_not_lead_astray(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, other = make_repo(tmp_path / "r"), make_repo(tmp_path / "other")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
    assert open_project(root).git_root == root


def test_what_is_not_a_project_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert "no such directory" in refusal(tmp_path / "nowhere")
    assert "a file, not a directory" in refusal(tmp_path / "file")
    assert "empty" in refusal(tmp_path / "empty")
    assert "loop" in refusal(tmp_path / "loop")
    git(tmp_path / "empty", "init", "-q")
    assert "empty" in refusal(tmp_path / "empty")


def test_home_and_root_are_refused_by_any_name(tmp_path: Path, isolated: Path) -> None:
    (tmp_path / "home").symlink_to(isolated)
    (tmp_path / "root").symlink_to("/")
    for path in (isolated, tmp_path / "home", Path("/"), tmp_path / "root", Path("~")):
        assert "home directory" in refusal(path)


def _open_as_nobody(path: Path) -> None:
    if os.geteuid() == 0:
        os.setgid(65534)
        os.setuid(65534)
    try:
        open_project(path)
    except UserError as error:
        sys.exit(0 if "not readable" in error.line() else 1)
    sys.exit(2)


def test_an_unreadable_directory(tmp_path: Path) -> None:
    write(tmp_path / "p", {"train.py": b"x = 1\n"})
    for parent in (tmp_path, *tmp_path.parents[:3]):
        if parent != Path("/tmp"):
            parent.chmod(0o755)
    (tmp_path / "p").chmod(0)
    child = multiprocessing.get_context("fork").Process(target=_open_as_nobody, args=(tmp_path / "p",))
    child.start()
    child.join()
    (tmp_path / "p").chmod(0o755)
    assert child.exitcode == 0


def test_bare_repositories_and_git_directories(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r")
    git(tmp_path, "clone", "-q", "--bare", str(root), "bare.git")
    assert "bare" in refusal(tmp_path / "bare.git")
    assert "bare" in refusal(tmp_path / "bare.git" / "refs")
    assert ".git" in refusal(root / ".git")
    assert ".git" in refusal(root / ".git" / "objects")


def test_a_git_file_that_leads_nowhere(tmp_path: Path) -> None:
    write(tmp_path / "p", {"train.py": b"x = 1\n", ".git": b"gitdir: /nowhere/at/all\n"})
    assert "cannot read this repository" in refusal(tmp_path / "p")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_repository_of_another_user(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r")
    for place in (root, root / ".git"):
        os.chown(place, 12345, 12345)
    line = refusal(root)
    assert "another user" in line
    assert f"git config --global --add safe.directory {root}" in line


@pytest.mark.parametrize("operation", ["merge", "rebase", "cherry-pick"])
def test_an_unfinished_operation(tmp_path: Path, operation: str) -> None:
    root = make_repo(tmp_path / "r")
    git(root, "checkout", "-q", "-b", "side")
    write(root, {"train.py": b"side\n"})
    git(root, "commit", "-q", "-a", "-m", "side")
    git(root, "checkout", "-q", "main")
    write(root, {"train.py": b"main\n"})
    git(root, "commit", "-q", "-a", "-m", "main")
    git(root, operation, "side", ok=False)
    before = fingerprint(root)
    assert f"a {operation} is under way" in refusal(root)
    assert fingerprint(root) == before


def test_amid_a_bisect(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r")
    git(root, "bisect", "start")
    before = fingerprint(root)
    line = refusal(root)
    assert "a bisect is under way" in line and "git bisect reset" in line
    assert fingerprint(root) == before
    git(root, "bisect", "reset")
    assert open_project(root).branch == "main"


def test_without_git_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make_repo(tmp_path / "r")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitError) as caught:
        open_project(root)
    assert "git" in caught.value.line()
