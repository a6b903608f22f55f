"""Which session a command means by `latest`, and what it says of one whose project has moved."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlagent_app.agent import events as ev
from mlagent_app.session import store
from tests.cli.program import mlagent, one_line
from tests.session.project import git, make_project
from tests.session.test_session import run


def session_of(project: Path) -> str:
    """A new session of one step; its id. Ids are to the second, and the order of those of the same second is by chance."""
    seen, _ = run(project, session__steps=1)
    begun = store.find(seen.one(ev.SessionStarted).session)
    ids = sorted(path.name for path in store.sessions_dir().iterdir())
    later = f"20990101-0000{len(ids):02d}-0000"
    begun.directory.rename(begun.directory.parent / later)
    return later


def meant(place: Path) -> str:
    """The session whose report is written by whoever stands in `place` and names none."""
    done = mlagent("report", cwd=place)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.splitlines()[0]).parent.name


def test_latest_is_of_the_repository_one_stands_in_and_elsewhere_of_the_machine(tmp_path: Path) -> None:
    one, two = make_project(tmp_path / "one"), make_project(tmp_path / "two")
    (one / "notes" / "old").mkdir(parents=True)
    first, second = session_of(one), session_of(two)
    assert [meant(place) for place in (one, one / "notes" / "old", two, tmp_path)] == [first, first, second, second]


def test_latest_in_a_repository_of_several_projects(tmp_path: Path) -> None:
    one = make_project(tmp_path / "all" / "one")
    (one / ".git").rename(one.parent / ".git")
    two = one.parent / "two"
    (two / "deep").mkdir(parents=True)
    (two / "train.py").write_text((one / "train.py").read_text())
    first, second = session_of(one), session_of(two)
    assert [meant(place) for place in (one, two / "deep", one.parent)] == [first, second, second]


def test_latest_in_a_repository_without_a_session_is_no_other_projects(tmp_path: Path) -> None:
    other = make_project(tmp_path / "other")
    session = session_of(make_project(tmp_path / "one"))
    for command in ("apply", "report"):
        done = mlagent(command, "latest", cwd=other)
        assert done.returncode == 2
        line = one_line(done)
        assert "this repository has no session" in line and session in line and str(other) in line


def test_a_project_that_was_moved_is_said_to_be_gone(tmp_path: Path) -> None:
    project = make_project(tmp_path / "one")
    session = session_of(project)
    moved = project.rename(tmp_path / "moved")
    for arguments in (
        ("run", "--resume", session),
        ("run", moved, "--resume", session),
        ("apply", session),
        ("revert", session, "1"),
    ):
        done = mlagent(*arguments, cwd=tmp_path)
        assert done.returncode == 2
        line = one_line(done)
        assert f"session {session} is no longer where it was ({project}) - move it back there" in line, arguments


def test_a_project_that_was_moved_into_another_directory_is_told_of_its_session(tmp_path: Path) -> None:
    project = make_project(tmp_path / "one")
    session = session_of(project)
    (tmp_path / "elsewhere").mkdir()
    moved = project.rename(tmp_path / "elsewhere" / "one")
    done = mlagent("run", moved, "--continue")
    assert done.returncode == 2
    line = one_line(done)
    assert "this project has no session to continue" in line and f"session {session} belongs to {project}: move" in line


def test_a_session_of_another_project_is_said_to_be_so(tmp_path: Path) -> None:
    project, other = make_project(tmp_path / "one"), make_project(tmp_path / "other")
    session = session_of(project)
    done = mlagent("run", other, "--resume", session)
    assert done.returncode == 2
    assert one_line(done).endswith(f"session {session} belongs to {project} - leave out PROJECT, or name that one")


@pytest.mark.parametrize("branch", ["other", "main"])
def test_a_step_is_not_undone_on_a_branch_that_lacks_it(tmp_path: Path, branch: str) -> None:
    project = make_project(tmp_path / "one")
    git(project, "commit", "-q", "-a", "-m", "Clean")
    git(project, "branch", "other")
    seen, _ = run(project, apply=True, session__steps=6)
    landed = seen.all(ev.Landed)[-1]  # no later step builds on it
    git(project, "switch", "-q", branch)
    if branch == "other":
        text = (project / "train.py").read_text()
        for name in ("LEARNING_RATE", "EPOCHS", "HIDDEN_SIZE"):
            text = text.replace(f"{name} = ", f"{name} = 3 * ")
        (project / "train.py").write_text(text)
        git(project, "commit", "-q", "-a", "-m", "Other")
    done = mlagent("revert", "latest", str(landed.step), cwd=project)
    if branch == "main":
        assert done.returncode == 0, done.stderr
        return
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "is not on this branch, other, but on main" in one_line(done)
    assert one_line(done).endswith("- switch to main, and revert there")
    assert git(project, "status", "--porcelain", "-uno") == ""
