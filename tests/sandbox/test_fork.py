"""The fork server: the contract of the other sandboxes, and its own ways to fail."""

import os
import signal
import sys
import tempfile
import textwrap
import threading
import venv
from collections.abc import Generator
from pathlib import Path

import psutil
import pytest

from sandbox.fork import ForkRunner
from sandbox.runner import Job, Limits, Link, Runner, RunResult, SandboxError
from tests.sandbox.runner_contract import OWN, PATIENCE, PYTHON, RunnerContract, alive, wait_until

pytestmark = [pytest.mark.bwrap, pytest.mark.skipif(sys.platform != "linux", reason="a fork server needs Linux")]


def make(root: Path, *, wall: bool = True, **options: object) -> ForkRunner:
    try:
        return ForkRunner(PYTHON, root, wall=wall, **options)  # pyright: ignore[reportArgumentType]
    except SandboxError as error:
        if not wall or os.environ.get("REQUIRE_BWRAP") == "1":
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def fork(tmp_path_factory: pytest.TempPathFactory) -> Generator[ForkRunner]:
    """A server below whose root all tests of this module work."""
    with make(tmp_path_factory.getbasetemp(), preload=["colorsys"], readonly=[PYTHON.resolve().parent]) as runner:
        yield runner


def server_of(runner: Runner) -> psutil.Process:
    """The process that forks; the one that has the others."""
    assert runner.name == "fork"
    found = [child for child in psutil.Process().children(recursive=True) if "forkserver.py" in words_of(child)]
    servers = [process for process in found if Path(process.exe()).name.startswith("python")]
    servers = [process for process in servers if "supervisor.py" not in words_of(process)]
    return min(servers, key=lambda process: (process.create_time(), process.pid))


