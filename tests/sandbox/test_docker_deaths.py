"""When something dies that should not: the client, the engine. Nothing is left, and nobody waits for ever."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from pathlib import Path

import pytest

from sandbox.docker import DockerRunner
from sandbox.docker_engine import Engine, connect
from sandbox.docker_orphans import OWNER_LABEL, owner, reap_orphans
from sandbox.hostruntime import skeleton_image
from sandbox.runner import Job, Limits, RunResult, SandboxError
from tests.sandbox.conftest import PrivateEngine
from tests.sandbox.runner_contract import OWN, PATIENCE, alive, wait_until

pytestmark = pytest.mark.docker

CLIENT = """
import sys
from pathlib import Path
from sandbox.docker import DockerRunner
from sandbox.docker_orphans import owner
from sandbox.runner import Job, Limits
print(owner(), flush=True)
workspace = Path(sys.argv[1])
DockerRunner.connect().run(Job("sh job.sh", workspace, workspace.parent / "log.txt"), Limits())
"""


class Client:
    """Another process with a job of its own."""

    def __init__(self, workspace: Path, command: str) -> None:
        workspace.mkdir()
        (workspace / "job.sh").write_text(command)
        self.process = subprocess.Popen(
            [sys.executable, "-c", CLIENT, str(workspace)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        assert self.process.stdout is not None
        self.owner = self.process.stdout.readline().strip()

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


def running(engine: Engine, label: str) -> list[str]:
    return [
        container for container, value in engine.labelled(OWNER_LABEL) if value == label and engine.state(container).running
    ]


def left(engine: Engine, label: str) -> list[str]:
    return [container for container, value in engine.labelled(OWNER_LABEL) if value == label]


def assert_none_left(engine: Engine, label: str) -> None:
    """None is left, or will be: another test's client may be removing it at this moment, and the engine lists it until then."""
    assert wait_until(lambda: not left(engine, label))


@pytest.fixture
def dead_client(docker_engine: Engine, tmp_path: Path) -> Generator[str]:
    """The owner label of a client that was killed in the middle of a run."""
    client = Client(tmp_path / "dead", f"setsid sleep 7201.{OWN} & sleep 7201.{OWN}")
    try:
        assert wait_until(lambda: len(alive(f"sleep 7201.{OWN}")) >= 2)
    finally:
        client.end()
    yield client.owner
    for container in left(docker_engine, client.owner):
        docker_engine.remove(container)


def test_a_killed_client_takes_its_job_along_and_the_next_connect_removes_the_container(
    docker_engine: Engine, dead_client: str
) -> None:
    assert wait_until(lambda: not running(docker_engine, dead_client))
    assert wait_until(lambda: not alive(f"sleep 7201.{OWN}"))
    assert len(left(docker_engine, dead_client)) == 1
    DockerRunner.connect().close()
    assert_none_left(docker_engine, dead_client)


def test_the_containers_of_a_living_client_are_left_alone(docker_engine: Engine, tmp_path: Path) -> None:
    client = Client(tmp_path / "living", f"sleep 7202.{OWN}")
    try:
        assert wait_until(lambda: alive(f"sleep 7202.{OWN}"))
        reap_orphans(docker_engine)
        assert len(running(docker_engine, client.owner)) == 1
    finally:
        client.end()
        assert wait_until(lambda: not running(docker_engine, client.owner))
        reap_orphans(docker_engine)
    assert_none_left(docker_engine, client.owner)


@pytest.mark.parametrize(
    ("field", "value", "removed"),
    [
        (0, "another-machine", False),
        (1, "another-boot", True),
        (2, "another-namespace", False),
        (3, "4194304", True),
        (4, "1", True),
        (4, None, False),
    ],
)
def test_only_what_is_surely_an_orphan_is_removed(docker_engine: Engine, field: int, value: str | None, removed: bool) -> None:
    parts = owner().split(":")
    parts[field] = value or parts[field]
    label = ":".join(parts)
    container = docker_engine.create({"Image": skeleton_image(docker_engine), "Cmd": ["true"], "Labels": {OWNER_LABEL: label}})
    try:
        reap_orphans(docker_engine)
        assert (container not in left(docker_engine, label)) == removed
    finally:
        docker_engine.remove(container)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_an_engine_that_restarts_is_infrastructure_and_its_container_is_removed_later(
    private_engine: PrivateEngine, tmp_path: Path, number: signal.Signals
) -> None:
    runner = DockerRunner.connect()
    done: list[RunResult] = []
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    job = Job(f"echo here; sleep 7203.{OWN}", workspace, tmp_path / "log.txt")
    thread = threading.Thread(target=lambda: done.append(runner.run(job, Limits(seconds=60))))
    thread.start()
    assert wait_until(lambda: job.log_path.exists() and "here" in job.log_path.read_text())
    engine = connect()
    # The job speaks before the engine has written down that it runs. One killed in between takes it for a container that never
    # started, and leaves the job to its own time-out.
    assert wait_until(lambda: running(engine, owner()))
    engine.close()
    private_engine.stop(number)
    thread.join(PATIENCE)
    assert [result.outcome for result in done] == ["infrastructure"]
    assert "\n" not in done[0].message and "engine" in done[0].message
    private_engine.start()
    again = Job("echo again", workspace, tmp_path / "again.txt")
    # An engine that was killed sorts itself out for a moment after it answers again.
    assert wait_until(lambda: runner.run(again, Limits(seconds=60)).outcome == "ok")
    engine = connect()
    assert left(engine, owner()) == []
    assert wait_until(lambda: not alive(f"sleep 7203.{OWN}"))
    engine.close()
    runner.close()


def test_what_is_wrong_with_an_engine_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(SandboxError, match="not installed or not running"):
        DockerRunner.connect()
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    with pytest.raises(SandboxError, match="installed but stopped"):
        DockerRunner.connect()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_a_user_who_may_not_use_docker_is_told_so(docker_engine: Engine, tmp_path: Path) -> None:
    assert docker_engine.info.name
    program = (
        "import os, sys\n"
        "from sandbox.docker_engine import connect\n"
        "from sandbox.runner import SandboxError\n"
        "import docker, docker.errors, requests.exceptions, urllib3.exceptions\n"
        "os.setgroups([]); os.setgid(65532); os.setuid(65532)\n"
        "try: connect()\n"
        "except SandboxError as error: print(error)\n"
    )
    environment = {**os.environ, "HOME": str(tmp_path)}
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert answer.stdout.startswith("your user may not use Docker")
