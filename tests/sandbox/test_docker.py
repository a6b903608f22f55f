"""The Docker sandbox: the same contract as the others, limits that hold, and a wall around everything but the workspace."""

import os
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.docker import DockerRunner
from sandbox.docker_engine import ContainerState, Engine
from sandbox.docker_orphans import OWNER_LABEL, owner
from sandbox.runner import Job, Limits, Link, Runner, RunResult, SandboxError
from tests.sandbox.runner_contract import PATIENCE, RunnerContract, wait_until

pytestmark = pytest.mark.docker
PYTHON = Path(sys.executable)


@pytest.fixture(scope="module")
def docker(docker_engine: Engine) -> Generator[DockerRunner]:
    assert docker_engine.info.name
    runner = DockerRunner.connect()
    yield runner
    runner.close()


def containers_of(engine: Engine, label: str) -> list[str]:
    return [container for container, value in engine.labelled(OWNER_LABEL) if value == label]


class TestDocker(RunnerContract):
    make_runner = "__import__('sandbox.docker').docker.DockerRunner.connect()"

    @pytest.fixture
    def runner(self, docker: DockerRunner) -> Runner:
        return docker

    # Where Docker differs from the contract.

    def test_killing_the_supervisor_leaves_nothing_and_is_infrastructure(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, runner: Runner, workspace: Path, docker_engine: Engine
    ) -> None:
        """The supervisor is the container here: someone removes it."""
        done: list[RunResult] = []
        thread = threading.Thread(target=lambda: done.append(self.run(runner, workspace, "echo here; sleep 600")))
        thread.start()
        log = workspace.parent / "log.txt"
        assert wait_until(lambda: log.exists() and "here" in log.read_text())
        for container in containers_of(docker_engine, owner()):
            docker_engine.remove(container)
        thread.join(PATIENCE)
        assert [result.outcome for result in done] == ["infrastructure"]
        assert "\n" not in done[0].message and done[0].message

    def test_too_much_memory_of_a_child_is_noticed(self, runner: Runner, workspace: Path) -> None:
        source = """
            import subprocess, sys
            subprocess.run([sys.executable, "-c", "x = bytearray(700 << 20)"], check=True)
        """
        result = self.script(runner, workspace, source, Limits(seconds=30, memory_mb=300))
        assert result.outcome == "out_of_memory"
        assert "300 MiB" in result.message
        assert result.peak_memory == 300 * 2**20

    # What is Docker's own.

    def test_too_much_memory_is_out_of_memory(self, runner: Runner, workspace: Path) -> None:
        result = self.script(runner, workspace, "x = bytearray(700 << 20)", Limits(seconds=30, memory_mb=200))
        assert (result.outcome, result.exit_code) == ("out_of_memory", 137)

    def test_a_child_killed_for_memory_in_a_run_that_ends_well_is_a_warning(self, runner: Runner, workspace: Path) -> None:
        command = "python -c 'x = bytearray(700 << 20)'; echo went on"
        result = self.run(runner, workspace, command, Limits(seconds=30, memory_mb=200))
        assert result.outcome == "ok"
        assert result.warnings == ("a process of the run was killed for memory",)

    def test_a_child_killed_for_memory_is_known_even_where_the_engine_hears_of_it_late(
        self, runner: Runner, workspace: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told = Engine.state

        def late(engine: Engine, container: str) -> ContainerState:
            return replace(told(engine, container), oom_killed=False)

        monkeypatch.setattr(Engine, "state", late)
        self.test_a_child_killed_for_memory_in_a_run_that_ends_well_is_a_warning(runner, workspace)

    def test_the_notes_say_what_runs(self, docker: DockerRunner) -> None:
        assert docker.name == "docker"
        assert "this machine's Python" in docker.notes[0]

    def test_lines_arrive_while_the_job_runs(self, docker: DockerRunner, workspace: Path) -> None:
        seen: list[str] = []
        got_first, cancel = threading.Event(), threading.Event()

        def take(lines: list[str]) -> None:
            seen.extend(lines)
            got_first.set()

        job = Job("echo first; sleep 600; echo second", workspace, workspace.parent / "log.txt")
        thread = threading.Thread(target=lambda: docker.run(job, Limits(), on_log=take, cancel=cancel))
        thread.start()
        assert got_first.wait(20)
        assert seen == ["first"]
        cancel.set()
        thread.join(PATIENCE)
        assert seen == ["first"]

    def test_text_of_several_bytes_survives_any_cut(self, docker: DockerRunner, workspace: Path) -> None:
        lines: list[str] = []
        (workspace / "job.py").write_text(
            "import os, time\n"
            "for byte in 'Genauigkeit: 0,9 \u2713 \U0001f600\\n'.encode():\n"
            "    os.write(1, bytes([byte])); time.sleep(0.002)\n"
        )
        job = Job("python job.py", workspace, workspace.parent / "log.txt", python=PYTHON)
        assert docker.run(job, Limits(), on_log=lines.extend).outcome == "ok"
        assert lines == ["Genauigkeit: 0,9 \u2713 \U0001f600"]

    def test_a_hundred_thousand_lines_all_arrive(self, docker: DockerRunner, workspace: Path) -> None:
        lines: list[str] = []
        job = Job("seq 100000", workspace, workspace.parent / "log.txt")
        assert docker.run(job, Limits(), on_log=lines.extend).outcome == "ok"
        assert lines == [str(number) for number in range(1, 100001)]

    def test_a_job_that_floods_its_output_can_still_be_cancelled(self, docker: DockerRunner, workspace: Path) -> None:
        cancel = threading.Event()
        threading.Timer(0.7, cancel.set).start()
        job = Job("yes", workspace, workspace.parent / "log.txt")
        result = docker.run(job, Limits(output_mb=1), cancel=cancel)
        assert (result.outcome, result.truncated) == ("killed", True)
        assert job.log_path.stat().st_size <= 2**20

    def test_a_job_that_asks_for_time_gets_some_to_end(self, docker: DockerRunner, workspace: Path) -> None:
        command = "trap 'echo saved > checkpoint; exit 0' TERM; while :; do sleep 0.1; done"
        result = self.run(docker, workspace, command, Limits(seconds=1))
        assert result.outcome == "timeout"
        assert (workspace / "checkpoint").read_text() == "saved\n"

    def test_a_fork_bomb_stays_in_its_box(self, docker: DockerRunner, workspace: Path) -> None:
        (workspace / "job.py").write_text("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass\n")
        result = self.run(docker, workspace, "python job.py", Limits(seconds=2, pids=40, cpus=0.5))
        assert result.outcome == "timeout"

    def test_nothing_is_writable_but_the_workspace_and_tmp(self, docker: DockerRunner, workspace: Path) -> None:
        places = f"/ /usr /etc /usr/bin /home {sys.prefix} {sys.base_prefix}/lib /proc/sys/kernel /sys /workspace /tmp /dev/shm"
        command = f"for d in {places}; do touch $d/mark 2>/dev/null && echo $d; done; id -u; grep CapEff /proc/self/status"
        result = self.run(docker, workspace, command)
        *writable, uid, _, capabilities = result.log_path.read_text().split()
        assert writable == ["/workspace", "/tmp", "/dev/shm"]
        assert int(uid) != 0
        assert int(capabilities, 16) == 0

    def test_there_is_no_network(self, docker: DockerRunner, workspace: Path) -> None:
        with socket.create_server(("0.0.0.0", 0)) as server:
            (workspace / "job.py").write_text(
                "import socket\n"
                "print([name for _, name in socket.if_nameindex()])\n"
                f"for host in ('127.0.0.1', '172.17.0.1'):\n"
                f"    try: socket.create_connection((host, {server.getsockname()[1]}), timeout=2); print('reached')\n"
                "    except OSError: print('closed')\n"
            )
            result = self.run(docker, workspace, "python job.py")
        assert result.log_path.read_text() == "['lo']\nclosed\nclosed\n"

    def test_the_network_is_there_when_it_is_asked_for(self, docker: DockerRunner, workspace: Path) -> None:
        command = "python -c 'import socket; print([name for _, name in socket.if_nameindex()])'"
        result = self.run(docker, workspace, command, Limits(network=True))
        assert "eth0" in result.log_path.read_text()

    def test_links_cannot_be_written(self, docker: DockerRunner, workspace: Path, tmp_path: Path) -> None:
        data = tmp_path / "data"
        data.mkdir()
        (data / "rows.csv").write_text("1,2\n")
        data.chmod(0o777)
        (data / "rows.csv").chmod(0o666)
        command = "echo x > data/rows.csv; touch data/new; rm -rf data; mv data other; cat data/rows.csv"
        result = self.run(docker, workspace, command, links=[Link(data, "data")])
        assert "1,2\n" in result.log_path.read_text()
        assert [path.name for path in data.iterdir()] == ["rows.csv"]
        assert (data / "rows.csv").read_text() == "1,2\n"

    def test_the_environment_of_these_tests_imports_scikit_learn(self, docker: DockerRunner, workspace: Path) -> None:
        (workspace / "job.py").write_text(
            "from sklearn.datasets import load_iris\nfrom sklearn.linear_model import LogisticRegression\n"
            "x, y = load_iris(return_X_y=True)\nprint('accuracy:', LogisticRegression(max_iter=500).fit(x, y).score(x, y))\n"
        )
        result = self.run(docker, workspace, "python job.py")
        assert result.outcome == "ok", result.log_path.read_text()
        assert result.log_path.read_text().startswith("accuracy: 0.9")

    def test_what_the_job_wrote_belongs_to_the_caller(self, docker: DockerRunner, workspace: Path) -> None:
        (workspace / "before.txt").write_text("1")
        command = (
            "echo 2 >> before.txt; mkdir -p deep/er; echo 3 > deep/er/file; chmod 000 deep/er/file deep/er deep;"
            "cp /bin/sh suid; chmod 4755 suid"
        )
        assert self.run(docker, workspace, command).outcome == "ok"
        assert (workspace / "before.txt").read_text() == "12\n"
        assert (workspace / "deep" / "er" / "file").read_text() == "3\n"
        for path in [workspace, *workspace.rglob("*")]:
            status = path.lstat()
            assert (status.st_uid, status.st_gid) == (os.getuid(), os.getgid())
            assert status.st_mode & 0o400
            assert not status.st_mode & (stat.S_ISUID if path.is_file() else 0)

    def test_links_of_the_job_to_the_host_are_not_followed(self, docker: DockerRunner, workspace: Path, tmp_path: Path) -> None:
        victim = tmp_path / "victim"
        victim.mkdir()
        (victim / "file").write_text("mine")
        (victim / "file").chmod(0o640)
        before = [(path.stat().st_uid, path.stat().st_mode) for path in (victim, victim / "file")]
        (workspace / "old").symlink_to(victim)
        command = f"ln -s {victim} directory; ln -s {victim}/file metrics.json; mkdir d; ln -s {victim} d/again; cat old/file"
        result = self.run(docker, workspace, command)
        assert result.outcome == "error"
        assert [(path.stat().st_uid, path.stat().st_mode) for path in (victim, victim / "file")] == before
        assert (victim / "file").read_text() == "mine"
        owners = {path.lstat().st_uid for path in workspace.rglob("*")}
        assert owners == {os.getuid()}

    def test_a_link_place_that_is_a_symbolic_link_is_refused(
        self, docker: DockerRunner, workspace: Path, tmp_path: Path
    ) -> None:
        outside = tmp_path / "outside"
        outside.mkdir()
        (workspace / "data").symlink_to(outside)
        result = self.run(docker, workspace, "true", links=[Link(PYTHON, "data/python")])
        assert result.outcome == "infrastructure"
        assert list(outside.iterdir()) == []

    def test_an_interpreter_that_cannot_start_is_said_before_any_run(self, docker: DockerRunner, tmp_path: Path) -> None:
        with pytest.raises(SandboxError, match="does not work"):
            docker.preflight(tmp_path / "no" / "python", near=tmp_path)

    @pytest.mark.skipif(os.getuid() != 0, reason="root alone runs jobs as somebody else")
    def test_an_environment_that_others_cannot_read_is_said_with_the_cure(self, docker: DockerRunner, tmp_path: Path) -> None:
        subprocess.run([PYTHON, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
        (tmp_path / "venv").chmod(0o700)
        with pytest.raises(SandboxError, match="chmod -R o"):
            docker.preflight(tmp_path / "venv" / "bin" / "python", near=tmp_path)

    def test_eight_at_a_time_leave_nothing_behind(self, docker: DockerRunner, docker_engine: Engine, tmp_path: Path) -> None:
        results: list[RunResult] = []

        def one(number: int) -> None:
            place = tmp_path / f"w{number}"
            place.mkdir()
            job = Job(f"echo {number} > made; sleep 0.3; exit {number}", place, tmp_path / f"{number}.log")
            results.append(docker.run(job, Limits(memory_mb=256)))

        threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(result.exit_code or 0 for result in results) == list(range(8))
        assert all((tmp_path / f"w{number}" / "made").read_text() == f"{number}\n" for number in range(8))
        assert containers_of(docker_engine, owner()) == []


def test_the_clock_of_a_run_is_the_job_s_own(docker: DockerRunner, tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    started = time.monotonic()
    result = docker.run(Job("sleep 0.5", workspace, tmp_path / "log.txt"), Limits())
    assert 0.4 < result.seconds < time.monotonic() - started
