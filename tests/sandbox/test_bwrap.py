"""The bubblewrap sandbox: the same contract as the others, and a wall around files and network."""

import os
import shutil
import socket
import stat
from collections.abc import Generator
from pathlib import Path

import pytest

from sandbox.bwrap import BwrapRunner
from sandbox.runner import Job, Limits, Link, Runner, SandboxError
from tests.sandbox.runner_contract import RunnerContract

NETWORK = """
import socket
try:
    socket.create_connection((HOST, PORT), timeout=3).close()
except OSError as error:
    print("closed", type(error).__name__)
else:
    print("open")
"""


@pytest.fixture(scope="module")
def bwrap() -> BwrapRunner:
    try:
        return BwrapRunner.connect()
    except SandboxError as error:
        if os.environ.get("REQUIRE_BWRAP") == "1":
            raise
        pytest.skip(str(error))


@pytest.fixture
def secret() -> Generator[Path]:
    """A file of the caller outside the workspace, in a directory that the sandbox replaces by an empty one."""
    path = Path("/var/tmp") / f"mlagent-secret-{os.getpid()}"
    path.write_text("hunter2")
    yield path
    path.unlink(missing_ok=True)


@pytest.mark.bwrap
class TestBwrap(RunnerContract):
    make_runner = "__import__('sandbox.bwrap').bwrap.BwrapRunner.connect()"

    @pytest.fixture
    def runner(self, bwrap: BwrapRunner) -> Runner:
        return bwrap

    def test_the_notes_say_what_is_not_limited(self, runner: Runner) -> None:
        assert runner.name == "bwrap"
        assert any(note.startswith("not limited: CPU") for note in runner.notes)

    def test_the_caller_s_files_are_not_there(self, runner: Runner, workspace: Path, secret: Path) -> None:
        home = Path.home()
        visible = "; ".join(f"ls -A {place}" for place in (home / ".ssh", home / ".cache", home / ".bashrc", "/home", secret))
        result = self.run(runner, workspace, f"({visible}; cat {secret} /etc/shadow /etc/hostname) 2>/dev/null")
        assert result.log_path.read_text() == ""
        assert result.exit_code != 0

    def test_nothing_outside_the_workspace_can_be_written(self, runner: Runner, workspace: Path, tmp_path: Path) -> None:
        source = f"""
            import os, sys
            places = ["/usr", "/etc", "/", "/dev", sys.prefix, sys.base_prefix, {str(tmp_path)!r}, "/workspace/..", "/run"]
            for place in places:
                try:
                    open(os.path.join(place, "mlagent-was-here"), "w").close()
                except OSError:
                    continue
                print("written:", place)
            open("/tmp/scratch", "w").close()
            open("/dev/shm/scratch", "w").close()
            open("inside", "w").close()
        """
        result = self.script(runner, workspace, source)
        assert (result.outcome, result.log_path.read_text()) == ("ok", "")
        assert (workspace / "inside").exists()
        assert not (tmp_path / "mlagent-was-here").exists()
        assert not Path("/tmp/scratch").exists()

    def test_the_kernel_s_settings_can_not_be_written(self, runner: Runner, workspace: Path) -> None:
        """Also not by a caller who is root: each value is written back as it is."""
        source = """
            import os
            for name in ("/proc/sys/kernel/core_pattern", "/proc/sys/vm/swappiness", "/proc/sys/kernel/printk_ratelimit"):
                with open(name) as file:
                    value = file.read()
                try:
                    with open(name, "w") as file:
                        file.write(value)
                except OSError:
                    continue
                print("written:", name)
            print(os.path.exists("/sys/kernel"), os.access("/proc/sysrq-trigger", os.W_OK))
        """
        assert self.script(runner, workspace, source).log_path.read_text() == "False False\n"

    def test_the_job_has_no_rights_to_lose(self, runner: Runner, workspace: Path) -> None:
        result = self.run(runner, workspace, "grep -E '^(CapEff|CapBnd|NoNewPrivs)' /proc/self/status; id -u")
        assert result.log_path.read_text().split() == [
            *("CapEff:", "0000000000000000", "CapBnd:", "0000000000000000", "NoNewPrivs:", "1"),
            "65532",
        ]

    def test_links_are_read_only(self, runner: Runner, workspace: Path, tmp_path: Path) -> None:
        data = tmp_path / "data"
        data.mkdir()
        (data / "rows.csv").write_text("1,2\n")
        command = "echo 3 > data/rows.csv; rm -rf data; touch data/new; cat data/rows.csv"
        result = self.run(runner, workspace, f"({command}) 2>/dev/null", links=[Link(data, "data")])
        assert result.log_path.read_text() == "1,2\n"
        assert (data / "rows.csv").read_text() == "1,2\n"
        assert list(data.iterdir()) == [data / "rows.csv"]

    def test_a_link_reached_through_a_link_of_the_project_is_refused(
        self, runner: Runner, workspace: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "elsewhere").mkdir()
        (workspace / "inputs").symlink_to(tmp_path / "elsewhere")
        result = self.run(runner, workspace, "true", links=[Link(Path("/usr/bin"), "inputs/bin")])
        assert result.outcome == "infrastructure"
        assert list((tmp_path / "elsewhere").iterdir()) == []

    def test_the_network_is_closed_unless_asked_for(self, runner: Runner, workspace: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            source = NETWORK.replace("HOST", "'127.0.0.1'").replace("PORT", str(port))
            closed = self.script(runner, workspace, source)
            assert closed.log_path.read_text().startswith("closed")
            opened = self.script(runner, workspace, source, Limits(network=True))
            assert opened.log_path.read_text() == "open\n"

    def test_the_job_does_not_see_other_processes(self, runner: Runner, workspace: Path) -> None:
        result = self.run(runner, workspace, f"test -d /proc/{os.getpid()} && echo seen; ls /proc | grep -c '^[0-9]'")
        assert int(result.log_path.read_text()) <= 5

    def test_scikit_learn_of_these_tests_trains_in_it(self, runner: Runner, workspace: Path) -> None:
        source = """
            import multiprocessing
            from sklearn.datasets import load_iris
            from sklearn.linear_model import LogisticRegression
            x, y = load_iris(return_X_y=True)
            print("accuracy:", round(LogisticRegression(max_iter=500).fit(x, y).score(x, y), 2))
            with multiprocessing.Pool(2) as pool:
                print(pool.map(abs, [-1, -2]))
        """
        result = self.script(runner, workspace, source)
        assert result.log_path.read_text() == "accuracy: 0.97\n[1, 2]\n"

    def test_without_an_environment_the_system_s_programs_run(self, runner: Runner, workspace: Path) -> None:
        result = runner.run(Job("pwd; ls /usr/bin/env", workspace, workspace.parent / "log.txt"), Limits())
        assert result.log_path.read_text() == "/workspace\n/usr/bin/env\n"

    def test_an_interpreter_that_does_not_work_is_infrastructure(self, runner: Runner, workspace: Path) -> None:
        broken = workspace.parent / "broken" / "bin" / "python"
        broken.parent.mkdir(parents=True)
        broken.write_text("#!/bin/sh\nexit 3\n")
        broken.chmod(broken.stat().st_mode | stat.S_IXUSR)
        result = runner.run(Job("python x.py", workspace, workspace.parent / "log.txt", python=broken), Limits())
        assert result.outcome == "infrastructure"
        assert "does not work" in result.message


def test_missing_bubblewrap_is_said_with_the_way_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxError, match=r"bubblewrap is not installed - .*apt-get install bubblewrap"):
        BwrapRunner.connect()


@pytest.mark.parametrize(
    ("said", "what", "how"),
    [
        ("bwrap: setting up uid map: Permission denied", "does not let you make user namespaces", "sysctl"),
        ("bwrap: No permissions to create new namespace", "does not let you make user namespaces", "sysctl"),
        ("bwrap: Can't find source path /usr", "bubblewrap does not work here", "--sandbox local"),
    ],
)
def test_a_system_that_refuses_is_told_apart(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: str, what: str, how: str
) -> None:
    """With a stand-in program that fails as the real one does on such systems, which tests cannot turn into one."""
    program = tmp_path / "bwrap"
    program.write_text(f'#!/bin/sh\n[ "$1" = --help ] && echo "--json-status-fd FD" && exit 0\necho "{said}" >&2; exit 1\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.path.dirname(shutil.which('sh') or '/bin/sh')}")
    with pytest.raises(SandboxError) as caught:
        BwrapRunner.connect()
    assert what in caught.value.what
    assert said in caught.value.what
    assert how in caught.value.how
