"""The `bwrap` sandbox: bubblewrap walls off files and network, for Linux without Docker."""

from __future__ import annotations

import os
import platform
import re
import shlex
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sandbox.bwrap_wall import PROBE_SECONDS, WAYS_OUT, View, Wall
from sandbox.docker_workspace import Ids, lent_workspace
from sandbox.hostruntime import HOME, WORKSPACE, HostEnvironment, Mount, environment_key, host_environment
from sandbox.jobenv import environment, with_import_paths
from sandbox.launch import Launch
from sandbox.process import Ending, infrastructure, open_pump, result, supervise
from sandbox.runner import Job, Limits, OnLog, OnSample, RunnerName, RunResult, SandboxError
from sandbox.stream import LogPump
from sandbox.symptoms import cause

# The limit is set inside, where it counts the job's processes only; dash and bash spell it differently.
_LIMITED = 'ulimit -u "$1" 2>/dev/null || ulimit -p "$1" 2>/dev/null; exec /bin/sh -c "$2"'


class BwrapRunner:
    """Runs a job behind bubblewrap; see `sandbox.runner.Runner`. Made by `connect`."""

    def __init__(self, wall: Wall, reasons: Sequence[str] = ()) -> None:
        self._wall = wall
        self._reasons = tuple(reasons)
        self._environments: dict[object, HostEnvironment] = {}
        self._lock = threading.Lock()

    @classmethod
    def connect(cls, reasons: Sequence[str] = ()) -> BwrapRunner:
        """A runner that has been seen to work.

        `reasons` say why Docker was passed over; they stand in the notes. Raises SandboxError when bubblewrap is missing or
        this system does not let the caller use it.
        """
        return cls(Wall.connect(), reasons)

    @property
    def name(self) -> RunnerName:
        return "bwrap"

    @property
    def notes(self) -> tuple[str, ...]:
        scratch = () if self._wall.sized_tmpfs else ("this old bubblewrap does not limit what is written to /tmp",)
        return (
            "the host's Python runs; of its files the job sees the system and the chosen environment, read-only",
            "memory and the number of processes are watched, and the job is stopped when it is over a limit",
            "not limited: CPU, and the space that the job takes in its workspace; one file is, by [limits] file_mb",
            *scratch,
            *self._reasons,
        )

    def preflight(self, python: Path | None, project: Path | None = None) -> None:
        """Start the interpreter `python` once behind the wall. Raises SandboxError that says why it cannot work here."""
        with tempfile.TemporaryDirectory(prefix="mlagent-preflight-") as directory:
            workspace = Path(directory, "workspace")
            workspace.mkdir()
            start = f"exec {shlex.quote(str(python))} -c pass" if python else "true"
            job = Job(start, workspace, Path(directory, "log"), python=python, project=project)
            result = self.run(job, Limits(seconds=PROBE_SECONDS))
        if result.outcome != "ok":
            raise SandboxError(f"{python or 'a command'} does not start behind bubblewrap: {result.message}", how=WAYS_OUT)

    def run(
        self,
        job: Job,
        limits: Limits,
        *,
        on_log: OnLog | None = None,
        on_sample: OnSample | None = None,
        cancel: threading.Event | None = None,
    ) -> RunResult:
        """Run `job` to its end; see `sandbox.runner.Runner.run`."""
        try:
            pump = open_pump(job, limits, on_log)
        except OSError as error:
            return infrastructure(job, f"the log {job.log_path} cannot be written: {error.strerror}")
        try:
            ending, started = self._run(job, limits, pump, on_sample, cancel)
        except (OSError, SandboxError) as error:
            return infrastructure(job, f"the run could not be started: {error}")
        finally:
            pump.close()
        if not started and ending.stop is None and not ending.kernel_out_of_memory:
            return infrastructure(job, f"bubblewrap could not start the job: {cause(pump.tail())}", ending.seconds)
        return result(ending, job, limits, pump)

    def _run(
        self, job: Job, limits: Limits, pump: LogPump, on_sample: OnSample | None, cancel: threading.Event | None
    ) -> tuple[Ending, bool]:
        """How it ended, and whether bubblewrap got as far as the command."""
        host = self._host(job.python, job.project)
        place = {"HOME": HOME, "TMPDIR": "/tmp", "USER": "mlagent", "LOGNAME": "mlagent", **host.variables}
        env = with_import_paths(environment(job, limits, place), WORKSPACE, host.own)
        ids = Ids(os.getuid(), os.getgid())
        given = [Mount(str(job.workspace.resolve()), WORKSPACE, read_only=False)]
        given += [Mount(str(link.source.resolve()), f"{WORKSPACE}/{link.target}") for link in job.links]
        view = View(host.mounts, given, WORKSPACE, job.hidden)
        with (
            lent_workspace(job.workspace, job.links, ids),
            self._wall.around(_command(job.command, limits.pids), view, limits) as walled,
        ):
            launch = Launch(walled.argv, job.workspace, env, walled.descriptors)
            ending = supervise(launch, limits, pump, on_sample, cancel)
            # What is left at the end here is bubblewrap's own first process.
            return replace(ending, left_running=0), walled.has_started()

    def _host(self, python: Path | None, project: Path | None) -> HostEnvironment:
        """The mounts for `python`; the interpreter is asked again when packages were installed in between."""
        key = (None if python is None else environment_key(python), project)
        with self._lock:
            if key not in self._environments:
                try:
                    self._environments[key] = host_environment(python, project)
                except SandboxError as error:
                    # What helps a user of Docker here is to come to us.
                    raise SandboxError(error.what, how=WAYS_OUT if "bwrap" in error.how else error.how) from error
            return self._environments[key]


def _command(command: str, pids: int) -> list[str]:
    if os.getuid() != 0 and _counts_per_namespace():
        return ["/bin/sh", "-c", _LIMITED, "sh", str(pids), command]
    return ["/bin/sh", "-c", command]


def _counts_per_namespace() -> bool:
    """Whether the limit on processes counts those of the user namespace (Linux 5.14), not all of the user's."""
    numbers = re.findall(r"\d+", platform.release())[:2]
    return tuple(map(int, numbers)) >= (5, 14)
