"""A server is started, adopted, shared, refused and ended; with a stand-in for vLLM that starts at once."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path

import pytest

from mlagent_app.agent.chat import Cancelled
from mlagent_app.agent.errors import Exit, UserError
from mlagent_app.chat import vllm_http
from mlagent_app.chat.vllm_http import Address
from mlagent_app.chat.vllm_plan import ServerPlan
from mlagent_app.chat.vllm_server import Server, ServerSpec, open_server

FAKE = Path(__file__).with_name("fakeserver.py")
PLAN = ServerPlan("a stand-in", 4096, ("--max-model-len", "4096"), (), ())
NEVER = threading.Event()


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def until(holds: Callable[[], bool], seconds: float = 60.0) -> bool:
    """Whether it comes to hold; the deadline is for what is broken, not for what is slow."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def listens(address: Address) -> bool:
    with socket.socket() as client:
        return client.connect_ex((address.host, address.port)) == 0


@pytest.fixture
def spec(tmp_path: Path) -> Generator[ServerSpec]:
    """A server that is not started yet; nothing of it is left after the test."""
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{FAKE}" "$@"\n', "utf-8")
    python.chmod(0o755)
    made = ServerSpec("nano", "", str(python), Address("127.0.0.1", free_port()), tmp_path / "state")
    yield made
    assert until(lambda: not listens(made.address)), "the server was left behind"


def test_it_starts_tells_the_stages_and_ends_when_it_is_closed(spec: ServerSpec) -> None:
    told: list[str] = []
    with open_server(spec, lambda: PLAN, NEVER, told.append) as server:
        assert (server.name, server.context, server.adopted) == ("nano", 16384, False)
        assert vllm_http.version(server.address) == "0.32.0"
        assert server.log is not None
        assert server.log.read_text("utf-8").startswith("$ env ")
    assert told[0].startswith("starting vLLM on a stand-in; log: ")
    assert told[1:3] == ["vLLM: reading the model's configuration", "vLLM: loading the weights"]
    assert told[-1] == f"vLLM is ready at http://127.0.0.1:{spec.address.port}/v1"
    server.close()  # a second time
    assert until(lambda: not listens(spec.address))


def test_two_sessions_share_it_and_the_last_one_ends_it(spec: ServerSpec) -> None:
    first = open_server(spec, lambda: PLAN, NEVER, print)
    told: list[str] = []
    second = open_server(spec, _no_plan, NEVER, told.append)
    assert told == [f"using the vLLM server at {spec.address.url}, which runs already"]
    assert not second.adopted  # one of ours
    first.close()
    time.sleep(1.5)  # three looks of the keeper
    assert listens(spec.address)
    second.close()
    assert until(lambda: not listens(spec.address))


def test_two_sessions_at_once_start_one(spec: ServerSpec) -> None:
    plans: list[int] = []

    def plan() -> ServerPlan:
        plans.append(1)
        return PLAN

    servers = list[Server]()
    threads = [
        threading.Thread(target=lambda: servers.append(open_server(spec, plan, NEVER, lambda _: None))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(servers) == 2
    assert plans == [1]
    for server in servers:
        server.close()


def test_it_ends_with_a_session_that_is_killed(spec: ServerSpec) -> None:
    code = f"""
import sys, threading, time
from pathlib import Path
from mlagent_app.chat.vllm_http import Address
from mlagent_app.chat.vllm_plan import ServerPlan
from mlagent_app.chat.vllm_server import ServerSpec, open_server
spec = ServerSpec("nano", "", {spec.python!r}, Address("127.0.0.1", {spec.address.port}), Path({str(spec.state)!r}))
plan = ServerPlan("here", 4096, (), (), ())
kept = open_server(spec, lambda: plan, threading.Event(), lambda _: None)
print("ready", flush=True)
time.sleep(600)
"""
    session = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert session.stdout is not None
    assert session.stdout.readline() == "ready\n"
    assert listens(spec.address)
    session.send_signal(signal.SIGKILL)
    session.wait()
    assert until(lambda: not listens(spec.address))


def test_it_ends_with_its_keeper(spec: ServerSpec) -> None:
    with open_server(spec, lambda: PLAN, NEVER, print):
        keeper = int((spec.state / f"{spec.address.port}.users").read_text("utf-8"))
        os.kill(keeper, signal.SIGKILL)
        assert until(lambda: not listens(spec.address))


def test_one_that_was_started_by_something_else_is_adopted_and_left_alone(spec: ServerSpec) -> None:
    other = subprocess.Popen([*spec.command(PLAN)])
    try:
        assert until(lambda: listens(spec.address))
        with open_server(spec, _no_plan, NEVER, print) as server:
            assert server.adopted
        time.sleep(1.0)
        assert other.poll() is None
        with pytest.raises(UserError, match=r"the server there serves nano, not another .*choose another port") as found:
            open_server(replace(spec, model="another"), _no_plan, NEVER, print)
        assert found.value.code == Exit.NO_POLICY
    finally:
        other.kill()
        other.wait()


def test_the_adapter_is_what_is_asked_for(spec: ServerSpec, tmp_path: Path) -> None:
    adapter = tmp_path / "my-adapter"
    adapter.mkdir()
    with open_server(replace(spec, adapter=str(adapter)), lambda: PLAN, NEVER, print) as server:
        assert (server.name, server.context) == ("my-adapter", 16384)


def test_something_else_on_the_port_is_an_error(spec: ServerSpec) -> None:
    with socket.create_server((spec.address.host, spec.address.port)) as taken:

        def hang_up() -> None:
            client, _ = taken.accept()
            client.recv(1000)
            client.sendall(b"220 mail\r\n")
            client.close()

        threading.Thread(target=hang_up, daemon=True).start()
        with pytest.raises(UserError, match="what listens on the port is no vLLM server"):
            open_server(spec, _no_plan, NEVER, print)


def test_a_server_that_does_not_come_up_says_why(spec: ServerSpec) -> None:
    with pytest.raises(UserError) as found:
        open_server(replace(spec, model="broken"), lambda: PLAN, NEVER, print)
    line = found.value.line()
    assert "vLLM ended with exit code 1 before it was ready: ValueError: No available memory for the cache blocks." in line
    assert str(spec.state / f"{spec.address.port}.log") in line
    assert found.value.code == Exit.NO_POLICY


def test_starting_is_interrupted_and_leaves_nothing(spec: ServerSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_GO", str(tmp_path / "go"))
    cancel = threading.Event()

    def stop_once_started(line: str) -> None:
        if "configuration" in line:
            cancel.set()

    with pytest.raises(Cancelled):
        open_server(replace(spec, model="slow"), lambda: PLAN, cancel, stop_once_started)
    (tmp_path / "go").touch()
    with open_server(spec, lambda: PLAN, NEVER, print) as server:  # the locks are free again
        assert server.name == "nano"


def _no_plan() -> ServerPlan:
    raise AssertionError("nothing is to be started")
