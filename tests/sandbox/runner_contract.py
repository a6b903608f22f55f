"""What every sandbox made of processes of this machine must do, as tests that `test_local` and `test_bwrap` inherit."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import venv
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from sandbox.runner import Job, Limits, Link, Runner, RunResult, Sample

PYTHON = Path(sys.executable)
# Sleeps of other test processes, which may run the same contract at the same time, are not ours.
OWN = f"{os.getpid():07d}"
# Seconds after which what has not come will not come, however busy the machine. Nobody waits longer than it takes.
PATIENCE = 60.0


def alive(marker: str) -> list[int]:
    """The processes whose command line holds `marker`, but for our own."""
    found: list[int] = []
    for process in psutil.process_iter(["pid", "cmdline", "status"]):
        words: list[str] = process.info["cmdline"] or []
        if marker in " ".join(words) and process.pid != os.getpid() and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(process.pid)
    return found


def wait_until(condition: Callable[[], object]) -> bool:
    """Whether `condition` came true before our patience ended."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return bool(condition())


class RunnerContract:
    """Subclasses give a `runner` fixture and the class it comes from."""

    make_runner = ""
    """An expression that makes the runner in another process."""

    @pytest.fixture
    def workspace(self, tmp_path: Path) -> Path:
        path = tmp_path / "workspace"
        path.mkdir()
        return path

    def run(self, runner: Runner, workspace: Path, command: str, limits: Limits | None = None, **job: object) -> RunResult:
        """Run `command` with the python of these tests."""
        log = workspace.parent / "log.txt"
        limits = limits or Limits(seconds=60, memory_mb=2048)
        return runner.run(Job(command, workspace, log, python=PYTHON, **job), limits)  # pyright: ignore[reportArgumentType]

    def script(self, runner: Runner, workspace: Path, source: str, limits: Limits | None = None) -> RunResult:
        (workspace / "job.py").write_text(textwrap.dedent(source))
        return self.run(runner, workspace, "python job.py", limits)

    def test_a_run_that_ends_well(self, runner: Runner, workspace: Path) -> None:
        result = self.run(runner, workspace, "echo accuracy: 0.9; echo result > made.txt")
        assert (result.outcome, result.exit_code, result.message) == ("ok", 0, "")
        assert result.log_path.read_text() == "accuracy: 0.9\n"
        assert (workspace / "made.txt").read_text() == "result\n"
        assert result.seconds > 0
        assert result.peak_memory is not None and result.peak_memory > 0
        assert result.warnings == ()

    def test_stdout_and_stderr_keep_their_order_and_lines_arrive_whole(self, runner: Runner, workspace: Path) -> None:
        lines: list[str] = []
        script = "import sys\nfor i in range(200): print(i, file=sys.stdout if i % 2 else sys.stderr)\n"
        (workspace / "job.py").write_text(script)
        job = Job("python job.py", workspace, workspace.parent / "log.txt", python=PYTHON)
        result = runner.run(job, Limits(), on_log=lines.extend)
        assert result.outcome == "ok"
        assert lines == [str(number) for number in range(200)]
        assert result.log_path.read_text().split() == lines

    def test_an_error_is_named(self, runner: Runner, workspace: Path) -> None:
        result = self.script(runner, workspace, "import no_such_module\n")
        assert (result.outcome, result.exit_code) == ("error", 1)
        assert result.message == "exit code 1: ModuleNotFoundError: No module named 'no_such_module'"

    def test_a_missing_command_and_a_signal_are_errors(self, runner: Runner, workspace: Path) -> None:
        assert self.run(runner, workspace, "no-such-command").exit_code == 127
        result = self.run(runner, workspace, "kill -SEGV $$")
        assert (result.outcome, result.exit_code) == ("error", 128 + signal.SIGSEGV)
        assert "SIGSEGV" in result.message

    def test_a_time_out_stops_the_whole_tree(self, runner: Runner, workspace: Path) -> None:
        result = self.run(runner, workspace, f"setsid sleep 7001.{OWN} & sleep 7001.{OWN}", Limits(seconds=0.7))
        assert result.outcome == "timeout"
        assert "0.7 s" in result.message
        assert wait_until(lambda: not alive(f"sleep 7001.{OWN}"))

    def test_cancelling_kills_a_grandchild_with_its_own_session(self, runner: Runner, workspace: Path) -> None:
        cancel = threading.Event()
        done: list[RunResult] = []
        nap = f"sleep 7002.{OWN}"
        command = f"setsid setsid {nap} & (setsid sh -c 'trap \"\" TERM INT HUP; {nap}; {nap}' &) ; {nap}"
        job = Job(command, workspace, workspace.parent / "log.txt")
        thread = threading.Thread(target=lambda: done.append(runner.run(job, Limits(), cancel=cancel)))
        thread.start()
        assert wait_until(lambda: len(alive(f"sleep 7002.{OWN}")) >= 4)
        cancel.set()
        assert wait_until(lambda: not alive(f"sleep 7002.{OWN}"))
        thread.join(PATIENCE)
        assert [(result.outcome, result.message) for result in done] == [("killed", "stopped on request")]

    def test_a_run_that_is_cancelled_before_it_starts_does_not_start(self, runner: Runner, workspace: Path) -> None:
        cancel = threading.Event()
        cancel.set()
        job = Job("touch started", workspace, workspace.parent / "log.txt")
        assert runner.run(job, Limits(), cancel=cancel).outcome == "killed"
        assert not (workspace / "started").exists()

    def test_what_the_command_leaves_running_is_stopped(self, runner: Runner, workspace: Path) -> None:
        result = self.run(runner, workspace, f"setsid sleep 7003.{OWN} & echo done")
        assert result.outcome == "ok"
        assert wait_until(lambda: not alive(f"sleep 7003.{OWN}"))

    def test_killing_the_client_kills_the_job(self, runner: Runner, workspace: Path) -> None:
        assert runner.name
        client = subprocess.Popen(
            [
                sys.executable,
                "-c",
                "import sys\nfrom pathlib import Path\nfrom sandbox.runner import Job, Limits\n"
                f"{self.make_runner}.run(Job('setsid setsid sleep 7004.{OWN} & sleep 7004.{OWN}', Path(sys.argv[1]),"
                " Path(sys.argv[1]).parent / 'log.txt'), Limits())",
                str(workspace),
            ],
            cwd=Path(__file__).parents[2],
        )
        try:
            assert wait_until(lambda: len(alive(f"sleep 7004.{OWN}")) >= 2)
        finally:
            client.kill()
            client.wait()
        assert wait_until(lambda: not alive(f"sleep 7004.{OWN}"))

    def test_killing_the_supervisor_leaves_nothing_and_is_infrastructure(self, runner: Runner, workspace: Path) -> None:
        done: list[RunResult] = []
        job = Job(f"setsid setsid sleep 7005.{OWN} & sleep 7005.{OWN}", workspace, workspace.parent / "log.txt")
        thread = threading.Thread(target=lambda: done.append(runner.run(job, Limits())))
        thread.start()
        assert wait_until(lambda: len(alive(f"sleep 7005.{OWN}")) >= 2)
        for child in psutil.Process().children():
            if "supervisor.py" in " ".join(child.cmdline()):
                child.kill()
        thread.join(PATIENCE)
        assert [result.outcome for result in done] == ["infrastructure"]
        assert wait_until(lambda: not alive(f"sleep 7005.{OWN}"))

    def test_too_much_memory_of_a_child_is_noticed(self, runner: Runner, workspace: Path) -> None:
        source = """
            import subprocess, sys
            code = "import time; x = bytearray(700 << 20); time.sleep(30)"
            subprocess.run([sys.executable, "-c", code], check=True)
        """
        result = self.script(runner, workspace, source, Limits(seconds=30, memory_mb=300))
        assert result.outcome == "out_of_memory"
        assert "300 MiB" in result.message
        assert result.peak_memory is not None and result.peak_memory > 300 * 2**20

    def test_memory_shared_by_forked_workers_counts_once(self, runner: Runner, workspace: Path) -> None:
        source = """
            import os, time
            x = bytearray(150 << 20)
            for _ in range(4):
                if os.fork() == 0:
                    time.sleep(0.9); os._exit(0)
            for _ in range(4):
                os.wait()
        """
        result = self.script(runner, workspace, source, Limits(seconds=30, memory_mb=400))
        assert (result.outcome, result.message) == ("ok", "")

    def test_a_mapped_file_is_not_memory_in_use(self, runner: Runner, workspace: Path) -> None:
        with (workspace / "data.bin").open("wb") as file:
            file.truncate(150 << 20)
        source = """
            import mmap, time
            with open("data.bin", "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as data:
                total = sum(data[start] for start in range(0, len(data), 4096))
                time.sleep(0.5)
        """
        result = self.script(runner, workspace, source, Limits(seconds=30, memory_mb=100))
        assert (result.outcome, result.message) == ("ok", "")

    def test_a_memory_error_is_out_of_memory(self, runner: Runner, workspace: Path) -> None:
        result = self.script(runner, workspace, "x = bytearray(1 << 60)\n")
        assert (result.outcome, result.exit_code) == ("out_of_memory", 1)
        assert "MemoryError" in result.message

    def test_a_file_over_the_limit_is_disk_full(self, runner: Runner, workspace: Path) -> None:
        source = "open('big', 'wb').write(bytes(3 << 20))\n"
        result = self.script(runner, workspace, source, Limits(file_mb=1))
        assert (result.outcome, result.disk_full) == ("error", True)

    def test_no_space_left_is_disk_full(self, runner: Runner, workspace: Path) -> None:
        source = "import errno, os\nraise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))\n"
        result = self.script(runner, workspace, source)
        assert (result.outcome, result.disk_full) == ("error", True)

    def test_a_flood_of_processes_is_stopped(self, runner: Runner, workspace: Path) -> None:
        command = f"for i in $(seq 60); do sleep 7006.{OWN} & done; wait"
        result = self.run(runner, workspace, command, Limits(seconds=20, pids=30))
        assert result.outcome == "error"
        assert wait_until(lambda: not alive(f"sleep 7006.{OWN}"))

    def test_output_over_the_cap_is_dropped(self, runner: Runner, workspace: Path) -> None:
        result = self.run(runner, workspace, "yes | head -c 3000000; echo end", Limits(output_mb=1))
        assert (result.outcome, result.truncated) == ("ok", True)
        assert result.log_path.stat().st_size <= 2**20
        assert result.log_path.read_text().endswith("end\n")

    def test_samples_show_memory_and_cpu(self, runner: Runner, workspace: Path) -> None:
        samples: list[Sample] = []
        source = "import time; x = bytearray(50 << 20); end = time.time() + 1.4\nwhile time.time() < end: pass"
        (workspace / "job.py").write_text(source)
        job = Job("python job.py", workspace, workspace.parent / "log.txt", python=PYTHON)
        result = runner.run(job, Limits(), on_sample=samples.append)
        assert len(samples) >= 1
        assert all(sample.memory > 50 * 2**20 for sample in samples)
        assert any(sample.cpu > 0.1 for sample in samples)
        assert result.cpu_seconds is not None and result.cpu_seconds > 0.2

    def test_secrets_of_our_environment_do_not_reach_the_job(
        self, runner: Runner, workspace: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("OPENAI_API_KEY", "HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "SOMETHING_ELSE"):
            monkeypatch.setenv(name, "do-not-leak")
        result = self.run(runner, workspace, "env", env={"PYTHONPATH": ".", "OMP_NUM_THREADS": "1"})
        seen = dict(line.split("=", 1) for line in result.log_path.read_text().splitlines())
        assert "do-not-leak" not in seen.values()
        assert seen["PYTHONPATH"] == "."
        assert seen["OMP_NUM_THREADS"] == "1"
        assert seen["LANG"] == "C.UTF-8"
        assert seen["CUDA_VISIBLE_DEVICES"] == ""

    def test_the_chosen_environment_is_the_one_that_runs(self, runner: Runner, workspace: Path) -> None:
        command = 'python -c "import sys, numpy; print(sys.executable, sys.prefix)" && echo $VIRTUAL_ENV'
        result = self.run(runner, workspace, command)
        assert result.outcome == "ok", result.log_path.read_text()
        executable, prefix, *rest = result.log_path.read_text().split()
        assert Path(executable) == PYTHON
        assert Path(prefix) == Path(sys.prefix)
        assert rest == ([sys.prefix] if sys.prefix != sys.base_prefix else [])

    def test_an_editable_install_of_the_project_gives_way_to_the_workspace(
        self, runner: Runner, workspace: Path, tmp_path: Path
    ) -> None:
        project = tmp_path / "project"
        venv.create(tmp_path / "env", symlinks=True, with_pip=False)
        site = next((tmp_path / "env").glob("lib/python*/site-packages"))
        (site / "editable.pth").write_text(f"{project / 'src'}\n")
        for root, version in ((project, "original"), (workspace, "edited")):
            (root / "src" / "model").mkdir(parents=True)
            (root / "src" / "model" / "__init__.py").write_text(f"version = {version!r}\n")
            (root / "scripts").mkdir()
            (root / "scripts" / "train.py").write_text("import model\nprint(model.version)\n")
        python = tmp_path / "env" / "bin" / "python"
        job = Job("python scripts/train.py", workspace, tmp_path / "log.txt", python=python, project=project)
        result = runner.run(job, Limits())
        assert result.log_path.read_text() == "edited\n"

    def test_stdin_is_empty(self, runner: Runner, workspace: Path) -> None:
        result = self.run(runner, workspace, "cat; echo end")
        assert result.log_path.read_text() == "end\n"

    def test_links_are_there_for_the_run_only(self, runner: Runner, workspace: Path, tmp_path: Path) -> None:
        data = tmp_path / "data of the user"
        data.mkdir()
        (data / "rows.csv").write_text("1,2\n")
        (tmp_path / "model.bin").write_text("weights")
        links = [Link(data, "inputs/raw"), Link(tmp_path / "model.bin", "model.bin")]
        result = self.run(runner, workspace, "cat inputs/raw/rows.csv model.bin", links=links)
        assert result.log_path.read_text() == "1,2\nweights"
        assert list(workspace.iterdir()) == []
        assert (data / "rows.csv").read_text() == "1,2\n"

    @pytest.mark.parametrize("target", ["../outside", "/etc/outside", "taken.txt/below"])
    def test_a_link_to_an_impossible_place_is_infrastructure(self, runner: Runner, workspace: Path, target: str) -> None:
        (workspace / "taken.txt").write_text("mine")
        result = self.run(runner, workspace, "true", links=[Link(PYTHON, target)])
        assert result.outcome == "infrastructure"
        assert target in result.message
        assert (workspace / "taken.txt").read_text() == "mine"

    def test_a_missing_link_source_is_infrastructure(self, runner: Runner, workspace: Path, tmp_path: Path) -> None:
        result = self.run(runner, workspace, "true", links=[Link(tmp_path / "gone", "data")])
        assert result.outcome == "infrastructure"
        assert "does not exist" in result.message

    def test_a_missing_workspace_and_an_unwritable_log_are_infrastructure(self, runner: Runner, tmp_path: Path) -> None:
        gone = runner.run(Job("true", tmp_path / "gone", tmp_path / "log.txt"), Limits())
        assert gone.outcome == "infrastructure"
        (tmp_path / "file").write_text("")
        no_log = runner.run(Job("true", tmp_path, tmp_path / "file" / "log.txt"), Limits())
        assert no_log.outcome == "infrastructure"
        assert "log" in no_log.message

    def test_gpus_on_a_machine_without_any_are_infrastructure(self, runner: Runner, workspace: Path) -> None:
        if Path("/dev/nvidiactl").exists():
            pytest.skip("this machine has an NVIDIA driver")
        result = self.run(runner, workspace, "true", Limits(gpus=1))
        assert result.outcome == "infrastructure"
        assert "gpus = 0" in result.message

    def test_many_runs_at_once_do_not_mix(self, runner: Runner, tmp_path: Path) -> None:
        results: dict[int, RunResult] = {}

        def one(number: int) -> None:
            place = tmp_path / f"w{number}"
            place.mkdir()
            job = Job(f"echo {number}; setsid sleep 7007.{OWN} & sleep 0.2; exit {number}", place, tmp_path / f"{number}.log")
            results[number] = runner.run(job, Limits())

        threads = [threading.Thread(target=one, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {number: result.exit_code for number, result in results.items()} == {number: number for number in range(6)}
        assert all(results[number].log_path.read_text() == f"{number}\n" for number in range(6))
        assert wait_until(lambda: not alive(f"sleep 7007.{OWN}"))
