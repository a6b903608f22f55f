"""The process between ML-Agent and a vLLM server: run as a script, never imported by the app.

    python -I -S vllm_keeper.py USERS LOG COMMAND [ARGUMENT...]

It starts COMMAND with its output in LOG and ends it when nobody holds the lock of the file USERS any more, so that several
sessions may share a server and the last one to leave ends it. The kernel frees that lock when a process dies, however it dies:
a server is never left behind. It exits with the code of COMMAND where that ends by itself.

Only the standard library: it is started with a Python that may have nothing else.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import time

PR_SET_PDEATHSIG = 1
# How often it looks whether the server is used.
LOOK_SECONDS = 0.5
# A server that was asked to end has so long before it is killed.
STOP_SECONDS = 10.0


def main(arguments: list[str]) -> int:
    """Keep the server until it ends or nobody uses it; its exit code, 0 where it was ended here."""
    users, log, *command = arguments
    descriptor = os.open(users, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    asked = [False]

    def ask(number: int, frame: object) -> None:
        del number, frame
        asked[0] = True

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, ask)
    with open(log, "ab") as output:
        server = _start(command, output.fileno())
    while server.poll() is None:
        if asked[0] or _unused(descriptor):
            _end(server)
            return 0
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(LOOK_SECONDS)
    _kill(server)  # what it may have left of its group
    return server.returncode if server.returncode >= 0 else 128 - server.returncode


def _start(command: list[str], output: int) -> subprocess.Popen[bytes]:
    keeper = os.getpid()

    def follow() -> None:
        # A keeper that is killed takes the server with it: SIGTERM, on which the server ends its own children.
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != keeper:
            os._exit(127)

    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, preexec_fn=follow
    )


def _unused(descriptor: int) -> bool:
    """Whether nobody holds the lock. It is kept from then on: who comes now waits until this server is gone."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _end(server: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        os.killpg(server.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    with contextlib.suppress(subprocess.TimeoutExpired):
        server.wait(max(0.0, deadline - time.monotonic()))
    _kill(server)
    server.wait()


def _kill(server: subprocess.Popen[bytes]) -> None:
    """The whole group: vLLM's engine is a process of its own."""
    with contextlib.suppress(OSError):
        os.killpg(server.pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
