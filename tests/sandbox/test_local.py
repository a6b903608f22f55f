"""The local sandbox: no wall, but limits, and nothing left behind."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.local import LocalRunner
from sandbox.runner import Link, Runner
from tests.sandbox.runner_contract import RunnerContract, wait_until


class TestLocal(RunnerContract):
    make_runner = "__import__('sandbox.local').local.LocalRunner()"

    @pytest.fixture
    def runner(self) -> Runner:
        return LocalRunner()

    def test_the_notes_say_that_it_is_no_wall(self) -> None:
        runner = LocalRunner(["Docker is not installed"])
        assert runner.name == "local"
        assert "not a wall" in runner.notes[0]
        assert runner.notes[-1] == "Docker is not installed"

    def test_what_was_left_running_is_told(self, runner: Runner, workspace: Path) -> None:
        result = self.run(runner, workspace, "setsid sleep 7101 & sleep 7102 & echo done")
        assert result.warnings == ("2 processes were still running when the command ended, and stopped",)

    def test_temporary_files_go(self, runner: Runner, workspace: Path) -> None:
        result = self.run(runner, workspace, 'touch "$TMPDIR/kept"; echo $TMPDIR')
        assert not Path(result.log_path.read_text().strip()).exists()

    def test_temporary_files_go_also_when_the_client_is_killed(self, workspace: Path, tmp_path: Path) -> None:
        temporary = tmp_path / "temporary"
        temporary.mkdir()
        command = 'mkdir "$TMPDIR/d"; touch "$TMPDIR/d/f" started; sleep 7103'
        program = (
            "import sys\nfrom pathlib import Path\n"
            "from sandbox.local import LocalRunner\nfrom sandbox.runner import Job, Limits\n"
            "LocalRunner().run(Job(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[2]).parent / 'log.txt'), Limits())"
        )
        client = subprocess.Popen(
            [sys.executable, "-c", program, command, str(workspace)],
            cwd=Path(__file__).parents[2],
            env={**os.environ, "TMPDIR": str(temporary)},
        )
        try:
            assert wait_until(lambda: (workspace / "started").exists())
            assert list(temporary.iterdir()) != []
        finally:
            client.kill()
            client.wait()
        assert wait_until(lambda: not list(temporary.iterdir()))

    def test_what_the_job_puts_in_place_of_a_link_stays(self, runner: Runner, workspace: Path, tmp_path: Path) -> None:
        source = tmp_path / "data.csv"
        source.write_text("data")
        result = self.run(runner, workspace, "rm data.csv; echo mine > data.csv", links=[Link(source, "data.csv")])
        assert result.outcome == "ok"
        assert source.read_text() == "data"
        assert (workspace / "data.csv").read_text() == "mine\n"
