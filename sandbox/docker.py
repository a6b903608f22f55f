"""Runs jobs in Docker containers: no network, nothing writable but the workspace, bounded in everything."""

from __future__ import annotations

import os
import signal
import tempfile
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from sandbox.docker_container import Container, Ending, Plan, configuration, create_failure
from sandbox.docker_engine import Engine, EngineError, connect
from sandbox.docker_orphans import reap_orphans
from sandbox.docker_workspace import job_ids, lent_workspace
from sandbox.hidden import masks_below, without_hidden
from sandbox.hostruntime import HOME, USER, WAYS_OUT, WORKSPACE, HostEnvironment, Mount, environment_key, host_environment
from sandbox.images import RuntimeSpec, resolve
from sandbox.jobenv import environment as job_environment
from sandbox.process import infrastructure, open_pump
from sandbox.runner import Job, Limits, OnLog, OnSample, Outcome, RunnerName, RunResult, SandboxError
from sandbox.stream import LogPump
from sandbox.symptoms import describe_exit, says_disk_full, says_out_of_memory
from sandbox.usage import MIB

TOO_LARGE_FILE = 128 + signal.SIGXFSZ
PREFLIGHT_LIMITS = Limits(seconds=60, memory_mb=1024, cpus=1, pids=64, output_mb=1, scratch_mb=64)


