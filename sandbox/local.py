"""The `local` sandbox: a watched tree of processes. It is not a wall."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from sandbox.hidden import exists
from sandbox.hostruntime import SYSTEM_PATH, environment_key, host_environment
from sandbox.jobenv import environment, python_variables, with_import_paths
from sandbox.launch import Launch
from sandbox.process import Ending, infrastructure, open_pump, result, supervise
from sandbox.runner import Job, Limits, Link, OnLog, OnSample, RunnerName, RunResult, SandboxError
from sandbox.stream import LogPump
from sandbox.workdir import is_same, open_directory, remove_tree, split_relative

# Of our own environment, what says where things are on this machine; nothing that could be a secret.
KEPT_VARIABLES = ("HOME", "USER", "LOGNAME", "TZ", "LD_LIBRARY_PATH", "CUDA_HOME")

CANNOT_HIDE = "the local sandbox cannot hide files from a run, and this run asks for it - use --sandbox docker or bwrap"

_NOTES = (
    "not a wall: the command can read, change and send away everything that you can",
    "memory and the number of processes are watched, and the job is stopped when it is over a limit; CPU is not limited",
    "the network is open, and linked directories can be written to",
)
_NOT_LINUX = "a process that starts a session of its own can outlive a stopped run on this system"


class LocalRunner:
    """Runs a job with the caller's own rights; see `sandbox.runner.Runner`."""

    def __init__(self, reasons: Sequence[str] = ()) -> None:
        """`reasons` say why a stronger sandbox was passed over; they stand in the notes."""
        self._own: dict[object, tuple[str, ...]] = {}
        self._lock = threading.Lock()
        self._notes = (*_NOTES, *(() if sys.platform == "linux" else (_NOT_LINUX,)), *reasons)

    @property
    def name(self) -> RunnerName:
        return "local"

    @property
    def notes(self) -> tuple[str, ...]:
        return self._notes

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
        if exists(job.hidden):
            return infrastructure(job, CANNOT_HIDE)
        try:
            pump = open_pump(job, limits, on_log)
        except OSError as error:
            return infrastructure(job, f"the log {job.log_path} cannot be written: {error.strerror}")
        try:
            ending = _run(job, limits, self._own_imports(job), pump, on_sample, cancel)
        except (OSError, SandboxError) as error:
            return infrastructure(job, f"the run could not be started: {error}")
        finally:
            pump.close()
        return result(ending, job, limits, pump)

    def _own_imports(self, job: Job) -> tuple[str, ...]:
        """The directories of the project that its environment imports from; see `HostEnvironment.own`."""
        if job.python is None or job.project is None:
            return ()
        key = (environment_key(job.python), job.project)
        with self._lock:
            if key not in self._own:
                try:
                    self._own[key] = host_environment(job.python, job.project).own
                except SandboxError:  # not to be asked: the two places where a project keeps its packages
                    self._own[key] = (".", "src")
            return self._own[key]


def _run(
    job: Job,
    limits: Limits,
    own: Sequence[str],
    pump: LogPump,
    on_sample: OnSample | None,
    cancel: threading.Event | None,
) -> Ending:
    """`own` are the directories of the project to import from, relative to it."""
    # A short path: Python's multiprocessing puts sockets there, whose paths may have 108 bytes.
    scratch = Path(tempfile.mkdtemp(prefix="mlagent-"))
    try:
        kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        variables = python_variables(job.python, os.environ.get("PATH") or SYSTEM_PATH)
        env = environment(job, limits, {"HOME": str(scratch), **kept, "TMPDIR": str(scratch), **variables})
        env = with_import_paths(env, str(job.workspace), own)
        with linked(job.workspace, job.links):
            launch = Launch(["/bin/sh", "-c", job.command], job.workspace, env, scratch=scratch)
            return supervise(launch, limits, pump, on_sample, cancel)
    finally:
        with suppress(OSError):
            remove_tree(scratch)


@contextmanager
def linked(workspace: Path, links: Sequence[Link]) -> Generator[None]:
    """For the time of the block each link is a symbolic link in `workspace`; then it and the directories made for it go.

    Raises SandboxError when a link's source is missing or its place is taken.
    """
    made: list[tuple[str, ...]] = []
    before = workspace.stat()
    try:
        for link in links:
            _link(workspace, link, made)
        yield
    finally:
        for parts in reversed(made if is_same(workspace, before) else ()):
            with suppress(OSError), open_directory(workspace, parts[:-1]) as directory:
                _unlink_or_rmdir(directory, parts[-1])


def _link(workspace: Path, link: Link, made: list[tuple[str, ...]]) -> None:
    """Make `link` and the directories above it, each noted in `made`."""
    wrong = f"{link.target} cannot be linked into the workspace"
    if not link.source.exists():
        raise SandboxError(f"{wrong}: {link.source} does not exist")
    try:
        parts = split_relative(link.target)
        for depth in range(1, len(parts)):
            with open_directory(workspace, parts[: depth - 1]) as directory, suppress(FileExistsError):
                os.mkdir(parts[depth - 1], dir_fd=directory)
                made.append(parts[:depth])
        with open_directory(workspace, parts[:-1]) as directory:
            if _target(directory, parts[-1]) != str(link.source):  # left by a run that was killed
                os.symlink(link.source, parts[-1], dir_fd=directory)
            made.append(parts)
    except (OSError, ValueError) as error:
        raise SandboxError(f"{wrong}: {error}", how="a target is a free place below the workspace") from error


def _target(directory: int, name: str) -> str | None:
    try:
        return os.readlink(name, dir_fd=directory)
    except OSError:
        return None


def _unlink_or_rmdir(directory: int, name: str) -> None:
    """Remove a link or an empty directory; what the job put in its place stays."""
    if _target(directory, name) is None:
        os.rmdir(name, dir_fd=directory)
    else:
        os.unlink(name, dir_fd=directory)