class TestFork(RunnerContract):
    make_runner = "__import__('sandbox.fork').fork.ForkRunner(Path(sys.executable), Path(sys.argv[1]).parent)"

    @pytest.fixture
    def runner(self, fork: ForkRunner) -> Runner:
        return fork

    # Where a fork server differs from the contract.

    def test_an_editable_install_of_the_project_gives_way_to_the_workspace(
        self, runner: Runner, workspace: Path, tmp_path: Path
    ) -> None:
        assert runner.name == "fork"
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
        with ForkRunner(python, workspace, wall=True) as own:
            for given, seen in ((project, "edited\n"), (None, "original\n")):
                job = Job("python scripts/train.py", workspace, tmp_path / "log.txt", python=python, project=given)
                assert own.run(job, Limits()).log_path.read_text() == seen

    # What is its own.

    def test_scripts_and_modules_find_the_libraries_loaded_and_other_commands_do_not(
        self, runner: Runner, workspace: Path
    ) -> None:
        source = "import sys; print('colorsys' in sys.modules, sys.argv[1:])"
        (workspace / "job.py").write_text(source)
        for command, loaded in {
            "python job.py a 'b c'": "True ['a', 'b c']",
            "python -u job.py": "True []",
            "python3 -m job --flag=1": "True ['--flag=1']",
            f"{PYTHON} job.py": "True []",
            "python job.py; true": "False []",
            "python -B job.py": "False []",
            "X=1 python job.py": "False []",
            "exec python job.py": "False []",
        }.items():
            assert self.run(runner, workspace, command).log_path.read_text() == loaded + "\n", command

    @pytest.mark.parametrize("variable", ["PYTHONHASHSEED", "OMP_NUM_THREADS", "PYTHONOPTIMIZE"])
    def test_variables_that_are_read_at_the_start_get_a_process_that_reads_them(
        self, runner: Runner, workspace: Path, variable: str
    ) -> None:
        (workspace / "job.py").write_text("import sys; print('colorsys' in sys.modules, sys.flags.hash_randomization)")
        result = self.run(runner, workspace, "python job.py", env={variable: "0"})
        assert result.log_path.read_text().startswith("False")
        result = self.run(runner, workspace, "python job.py", env={"OMP_NUM_THREADS": "1", "SEED": "0"})
        assert result.log_path.read_text().startswith("True")

    def test_a_module_of_the_job_s_own_is_not_mistaken_for_one_that_is_loaded(self, runner: Runner, workspace: Path) -> None:
        (workspace / "lib" / "colorsys").mkdir(parents=True)
        (workspace / "lib" / "colorsys" / "__init__.py").write_text("mine = True")
        (workspace / "job.py").write_text("import colorsys; print(hasattr(colorsys, 'mine'))")
        assert self.run(runner, workspace, "python job.py").log_path.read_text() == "False\n"
        result = self.run(runner, workspace, "python job.py", env={"PYTHONPATH": "lib"})
        assert result.log_path.read_text() == "True\n"
        (workspace / "colorsys.py").write_text("mine = True")
        assert self.run(runner, workspace, "python job.py").log_path.read_text() == "True\n"

    def test_the_machine_is_walled_off(self, runner: Runner, workspace: Path) -> None:
        place = Path("/var/tmp") / f"mlagent-secret-{os.getpid()}"
        place.write_text("hunter2")
        try:
            source = f"""
                import os, socket, sys
                for path in ({str(place)!r}, "/etc/shadow", "/proc/{os.getpid()}/environ"):
                    print(os.path.exists(path))
                for directory in (sys.prefix, "/usr", "/run", "/", os.path.dirname({str(PYTHON.resolve())!r})):
                    print(os.access(directory, os.W_OK))
                try:
                    socket.create_connection(("127.0.0.1", 9), timeout=3)
                except OSError as error:
                    print(type(error).__name__)
                print(open("/proc/self/status").read().partition("CapEff:")[2].split()[0], os.getuid())
            """
            result = self.script(runner, workspace, source)
        finally:
            place.unlink()
        seen = result.log_path.read_text().split()
        assert seen == ["False"] * 8 + ["ConnectionRefusedError", "0000000000000000", "65532"]

    def test_a_job_can_not_reach_what_reports_on_it(self, runner: Runner, workspace: Path) -> None:
        """It has no descriptor but its output, and can take none from the processes above it, nor look into them."""
        source = """
            import ctypes, os
            def link(number):
                try:
                    return os.readlink(f"/proc/self/fd/{number}").partition(":")[0]
                except OSError:
                    return None
            print([link(number) for number in os.listdir("/proc/self/fd")])
            libc = ctypes.CDLL(None, use_errno=True)
            keeper = os.getppid()
            server = int(open(f"/proc/{keeper}/stat").read().rpartition(")")[2].split()[1])
            for pid in (keeper, server):
                handle = os.pidfd_open(pid)
                taken = [libc.syscall(438, handle, number, 0) for number in range(30)]
                print(set(taken), libc.ptrace(16, pid, 0, 0))
                for name in ("mem", "environ", *(f"fd/{number}" for number in range(30))):
                    try:
                        os.open(f"/proc/{pid}/{name}", os.O_RDONLY)
                    except OSError:
                        continue
                    print("open", pid, name)
        """
        result = self.script(runner, workspace, source)
        assert result.log_path.read_text() == "['/dev/null', 'pipe', 'pipe', None]\n{-1} -1\n{-1} -1\n"

    def test_a_server_that_was_killed_during_a_run_is_infrastructure_and_the_next_run_is_well(
        self, runner: Runner, workspace: Path
    ) -> None:
        source = "import os, signal, time\nprint('here')\ntime.sleep(20)\n"
        done: list[RunResult] = []
        thread = threading.Thread(target=lambda: done.append(self.script(runner, workspace, source)))
        thread.start()
        log = workspace.parent / "log.txt"
        assert wait_until(lambda: log.exists() and "here" in log.read_text())
        server_of(runner).kill()
        thread.join(PATIENCE)
        assert [(result.outcome, result.message) for result in done] == [
            ("infrastructure", "the fork server ended during the run (it was killed, or memory ran out) - run it again")
        ]
        assert self.run(runner, workspace, "echo well").outcome == "ok"

    def test_a_job_that_kills_the_server_harms_itself(self, runner: Runner, workspace: Path) -> None:
        source = """
            import os, signal
            keeper = os.getppid()
            server = int(open(f"/proc/{keeper}/stat").read().rpartition(")")[2].split()[1])
            os.kill(server, signal.SIGKILL)
            signal.pause()
        """
        assert self.script(runner, workspace, source).outcome == "infrastructure"
        assert self.run(runner, workspace, "echo well").outcome == "ok"

    def test_a_server_that_was_killed_between_runs_is_replaced(self, runner: Runner, workspace: Path) -> None:
        assert self.run(runner, workspace, "true").outcome == "ok"
        server = server_of(runner)
        server.kill()
        assert wait_until(lambda: ended(server))  # a signal takes its time on a busy machine
        assert self.run(runner, workspace, "true").outcome == "ok"

    def test_a_server_that_hangs_is_replaced(self, tmp_path: Path, workspace: Path) -> None:
        with make(tmp_path, hello_seconds=0.5) as runner:
            assert self.run(runner, workspace, "true").outcome == "ok"
            stopped = server_of_root(tmp_path)
            stopped.suspend()
            assert self.run(runner, workspace, "true").outcome == "ok"
            assert not stopped.is_running()

    def test_killing_the_keeper_is_infrastructure_for_its_run_only(self, runner: Runner, workspace: Path) -> None:
        other = workspace.parent / "other"
        other.mkdir()
        (other / "job.py").write_text("import time; time.sleep(1.5); print('well')")
        done: list[RunResult] = []
        job = Job("python job.py", other, workspace.parent / "other.txt", python=PYTHON)
        thread = threading.Thread(target=lambda: done.append(runner.run(job, Limits())))
        thread.start()
        source = """
            import os, signal, subprocess
            subprocess.Popen(["setsid", "setsid", "sleep", "7401"])
            if os.fork() == 0:
                os.setsid()
                subprocess.run(["sleep", "7401"])
            os.kill(os.getppid(), signal.SIGKILL)
            signal.pause()
        """
        result = self.script(runner, workspace, source)
        assert (result.outcome, result.message) == (
            "infrastructure",
            "the process that watches the job was killed - run it again",
        )
        assert wait_until(lambda: not alive("sleep 7401"))
        thread.join(PATIENCE)
        assert [result.outcome for result in done] == ["ok"]
        assert done[0].log_path.read_text() == "well\n"

    def test_a_job_that_stops_its_keeper_is_stopped_in_time(self, runner: Runner, workspace: Path) -> None:
        source = """
            import os, signal, subprocess
            os.kill(os.getppid(), signal.SIGSTOP)
            subprocess.run(["setsid", "sleep", "7402"])
        """
        result = self.script(runner, workspace, source, Limits(seconds=0.7))
        assert result.outcome == "timeout"
        assert wait_until(lambda: not alive("sleep 7402"))

    def test_temporary_files_of_one_run_are_gone_in_the_next(self, runner: Runner, workspace: Path) -> None:
        command = "touch /tmp/left $TMPDIR/left /dev/shm/left; mkdir -p /tmp/d/e; ls -A $TMPDIR /dev/shm"
        assert self.run(runner, workspace, command).log_path.read_text().count("left") == 2
        assert wait_until(
            lambda: self.run(runner, workspace, "ls -d /tmp/left /tmp/d /dev/shm/left /tmp/mlagent-*/left").exit_code == 2
        )
        assert workspace.exists()

    def test_what_the_server_does_not_show_is_said(self, runner: Runner, workspace: Path, tmp_path: Path) -> None:
        for word, changed in {
            "root": {"workspace": Path("/var/empty-workspace")},
            "readonly": {"links": [Link(Path("/etc/hostname"), "data")]},
            "hide": {"hidden": [Path(sys.prefix) / "pyvenv.cfg"]},
            "not /usr/bin/false": {"python": Path("/usr/bin/false")},
        }.items():
            job = Job("true", **{"workspace": workspace, "log_path": tmp_path / "log", "python": PYTHON, **changed})  # pyright: ignore[reportArgumentType]
            result = runner.run(job, Limits())
            assert result.outcome == "infrastructure"
            assert word in result.message and "\n" not in result.message
        job = Job("echo well", workspace, tmp_path / "log", hidden=[Path("/no/such"), Path("/root/.bashrc")])
        assert runner.run(job, Limits()).outcome == "ok"
        assert runner.run(job, Limits(network=True)).outcome == "infrastructure"


