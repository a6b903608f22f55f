"""One session at a time on a project."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mlagent_app.agent.errors import UserError
from mlagent_app.repo.locks import project_lock, state_dir

HOLD = """
import sys, time
from pathlib import Path
from mlagent_app.repo.locks import project_lock
lock = project_lock(Path(sys.argv[1]), "session-1")
print("held", flush=True)
time.sleep(60)
"""


def hold(project: Path) -> subprocess.Popen[str]:
    child = subprocess.Popen([sys.executable, "-c", HOLD, str(project)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    return child


def test_the_second_process_learns_who_was_first(tmp_path: Path) -> None:
    child = hold(tmp_path)
    try:
        with pytest.raises(UserError) as caught:
            project_lock(tmp_path, "session-2")
        assert f"another ML-Agent session (pid {child.pid}, since " in caught.value.line()
        assert "session session-1" in caught.value.line()
        (tmp_path / "link").symlink_to(tmp_path)
        with pytest.raises(UserError):
            project_lock(tmp_path / "link", "session-2")
        (tmp_path / "other").mkdir()
        with project_lock(tmp_path / "other", "session-2"):
            pass
    finally:
        child.kill()
        child.wait()


def test_a_killed_holder_frees_the_lock(tmp_path: Path) -> None:
    child = hold(tmp_path)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    with project_lock(tmp_path, "session-2") as lock:
        text = lock.path.read_text()
    assert text.startswith(f"{os.getpid()}\n")
    assert "session-2" in text


def test_released_it_can_be_taken_again(tmp_path: Path) -> None:
    for _ in range(2):
        lock = project_lock(tmp_path, "s")
        with pytest.raises(UserError):
            project_lock(tmp_path, "s")
        lock.release()
        lock.release()


def test_where_the_state_lies(isolated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert state_dir() == isolated / "state"
    monkeypatch.delenv("MLAGENT_STATE_DIR")
    assert state_dir().is_relative_to(isolated)
    assert state_dir().name == "mlagent"


def test_a_state_directory_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("MLAGENT_STATE_DIR", str(tmp_path / "file"))
    with pytest.raises(UserError) as caught:
        project_lock(tmp_path, "s")
    assert "MLAGENT_STATE_DIR" in caught.value.line()
