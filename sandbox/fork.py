"""The `fork` runner: one process with the libraries loaded forks every run, which then starts in milliseconds."""

from __future__ import annotations

import os
import secrets
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from sandbox.bwrap_wall import View, Wall
from sandbox.docker_workspace import Ids, lent_workspace
from sandbox.fork_client import HELLO_SECONDS, ForkedJob, ForkServer, Recipe, ServerGone
from sandbox.fork_command import is_too_late, parse
from sandbox.hidden import exists, is_shown
from sandbox.hostruntime import HOME, SYSTEM_PATH, Mount, host_environment
from sandbox.jobenv import environment, python_variables, with_import_paths
from sandbox.local import KEPT_VARIABLES, linked
from sandbox.process import NOT_STARTED, Ending, Watch, infrastructure, kernel_ooms, open_pump, result, watch
from sandbox.runner import Job, Limits, OnLog, OnSample, RunnerName, RunResult, SandboxError
from sandbox.stream import LogPump
from sandbox.usage import MIB
from sandbox.workdir import remove_tree

DEATH_SECONDS = 0.5
DIED = "the fork server ended during the run (it was killed, or memory ran out) - run it again"

_NOTES = (
    "one process with the libraries loaded forks every run: the runs are not walled off from each other",
    "the runs share one /tmp and one seed of Python's hashes, and have one thread for numeric libraries",
    "memory and the number of processes are watched, and the job is stopped when it is over a limit",
    "not limited: CPU, and the space that the job takes in its workspace",
)
_WALLED = "the runs are walled off from this machine: no network, and of its files they see the environment, read-only"
_NOT_WALLED = "not a wall: the runs can read, change and send away everything that you can"