def ended(process: psutil.Process) -> bool:
    """Whether nothing of it runs any more, reaped or not."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def words_of(process: psutil.Process) -> str:
    """Its command line; empty when it has ended."""
    try:
        return " ".join(process.cmdline())
    except (psutil.ZombieProcess, psutil.NoSuchProcess):
        return ""


def server_of_root(root: Path) -> psutil.Process:
    """The forking process that works in `root`."""
    found = [child for child in psutil.Process().children(recursive=True) if "forkserver.py" in words_of(child)]
    return next(process for process in reversed(found) if Path(process.cwd()) == root.resolve())


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    path = tmp_path / "workspace"
    path.mkdir()
    return path


def run(runner: Runner, workspace: Path, source: str, *, hidden: tuple[Path, ...] = ()) -> str:
    """What the script prints."""
    (workspace / "job.py").write_text(textwrap.dedent(source))
    log = workspace.parent / "log.txt"
    result = runner.run(Job("python job.py", workspace, log, python=PYTHON, hidden=hidden), Limits(seconds=60))
    assert result.outcome in ("ok", "error"), result
    return log.read_text()


def test_what_is_hidden_is_hidden_from_every_run(tmp_path: Path, workspace: Path) -> None:
    answers = tmp_path / "repository" / "answers"
    answers.mkdir(parents=True)
    (answers / "labels.py").write_text("SECRET = 17\n")
    (tmp_path / "repository" / "shown.py").write_text("import answers.labels\n")
    source = f"import sys; sys.path.append({str(answers.parent)!r})\nimport shown\nprint('seen')"
    with make(workspace, readonly=[answers.parent]) as runner:
        assert run(runner, workspace, source) == "seen\n"
        assert runner.run(Job("true", workspace, tmp_path / "log", hidden=[answers]), Limits()).outcome == "infrastructure"
    with make(workspace, readonly=[answers.parent], hidden=[answers]) as runner:
        assert "No module named 'answers.labels'" in run(runner, workspace, source, hidden=(answers / "labels.py",))


@pytest.mark.parametrize("place", ["/var/tmp", "/tmp"])
def test_tidying_up_touches_nothing_of_the_user_s(place: str) -> None:
    """/var/tmp is /tmp inside: what is mounted there has another name than outside."""
    with (
        tempfile.TemporaryDirectory(prefix="a workspace ", dir=place) as root,
        tempfile.TemporaryDirectory(prefix="mlagent-", dir=place) as data,
    ):
        workspace = Path(root, "deep", "workspace")
        workspace.mkdir(parents=True)
        (workspace / "kept.txt").write_text("kept")
        Path(data, "rows.csv").write_text("1,2")
        with make(Path(root), readonly=[Path(data)]) as runner:
            source = f"import os; print(open('kept.txt').read(), open('{data}/rows.csv').read(), os.path.exists('/tmp/left'))"
            for _ in range(3):
                assert run(runner, workspace, f"{source}\nopen('/tmp/left', 'w'); open('/var/tmp/left2', 'w')") == (
                    "kept 1,2 False\n"
                )
        assert (workspace / "kept.txt").read_text() == "kept"
        assert Path(data, "rows.csv").read_text() == "1,2"


def test_directories_without_end_harm_no_run(tmp_path: Path, workspace: Path) -> None:
    source = """
        import os
        os.chdir(os.environ["TMPDIR"])
        for _ in range(3000):
            os.mkdir("d"); os.chdir("d")
        os.chdir("/tmp")
        for _ in range(3000):
            os.mkdir("d"); os.chdir("d")
        print("made")
    """
    with make(tmp_path) as runner:
        for _ in range(3):
            assert run(runner, workspace, source) == "made\n"


def test_without_a_wall_nothing_outlives_its_run_or_its_server(tmp_path: Path, workspace: Path) -> None:
    with make(tmp_path, wall=False) as runner:
        assert runner.notes[0].startswith("not a wall")
        source = """
            import os, subprocess, sys
            subprocess.Popen(["setsid", "setsid", "sleep", "7403"])
            print(os.environ["TMPDIR"])
            sys.stdout.flush()
        """
        scratch = run(runner, workspace, source).strip()
        assert alive("sleep 7403") == [] and not Path(scratch).exists()
        done: list[RunResult] = []
        job = Job(f"setsid setsid sleep 7204.{OWN} & sleep 7204.{OWN}", workspace, tmp_path / "log")
        thread = threading.Thread(target=lambda: done.append(runner.run(job, Limits())))
        thread.start()
        assert wait_until(lambda: len(alive(f"sleep 7204.{OWN}")) >= 2)
        os.kill(server_of_root(tmp_path).pid, signal.SIGKILL)
        thread.join(PATIENCE)
        assert [result.outcome for result in done] == ["infrastructure"]
        assert wait_until(lambda: not alive(f"sleep 7204.{OWN}"))
        assert run(runner, workspace, "print('well')") == "well\n"


def test_what_could_not_be_loaded_is_said_and_the_rest_works(tmp_path: Path, workspace: Path) -> None:
    with make(tmp_path, preload=["no_such_module", "colorsys"], warm="import colorsys; colorsys.no_such_name") as runner:
        assert "colorsys" not in "".join(runner.notes)
        assert run(runner, workspace, "import sys; print('colorsys' in sys.modules)") == "True\n"
        assert "not loaded beforehand: no_such_module" in runner.notes
        assert any(note.startswith("the warm-up failed: AttributeError") for note in runner.notes)


def test_a_server_that_ends_while_it_loads_is_said_in_one_line(tmp_path: Path, workspace: Path) -> None:
    with make(tmp_path, warm="import os; os.write(2, b'it is broken'); os._exit(3)") as runner:
        with pytest.raises(SandboxError, match="ended while it was loading: it is broken"):
            runner.preflight()
        result = runner.run(Job("true", workspace, tmp_path / "log"), Limits())
        assert result.outcome == "infrastructure" and "\n" not in result.message


def test_what_can_not_be_had_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SandboxError, match="cannot hide files"):
        ForkRunner(PYTHON, tmp_path, hidden=[tmp_path], wall=False)
    with pytest.raises(SandboxError, match="does not exist"):
        ForkRunner(PYTHON, tmp_path / "gone", wall=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxError, match="bubblewrap is not installed"):
        ForkRunner(PYTHON, tmp_path, wall=True)
    assert any("bubblewrap was passed over" in note for note in ForkRunner(PYTHON, tmp_path).notes)


def test_a_closed_runner_leaves_nothing_and_starts_again(tmp_path: Path, workspace: Path) -> None:
    runner = make(tmp_path)
    assert run(runner, workspace, "print(1)") == "1\n"
    server = server_of_root(tmp_path)
    runner.close()
    assert wait_until(lambda: not server.is_running())
    assert run(runner, workspace, "print(2)") == "2\n"
    runner.close()
