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

_SCRIPTS = ("forkserver.py", "forkjob.py", "supervisor.py", "workdir.py")
_HERE = Path(__file__).parent
_LENGTH = struct.Struct(">Q")
_CREDENTIALS = struct.Struct("3i")


class ServerGone(Exception):
    """The fork server has ended or does not answer, and the run has not started."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a fork server is made of. `wall` is None where nothing walls it off; `clean` are directories of the wall's own that
    are emptied when nothing runs.
    """

    python: Path
    preload: Sequence[str]
    warm: str
    env: Mapping[str, str]
    view: View
    wall: Wall | None
    clean: Sequence[str]


class Keeper:
    """The client's end of a keeper: the process that sees one run after another to its end."""

    def __init__(self, channel: socket.socket) -> None:
        self.channel = channel
        self.process: psutil.Process | None = None

    @property
    def pid(self) -> int:
        return self.process.pid if self.process is not None else 0

    def hello(self) -> None:
        """Take its answer to a request, to which the kernel has added its process id. Raises OSError when it hung up."""
        hello, ancillary, _, _ = self.channel.recvmsg(1, socket.CMSG_SPACE(_CREDENTIALS.size))
        found = [data for level, kind, data in ancillary if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS)]
        if not hello or not found:
            raise ConnectionError("the fork server hung up")
        if self.process is None:
            with suppress(psutil.Error):
                self.process = psutil.Process(_CREDENTIALS.unpack(found[0][: _CREDENTIALS.size])[0])

    def discard(self) -> None:
        """Have it end, and its run, and make sure of it."""
        with suppress(OSError):
            self.channel.shutdown(socket.SHUT_WR)
            self.channel.settimeout(CLOSE_SECONDS)
            while self.channel.recv(256):
                pass
        # It has ended by now, unless a job has stopped it; without it the server kills what is left of the job.
        if self.process is not None:
            with suppress(psutil.Error):
                self.process.kill()
        self.channel.close()


class ForkServer:
    """One running server. Raises SandboxError when it cannot be started."""

    def __init__(self, recipe: Recipe, *, hello_seconds: float = HELLO_SECONDS) -> None:
        self._hello_seconds = hello_seconds
        self._tail = bytearray()
        self._closed = False
        self._idle: list[Keeper] = []
        self._running = 0
        self._lock = threading.Lock()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, _walled(recipe, theirs.fileno()) as walled:
            launch = Launch(walled.argv, Path(recipe.view.cwd), recipe.env, (theirs.fileno(), *walled.descriptors))
            try:
                self._process = SupervisedCommand(launch, NO_FILE_LIMIT)
            except OSError as error:
                self._control.close()
                raise SandboxError(f"the fork server could not be started: {error}") from error
            threading.Thread(target=self._drain, name="fork-server-output", daemon=True).start()
            setup = {"preload": list(recipe.preload), "warm": recipe.warm, "clean": list(recipe.clean)}
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
        with self._lock:
            is_alone = self._running == 0
            self._running += 1
        message = {**request, "is_alone": is_alone, "env": {**env, MARKER: self._process.marker}}
        job: ForkedJob | None = None
        try:
            job = self._begin(json.dumps(message).encode(), cancel)
        finally:
            if job is None:
                self.has_run(None)
        return job

    def has_run(self, keeper: Keeper | None) -> None:
        """A run is over; its keeper can take another one if it is given back."""
        with self._lock:
            self._running -= 1
            if keeper is not None and not self._closed:
                self._idle.append(keeper)
                keeper = None
        if keeper is not None:
            keeper.discard()

    def close(self) -> None:
        """End it and all its runs."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        self._process.close()
        self._control.close()
        for keeper in idle:
            keeper.channel.close()

    def _begin(self, message: bytes, cancel: threading.Event | None) -> ForkedJob | None:
        """The run in an idle keeper that takes it, else in a new one. Raises ServerGone."""
        while True:
            with self._lock:
                idle = self._idle.pop() if self._idle else None
            keeper = idle or self._new_keeper()
            try:
                output = self._hand_over(keeper, message, cancel)
                return None if output is None else ForkedJob(self, keeper, output)
            except OSError as error:  # a time-out is one, too
                keeper.discard()
                if idle is None:
                    raise ServerGone(str(error)) from error

    def _new_keeper(self) -> Keeper:
        channel, theirs = socket.socketpair()
        with theirs:
            channel.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
            try:
                socket.send_fds(self._control, [b"keeper"], [theirs.fileno()])
            except OSError as error:
                channel.close()
                raise ServerGone(str(error)) from error
        return Keeper(channel)

    def _hand_over(self, keeper: Keeper, message: bytes, cancel: threading.Event | None) -> int | None:
        """The reading end of the run's output once the keeper has the request; None when cancelled. Raises OSError."""
        output, output_end = os.pipe()
        taken = False
        try:
            keeper.channel.settimeout(self._hello_seconds)
            socket.send_fds(keeper.channel, [_LENGTH.pack(len(message))], [output_end])
            keeper.channel.sendall(message)
            taken = self._answers(keeper, cancel)
        finally:
            os.close(output_end)
            if not taken:
                os.close(output)
        if not taken:
            keeper.discard()
        return output if taken else None

    def _answers(self, keeper: Keeper, cancel: threading.Event | None) -> bool:
        """Wait for its word that it has the request; False when cancelled meanwhile. Raises OSError."""
        deadline = time.monotonic() + self._hello_seconds
        while not _is_readable(keeper.channel, TICK_SECONDS):
            if cancel is not None and cancel.is_set():
                return False
            if time.monotonic() > deadline or self.has_ended():
                raise TimeoutError("the fork server does not answer")
        keeper.hello()
        return True

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

    def _drain(self) -> None:
        """What it prints itself: kept to say why it ended."""
        with open(self._process.output, "rb", buffering=0) as output:
            while piece := output.read(65536):
                self._tail += piece
                del self._tail[:-TAIL_BYTES]


class ForkedJob:
    """A job that a keeper has started; see `sandbox.launch.Supervised`."""

    def __init__(self, server: ForkServer, keeper: Keeper, output: int) -> None:
        self._server = server
        self._keeper = keeper
        self._is_over = False
        self._is_stopped = False
        self.output = output

    @property
    def pid(self) -> int:
        return self._keeper.pid

    @property
    def report(self) -> int:
        return self._keeper.channel.fileno()

    def take_report(self) -> bytes:
        line = self._keeper.channel.recv(256)
        self._is_over = self._is_over or bool(line)
        return line

    def end(self) -> None:
        self._is_stopped = True
        with suppress(OSError):
            self._keeper.channel.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        if self._is_over and not self._is_stopped:
            self._server.has_run(self._keeper)
        else:
            self._keeper.discard()
            self._server.has_run(None)


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