class ForkRunner:
    """Runs jobs by forking; see `sandbox.runner.Runner`. Safe to use from several threads at a time.

    The server starts with the first run, or with `preflight`; it is started anew when it has died. `close` ends it. Jobs have
    their workspace below `root`, where the server sees it at the same path, and their links lead to places below one of
    `readonly`. Logs are written from outside, so they are best kept where no run can change them: not below `root`.

    `python SCRIPT ...` and `python -m MODULE ...` are forked. Any other command is run by a shell, which is slow but right; so
    are those two when they could not do the same in a process that has its start behind it: with a job's variable that is read
    at the start (PYTHONHASHSEED, OMP_NUM_THREADS other than 1, ...), or with a file beside the script that has the name of a
    module that is loaded.
    """

    def __init__(
        self,
        python: Path,
        root: Path,
        *,
        preload: Sequence[str] = (),
        warm: str = "",
        readonly: Sequence[Path] = (),
        hidden: Sequence[Path] = (),
        wall: bool | None = None,
        hello_seconds: float = HELLO_SECONDS,
    ) -> None:
        """A runner with the interpreter `python` of the jobs' environment.

        `preload` are modules to import; those that cannot be are skipped, and the notes name them. `warm` is a snippet that is
        run once before the first fork. `hidden` is hidden from every job. `wall`: True needs bubblewrap, False goes without,
        None takes it where it works. A server that takes longer than `hello_seconds` to fork is taken for hung.
        Raises SandboxError when what is asked for cannot be had.
        """
        if sys.platform != "linux":
            raise SandboxError("a fork server needs Linux", how="use another sandbox")
        self._python = python
        self._root = root.resolve()
        self._readonly = [path.resolve() for path in readonly]
        self._hidden = tuple(hidden)
        self._hello_seconds = hello_seconds
        self._wall, self._passed_over = _wall(wall)
        if self._wall is None and exists(hidden):
            raise SandboxError("a fork server without bubblewrap cannot hide files from its runs", how="install bubblewrap")
        missing = next((path for path in (self._root, *self._readonly) if not path.exists()), None)
        if missing is not None:
            raise SandboxError(f"the fork server cannot show {missing}, which does not exist")
        self._host = host_environment(python)
        self._recipe = self._made(preload, warm)
        self._server: ForkServer | None = None
        self._own: dict[Path, tuple[str, ...]] = {}
        self._lock = threading.Lock()

    @property
    def name(self) -> RunnerName:
        return "fork"

    @property
    def notes(self) -> tuple[str, ...]:
        server = self._server
        skipped = f"not loaded beforehand: {', '.join(server.skipped)}" if server and server.skipped else ""
        warm = f"the warm-up failed: {server.warm_error}" if server and server.warm_error else ""
        first = _WALLED if self._wall else _NOT_WALLED
        return tuple(filter(None, (first, *_NOTES, *self._passed_over, skipped, warm)))

    def __enter__(self) -> ForkRunner:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the server and all that runs in it. A later run starts another one."""
        with self._lock:
            if self._server is not None:
                self._server.close()
                self._server = None

    def preflight(self) -> None:
        """Start the server, if it is not running. Raises SandboxError that says why it cannot be."""
        self._running()

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
            self._check(job, limits)
            ids = Ids(os.getuid(), os.getgid())
            with lent_workspace(job.workspace, (), ids), linked(job.workspace, job.links):
                terms = Watch(limits, kernel_ooms(), on_sample, cancel)
                server, ending = self._run(job, terms, pump)
        except (OSError, SandboxError) as error:
            return infrastructure(job, f"the run could not be started: {error}")
        finally:
            pump.close()
        if ending.exit_code is None and ending.stop is None and server is not None and server.has_ended(DEATH_SECONDS):
            return infrastructure(job, DIED, ending.seconds)
        return result(ending, job, limits, pump)

    def _run(self, job: Job, terms: Watch, pump: LogPump) -> tuple[ForkServer | None, Ending]:
        """The server that had the run, and how it ended. Raises OSError and SandboxError."""
        if terms.cancel is not None and terms.cancel.is_set():
            return None, NOT_STARTED
        scratch = f"{HOME if self._wall else tempfile.gettempdir()}/mlagent-{secrets.token_hex(6)}"
        try:
            server, forked = self._begin(job, terms, scratch)
            return server, NOT_STARTED if forked is None else watch(forked, terms, pump)
        finally:
            if self._wall is None:
                with suppress(OSError):
                    remove_tree(Path(scratch))

    def _begin(self, job: Job, terms: Watch, scratch: str) -> tuple[ForkServer, ForkedJob | None]:
        """Hand the job to the server, or to a new one if that has died or hangs: nothing of the job has run until then."""
        server = self._running()
        request, env = self._request(job, terms.limits, scratch)
        try:
            return server, server.begin(request, env, terms.cancel)
        except ServerGone:
            self._discard(server)
        server = self._running()
        try:
            return server, server.begin(request, env, terms.cancel)
        except ServerGone as gone:
            self._discard(server)
            raise SandboxError(f"a new fork server did not take the run either: {gone}", how="run it again") from gone

    def _running(self) -> ForkServer:
        """The server; a new one when there is none or it has died. Raises SandboxError."""
        with self._lock:
            if self._server is not None and self._server.has_ended():
                self._server.close()
                self._server = None
            if self._server is None:
                self._server = ForkServer(self._recipe, hello_seconds=self._hello_seconds)
            return self._server

    def _discard(self, server: ForkServer) -> None:
        with self._lock:
            if self._server is server:
                server.close()
                self._server = None

    def _made(self, preload: Sequence[str], warm: str) -> Recipe:
        """What every server of this runner is made of."""
        given = [Mount(str(path), str(path), read_only=path != self._root) for path in {self._root, *self._readonly}]
        given.sort(key=lambda mount: len(mount.target))  # what lies inside another comes after it
        view = View(self._host.mounts, given, str(self._root), self._hidden)
        env = self._environment(Job("", self._root, self._root, python=self._python), Limits(), HOME)
        clean = () if self._wall is None else ("/tmp", "/dev/shm")
        return Recipe(self._python, preload, warm, env, view, self._wall, clean)

    def _request(self, job: Job, limits: Limits, scratch: str) -> tuple[dict[str, Any], dict[str, str]]:
        """What the server is told, and the job's environment."""
        program = None if job.python is None or is_too_late(job.env, self._recipe.env) else parse(job.command, job.python)
        env = self._environment(job, limits, scratch)
        return {
            "program": None if program is None else [program.kind, program.name, *program.arguments],
            "command": job.command,
            "cwd": str(job.workspace.resolve()),
            "file_bytes": limits.file_mb * MIB,
            "scratch": scratch,
        }, env

    def _environment(self, job: Job, limits: Limits, scratch: str) -> dict[str, str]:
        if self._wall is None:
            kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
            own_path = os.environ.get("PATH") or SYSTEM_PATH
            place = {**kept, **python_variables(job.python, own_path)}
        else:
            variables = python_variables(None, SYSTEM_PATH) if job.python is None else self._host.variables
            place = {"USER": "mlagent", "LOGNAME": "mlagent", **variables}
        place |= {"HOME": scratch, "TMPDIR": scratch, "OMP_NUM_THREADS": "1"}
        own = () if job.project is None or job.python is None else self._own_imports(job.python, job.project)
        return with_import_paths(environment(job, limits, place), str(job.workspace.resolve()), own)

    def _own_imports(self, python: Path, project: Path) -> tuple[str, ...]:
        """The directories of the project that its environment imports from; see `HostEnvironment.own`."""
        if project not in self._own:
            self._own[project] = host_environment(python, project).own
        return self._own[project]

    def _check(self, job: Job, limits: Limits) -> None:
        """Raises SandboxError when this server is not made for the job."""
        view = self._recipe.view
        if not job.workspace.resolve().is_relative_to(self._root):
            raise SandboxError(f"the workspace {job.workspace} is not below {self._root}, the fork server's root")
        if job.python not in (None, self._python):
            raise SandboxError(f"this fork server runs {self._python}, not {job.python}", how="start one for that interpreter")
        if limits.gpus > 0:
            raise SandboxError("a fork server has no GPU", how="set [limits] gpus = 0, or use another sandbox")
        if self._wall is None:
            if exists(job.hidden):
                raise SandboxError("a fork server without bubblewrap cannot hide files from a run", how="install bubblewrap")
            return
        if limits.network:
            raise SandboxError("a walled fork server has no network", how="use another sandbox")
        for link in job.links:
            if not any(link.source.resolve().is_relative_to(place) for place in (self._root, *self._readonly)):
                raise SandboxError(
                    f"the fork server does not show {link.source}", how="name it, or what it is in, in `readonly`"
                )
        for path in job.hidden:
            if is_shown(view.environment, view.given, self._hidden, path):
                raise SandboxError(f"this fork server was not started to hide {path}", how="name it in its `hidden`")


def _wall(wanted: bool | None) -> tuple[Wall | None, tuple[str, ...]]:
    """The wall, and why there is none where that was not asked for."""
    if wanted is False:
        return None, ()
    try:
        return Wall.connect(), ()
    except SandboxError as error:
        if wanted:
            raise
        return None, (f"bubblewrap was passed over: {error.what}",)
