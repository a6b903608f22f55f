"""`mlagent-tui` itself, in a real terminal, with keys alone."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from mlagent_app.session import store
from tests.cli.program import command, mlagent
from tests.e2e.terminal import Terminal
from tests.session.project import TRAIN, fingerprint, git, make_project


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path / "parabola")


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (200, 60)])
def test_open_look_and_leave_changes_nothing(project: Path, tmp_path: Path, width: int, height: int) -> None:
    before = fingerprint(project)
    with Terminal(command("mlagent-tui", project, "--sandbox", "local"), tmp_path, width=width, height=height) as terminal:
        screen = terminal.wait_for("python train.py", "start")
        assert "local" in screen
        terminal.press("q")
        assert terminal.exit_status() == 0
    assert fingerprint(project) == before


def test_accept_a_step_then_quit_then_continue(project: Path, tmp_path: Path) -> None:
    start = command("mlagent-tui", project, "--sandbox", "local", "--steps", "2")
    with Terminal(start, tmp_path) as terminal:
        terminal.wait_for("python train.py", "start")
        terminal.press("Enter")
        terminal.wait_for("keep step 1?")
        terminal.press("a")
        terminal.wait_for("keep step 2?")
        terminal.press("q")
        terminal.wait_for("Leave ML-Agent?")
        terminal.press("y")
        assert terminal.exit_status() == 0
    assert (project / "train.py").read_text() != TRAIN
    assert "ML-Agent-Step: " in git(project, "log", "-1", "--format=%B")
    assert git(project, "status", "--porcelain") == " M README.md\n?? notes.txt\n"
    # Without --apply the project is not touched, though the app, where the session began, lands what is accepted.
    before = fingerprint(project)
    done = mlagent("run", project, "--continue", "--steps", "4", "--format", "json", "--sandbox", "local")
    assert done.returncode == 0, done.stderr
    assert store.latest(project).id in done.stdout
    assert "accept" in [step["decision"] for step in json.loads(done.stdout)["steps"][1:]]
    assert fingerprint(project) == before


def test_a_problem_is_said_on_the_screen_and_by_the_exit_code(tmp_path: Path) -> None:
    broken = make_project(tmp_path / "broken", "import no_such_module_here\n")
    with Terminal(command("mlagent-tui", broken, "--sandbox", "local"), tmp_path) as terminal:
        terminal.wait_for("python train.py", "start")
        terminal.press("Enter")
        terminal.wait_for("no_such_module_here")
        terminal.press("q")
        assert terminal.exit_status() == 3


def test_no_terminal_is_one_clear_line(project: Path) -> None:
    done = subprocess.run(
        command("mlagent-tui", project), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=60
    )
    assert done.returncode == 2
    assert done.stderr.strip().count("\n") == 0
    assert "mlagent run" in done.stderr
