"""`--demo`: a copy of the bundled example for each session that starts one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from git import Repo

from mlagent_app.agent.errors import UserError
from mlagent_app.session.backend import resolve_project


def test_demos_started_at_the_same_moment_each_get_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLAGENT_STATE_DIR", str(tmp_path))
    with ThreadPoolExecutor(6) as threads:
        starts = [threads.submit(resolve_project, None, resume="", demo=True) for _ in range(6)]
        made = [start.result() for start in starts]
    assert sorted(made) == [tmp_path / "demo" / str(number) / "digits" for number in range(1, 7)]
    assert {Repo(project).head.commit.message for project in made} == {"Say how to run it and which number counts\n"}
    assert len({Repo(project).head.commit.hexsha for project in made}) == 1
    assert resolve_project(None, resume="latest", demo=True) == max(made)


def test_a_state_directory_that_cannot_be_written_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLAGENT_STATE_DIR", str(tmp_path / "state"))
    (tmp_path / "state").write_text("a file", "utf-8")
    with pytest.raises(UserError, match="the demo's project cannot be made") as raised:
        resolve_project(None, resume="", demo=True)
    assert str(tmp_path / "state" / "demo") in raised.value.line()
    assert "MLAGENT_STATE_DIR" in raised.value.line()


def test_a_place_that_was_never_filled_is_not_the_last_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLAGENT_STATE_DIR", str(tmp_path))
    made = resolve_project(None, resume="", demo=True)
    (tmp_path / "demo" / "2").mkdir()
    assert resolve_project(None, resume="latest", demo=True) == made
    assert resolve_project(None, resume="", demo=True) == tmp_path / "demo" / "3" / "digits"