class DockerRunner:
    """The `docker` runner; see `sandbox.runner.Runner`. Safe to use from several threads at a time."""

    def __init__(self, engine: Engine, runtime: RuntimeSpec, image: str) -> None:
        self._engine = engine
        self._runtime = runtime
        self._image = image
        self._environments: dict[object, HostEnvironment] = {}
        self._left_over: list[str] = []
        self._lock = threading.Lock()

    @classmethod
    def connect(
        cls,
        runtime: RuntimeSpec | None = None,
        *,
        project: Path | None = None,
        python: Path | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> DockerRunner:
        """A runner on the engine that `docker` would use, after removing what dead processes left on it.

        Building or fetching an image, where `runtime` asks for it, happens here; `progress` gets lines about it. `project` is
        where requirements are looked for, `python` the interpreter whose packages are the last resort. Raises SandboxError.
        """
        runtime = runtime or RuntimeSpec()
        engine = connect()
        try:
            reap_orphans(engine)
            image = resolve(engine, runtime, project=project, python=python, progress=progress or (lambda _line: None))
        except EngineError as error:
            raise SandboxError(f"Docker cannot be used: {error}", how="check that `docker version` works") from error
        return cls(engine, runtime, image)

    @property
    def name(self) -> RunnerName:
        return "docker"

    @property
    def notes(self) -> tuple[str, ...]:
        runtime = "this machine's Python, mounted read-only" if self._runtime.kind == "host" else f"image {self._image}"
        return (
            f"Docker: {runtime}; no network unless [sandbox] network = true.",
            "Disk space in the workspace is not limited; one file is, by [limits] file_mb.",
        )

    def close(self) -> None:
        """Let go of the connections to the engine."""
        self._remove_left_over()
        self._engine.close()

    def preflight(self, python: Path | None, project: Path | None = None, *, near: Path | None = None) -> None:
        """Try the runtime once with the interpreter `python`. Raises SandboxError that says why it cannot work here.

        `near` is a writable directory on the file system of the workspaces.
        """
        self._environment(python, project, near)

    def run(
        self,
        job: Job,
        limits: Limits,
        *,
        on_log: OnLog | None = None,
        on_sample: OnSample | None = None,
        cancel: threading.Event | None = None,
    ) -> RunResult:
        """See `sandbox.runner.Runner.run`."""
        try:
            pump = open_pump(job, limits, on_log)
        except OSError as error:
            return infrastructure(job, f"the log {job.log_path} cannot be written: {error.strerror}")
        try:
            self._remove_left_over()
            environment = self._environment(job.python, job.project, job.workspace.parent)
            ending = self._run(job, limits, environment, pump, on_sample, cancel)
        except SandboxError as error:
            return infrastructure(job, str(error))
        except OSError as error:
            return infrastructure(job, f"the workspace cannot be used: {error}")
        finally:
            pump.close()
        return _result(job, limits, ending, pump)

    def _run(
        self,
        job: Job,
        limits: Limits,
        environment: HostEnvironment,
        pump: LogPump,
        on_sample: OnSample | None,
        cancel: threading.Event | None,
    ) -> Ending:
        """One container, from its creation to its removal. Raises SandboxError and OSError."""
        if cancel is not None and cancel.is_set():
            return Ending(0, True, False, "", "killed", 0.0, None, None)
        security = self._engine.info.security
        ids = job_ids(rootless="rootless" in security)
        links = [Mount(os.path.realpath(link.source), f"{WORKSPACE}/{link.target}") for link in job.links]
        given = [Mount(str(job.workspace.resolve()), WORKSPACE, read_only=False), *links]
        mounts, masks = without_hidden(environment.mounts, job.hidden)
        plan = Plan(
            image=self._image,
            command=job.command,
            user=str(ids),
            mounts=[*mounts, *masks, *given, *masks_below(given, job.hidden)],
            variables=_variables(job, limits, environment),
        )
        with lent_workspace(job.workspace, job.links, ids):
            try:
                container = Container(self._engine, configuration(plan, limits, security))
                try:
                    return container.run(pump, limits.seconds, cancel, on_sample)
                finally:
                    self._remove(container)
            except EngineError as error:
                raise create_failure(error, limits) from error

    def _remove(self, container: Container) -> None:
        """A container that cannot be removed now is removed before the next run, or by the next process."""
        try:
            container.remove()
        except EngineError:
            with self._lock:
                self._left_over.append(container.id)

    def _remove_left_over(self) -> None:
        with self._lock:
            waiting, self._left_over = self._left_over, []
        for container in waiting:
            try:
                self._engine.remove(container)
            except EngineError:
                with self._lock:
                    self._left_over.append(container)

    def _environment(self, python: Path | None, project: Path | None, near: Path | None) -> HostEnvironment:
        """What the host gives to a job: nothing when there is an image, else the tried environment of `python`."""
        if self._runtime.kind != "host":
            return HostEnvironment((), {})
        key = (environment_key(python) if python else None, project)
        with self._lock:
            known = self._environments.get(key)
            if known is None:
                known = host_environment(python, project)
                self._try(known, python, near)
                self._environments[key] = known
        return known

    def _try(self, environment: HostEnvironment, python: Path | None, near: Path | None) -> None:
        """Run nothing in particular, to see whether the engine has our files and the interpreter starts for the job's user."""
        if self._engine.info.is_desktop:
            raise SandboxError("Docker Desktop cannot run this machine's Python", how=WAYS_OUT)
        nonce = os.urandom(8).hex()
        with tempfile.TemporaryDirectory(prefix=".mlagent-preflight-", dir=near) as directory:
            workspace = Path(directory, "workspace")
            workspace.mkdir()
            Path(workspace, "nonce").write_text(nonce)
            start = f"exec '{python}' -c pass" if python else "true"
            job = Job(f"cat nonce && {start}", workspace, Path(directory, "log"))
            pump = LogPump(job.log_path, 1024 * 1024, None)
            try:
                ending = self._run(job, PREFLIGHT_LIMITS, environment, pump, None, None)
            except SandboxError as error:
                if "bind source path does not exist" in str(error):
                    raise _not_our_files() from error
                raise
            finally:
                pump.close()
        seen = pump.tail()
        if nonce not in seen:
            raise _not_our_files()
        if ending.exit_code != 0:
            last = (seen.strip().splitlines() or [""])[-1].removeprefix(nonce)
            raise SandboxError(
                f"{python} does not start in the sandbox (exit code {ending.exit_code}): {last}",
                how=f"make its environment readable to other users (chmod -R o+rX), or {WAYS_OUT}",
            )


def _not_our_files() -> SandboxError:
    return SandboxError(
        "the Docker engine does not see this machine's files (a remote engine, or ML-Agent runs inside a container)",
        how=WAYS_OUT,
    )


def _variables(job: Job, limits: Limits, environment: HostEnvironment) -> dict[str, str]:
    """All that the job's environment holds besides what its image sets."""
    place = {"HOME": HOME, "TMPDIR": HOME, "USER": USER, "LOGNAME": USER, **environment.variables}
    variables = job_environment(job, replace(limits, gpus=0), place)
    if limits.gpus:
        del variables["CUDA_VISIBLE_DEVICES"]  # the container has just the GPUs that it asked for
    own = [os.path.normpath(os.path.join(WORKSPACE, path)) for path in environment.own]
    if own:
        variables["PYTHONPATH"] = ":".join([*filter(None, [job.env.get("PYTHONPATH")]), *own])
    return variables


def _result(job: Job, limits: Limits, ending: Ending, pump: LogPump) -> RunResult:
    outcome, message = _verdict(limits, ending, pump.tail())
    warnings: list[str] = []
    if outcome == "ok" and ending.oom_killed:
        warnings.append("a process of the run was killed for memory")
    if pump.write_error is not None:
        warnings.append(f"the log could not be written in full: {pump.write_error.strerror}")
    killed_for_memory = outcome == "out_of_memory" and ending.oom_killed
    return RunResult(
        outcome,
        None if ending.stopped else ending.exit_code,
        ending.seconds,
        job.log_path,
        # The last moment before the kill is never seen; the limit is what was reached.
        peak_memory=limits.memory_mb * MIB if killed_for_memory else ending.peak_memory,
        cpu_seconds=ending.cpu_seconds,
        message=message,
        disk_full=outcome == "error" and (says_disk_full(pump.tail()) or ending.exit_code == TOO_LARGE_FILE),
        truncated=pump.truncated,
        warnings=tuple(warnings),
    )


def _verdict(limits: Limits, ending: Ending, tail: str) -> tuple[Outcome, str]:
    if ending.stopped:
        over_time = f"stopped after {limits.seconds:g} s, the time limit of a run"
        return ending.stopped, over_time if ending.stopped == "timeout" else "stopped on request"
    if ending.exit_code == 0:
        return "ok", ""
    if ending.oom_killed:
        return "out_of_memory", f"stopped: more than {limits.memory_mb} MiB of memory in use"
    if not ending.orderly:
        return "infrastructure", f"the container was killed from outside (code {ending.exit_code}) - run it again"
    if says_out_of_memory(tail):
        return "out_of_memory", f"the job ran out of memory: {describe_exit(ending.exit_code, tail)}"
    return "error", describe_exit(ending.exit_code, tail)
