"""Engines for the tests that need Docker. With REQUIRE_DOCKER=1 a missing engine is a failure, never a skip."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from sandbox.docker_engine import Engine, connect
from sandbox.runner import SandboxError
from tests.sandbox.runner_contract import wait_until

START_DOCKER = Path(__file__).parents[2] / "scripts" / "start-docker"


def docker_is_required() -> bool:
    return os.environ.get("REQUIRE_DOCKER") == "1"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A docker test that skips where Docker is required has failed."""
    report = yield
    if report.skipped and docker_is_required() and item.get_closest_marker("docker") is not None:
        report.outcome = "failed"
        report.longrepr = f"REQUIRE_DOCKER=1 and {call.when} of {item.nodeid} skipped: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def docker_engine() -> Generator[Engine]:
    """The engine that `docker` would use here (scripts/start-docker starts one)."""
    try:
        engine = connect()
    except SandboxError as error:
        if docker_is_required():
            pytest.fail(f"REQUIRE_DOCKER=1, and {error}")
        pytest.skip(str(error))
    yield engine
    engine.close()


class PrivateEngine:
    """An engine of one test's own, to be harmed."""

    def __init__(self) -> None:
        # Not tmp_path: the path of a socket may have 108 bytes only.
        self.directory = Path(tempfile.mkdtemp(prefix="mlagent-dockerd-"))
        self.host = f"unix://{self.directory}/docker.sock"

    def start(self) -> None:
        subprocess.run([START_DOCKER, "--private", self.directory], check=True)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End the engine and wait until its process is gone."""
        pidfile = self.directory / "docker.pid"
        if not pidfile.exists():
            return
        pid = int(pidfile.read_text())
        process = Path(f"/proc/{pid}")
        if process.exists() and os.path.basename(os.readlink(process / "exe")) == "dockerd":
            os.kill(pid, number)
        wait_until(lambda: not process.exists())
        pidfile.unlink(missing_ok=True)

    def remove(self) -> None:
        self.stop()
        for line in reversed(Path("/proc/self/mountinfo").read_text().splitlines()):
            if line.split()[4].startswith(str(self.directory)):
                subprocess.run(["umount", "--lazy", line.split()[4]], check=False)
        shutil.rmtree(self.directory, ignore_errors=True)


@pytest.fixture
def private_engine(docker_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Generator[PrivateEngine]:
    """A started engine of its own; DOCKER_HOST points to it."""
    assert docker_engine.info.name, "where no engine can run, none is started"
    if sys.platform != "linux" or os.getuid() != 0:
        pytest.skip("only root can start an engine")
    engine = PrivateEngine()
    try:
        engine.start()
        monkeypatch.setenv("DOCKER_HOST", engine.host)
        yield engine
    finally:
        engine.remove()
