"""The client's side of a fork server: its start, its runs, and the ways in which it can fail. The other is `forkserver.py`."""

from __future__ import annotations

import json
import os
import select
import socket
import struct
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from sandbox.bwrap_wall import View, Wall, Walled
from sandbox.hostruntime import Mount
from sandbox.launch import MARKER, Launch, SupervisedCommand
from sandbox.process import TICK_SECONDS
from sandbox.runner import Limits, SandboxError
from sandbox.stream import TAIL_BYTES
from sandbox.symptoms import cause

LOAD_SECONDS = 180.0
HELLO_SECONDS = 30.0
CLOSE_SECONDS = 0.3
NO_FILE_LIMIT = 2**62
INSIDE = "/run/mlagent"

_SCRIPTS = ("forkserver.py", "forkjob.py", "supervisor.py")
_HERE = Path(__file__).parent
_LENGTH = struct.Struct(">Q")
_CREDENTIALS = struct.Struct("3i")


class ServerGone(Exception):
    """The fork server has ended or does not answer, and the run has not started."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a fork server is made of. `wall` is None where nothing walls it off; `clean` is emptied between runs."""

    python: Path
    preload: Sequence[str]
    warm: str
    env: Mapping[str, str]
    view: View
    wall: Wall | None
    clean: Mapping[str, Sequence[str]]


class ForkServer:
    """One running server. Raises SandboxError when it cannot be started."""

    def __init__(self, recipe: Recipe, *, hello_seconds: float = HELLO_SECONDS) -> None:
        self._hello_seconds = hello_seconds
        self._tail = bytearray()
        self._closed = False
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, _walled(recipe, theirs.fileno()) as walled:
            launch = Launch(walled.argv, Path(recipe.view.cwd), recipe.env, (theirs.fileno(), *walled.descriptors))
            try:
                self._process = SupervisedCommand(launch, NO_FILE_LIMIT)
            except OSError as error:
                self._control.close()
                raise SandboxError(f"the fork server could not be started: {error}") from error
            threading.Thread(target=self._drain, name="fork-server-output", daemon=True).start()
            setup = {"preload": list(recipe.preload), "warm": recipe.warm, "clean": recipe.clean}
            try:
                answer = self._load(setup)
            except BaseException:
                self.close()
                raise
        self.skipped: tuple[str, ...] = tuple(answer["skipped"])
        self.warm_error: str = answer["warm_error"]

    def has_ended(self, seconds: float = 0.0) -> bool:
        """Whether it is gone, or is so within `seconds`."""
        if self._closed:
            return True
        try:
            return _is_readable(self._process.report, seconds)
        except (OSError, ValueError):  # closed meanwhile
            return True

    def begin(self, request: Mapping[str, Any], env: Mapping[str, str], cancel: threading.Event | None) -> ForkedJob | None:
        """Start one run, with `env` as its environment; None when it was cancelled before.

        Raises ServerGone when it did not start.
        """
        channel, theirs = socket.socketpair()
        output, output_end = os.pipe()
        try:
            channel.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
            channel.settimeout(self._hello_seconds)
            with theirs:
                socket.send_fds(self._control, [b"run"], [theirs.fileno(), output_end])
            keeper = self._keeper_of(channel, cancel)
            if keeper is not None:
                text = json.dumps({**request, "env": {**env, MARKER: self._process.marker}}).encode()
                channel.sendall(_LENGTH.pack(len(text)) + text)
                return ForkedJob(channel, output, keeper)
        except OSError as error:  # a time-out is one, too
            channel.close()
            os.close(output)
            raise ServerGone(str(error)) from error
        finally:
            os.close(output_end)
        channel.close()
        os.close(output)
        return None

    def close(self) -> None:
        """End it and all its runs."""
        self._closed = True
        self._process.close()
        self._control.close()

    def _load(self, setup: Mapping[str, Any]) -> dict[str, Any]:
        self._control.settimeout(self._hello_seconds)
        try:
            self._control.send(json.dumps(setup).encode())
        except OSError as error:
            raise SandboxError(f"the fork server's setup does not reach it: {error}") from error
        ready = select.select([self._control, self._process.report], [], [], LOAD_SECONDS)[0]
        answer = self._control.recv(2**17) if self._control in ready else b""
        if answer:
            return json.loads(answer)
        if not ready:
            raise SandboxError(f"the fork server is not ready after {LOAD_SECONDS:g} s", how="preload less")
        time.sleep(0.1)  # for its last words
        why = cause(bytes(self._tail).decode(errors="replace"))
        raise SandboxError(f"the fork server ended while it was loading: {why}")

    def _keeper_of(self, channel: socket.socket, cancel: threading.Event | None) -> int | None:
        """The process id of the run's keeper, as the kernel adds it to its first byte; None when cancelled. Raises OSError."""
        deadline = time.monotonic() + self._hello_seconds
        while not _is_readable(channel, TICK_SECONDS):
            if cancel is not None and cancel.is_set():
                return None
            if time.monotonic() > deadline or self.has_ended():
                raise TimeoutError("the fork server does not answer")
        hello, ancillary, _, _ = channel.recvmsg(1, socket.CMSG_SPACE(_CREDENTIALS.size))
        for level, kind, data in ancillary:
            if hello and (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
                return _CREDENTIALS.unpack(data[: _CREDENTIALS.size])[0]
        raise ConnectionError("the fork server hung up")

    def _drain(self) -> None:
        """What it prints itself: kept to say why it ended."""
        with open(self._process.output, "rb", buffering=0) as output:
            while piece := output.read(65536):
                self._tail += piece
                del self._tail[:-TAIL_BYTES]


class ForkedJob:
    """A job that a fork server's keeper has started; see `sandbox.launch.Supervised`."""

    def __init__(self, channel: socket.socket, output: int, pid: int) -> None:
        self._channel = channel
        self.output = output
        self.pid = pid
        try:
            self._keeper = psutil.Process(pid)
        except psutil.Error:
            self._keeper = None

    @property
    def report(self) -> int:
        return self._channel.fileno()

    def end(self) -> None:
        with suppress(OSError):
            self._channel.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self.end()
        with suppress(OSError):
            self._channel.settimeout(CLOSE_SECONDS)
            while self._channel.recv(256):
                pass
        # It has ended by now, unless the job has stopped it; without it the server kills what is left of the job.
        if self._keeper is not None:
            with suppress(psutil.Error):
                self._keeper.kill()
        self._channel.close()


def _walled(recipe: Recipe, control: int) -> AbstractContextManager[Walled]:
    directory = str(_HERE) if recipe.wall is None else INSIDE
    command = [str(recipe.python), f"{directory}/{_SCRIPTS[0]}", str(control)]
    if recipe.wall is None:
        return nullcontext(Walled(command, (), lambda: True))
    scripts = [Mount(str((_HERE / name).resolve()), f"{INSIDE}/{name}") for name in _SCRIPTS]
    view = recipe.view
    return recipe.wall.around(command, View(view.environment, [*view.given, *scripts], view.cwd, view.hidden), Limits())


def _is_readable(descriptor: int | socket.socket, seconds: float) -> bool:
    """Whether there is something to read (an end counts) within `seconds`."""
    return bool(select.select([descriptor], [], [], seconds)[0])
