"""The `bwrap` sandbox: bubblewrap walls off files and network, for Linux without Docker."""

from __future__ import annotations

import os
import platform
import re
import shlex
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Generator, Iterable, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from sandbox.docker_workspace import Ids, lent_workspace
from sandbox.hostruntime import HOME, SYSTEM_DIRECTORIES, WORKSPACE, HostEnvironment, environment_key, host_environment
from sandbox.jobenv import environment, with_import_paths
from sandbox.process import Ending, Launch, infrastructure, open_pump, result, supervise
from sandbox.runner import Job, Limits, OnLog, OnSample, RunnerName, RunResult, SandboxError
from sandbox.stream import LogPump
from sandbox.symptoms import cause
from sandbox.usage import MIB

# Nobody in particular inside; outside it is the caller all the same.
INSIDE_ID = 65532
PROBE_SECONDS = 20
INSTALL = "install bubblewrap (apt-get install bubblewrap, dnf install bubblewrap), or start Docker"
WAYS_OUT = "start Docker, or ask for --sandbox local, which is not a wall"
ALLOW = (
    "an administrator can allow them: sysctl -w kernel.unprivileged_userns_clone=1 (Debian), "
    f"kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu), user.max_user_namespaces=10000; or {WAYS_OUT}"
)

_REFUSED = re.compile(r"namespace|uid map|not permitted|Permission denied", re.IGNORECASE)
_ETC = {
    "passwd": f"mlagent:x:{INSIDE_ID}:{INSIDE_ID}:mlagent:{HOME}:/bin/sh\nroot:x:0:0:root:{HOME}:/bin/sh\n",
    "group": f"mlagent:x:{INSIDE_ID}:\nroot:x:0:\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}
_NETWORK_FILES = ("/etc/resolv.conf", "/etc/hosts", "/etc/services")
_GPU_DEVICES = ("nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "nvidia-modeset")
# The limit is set inside, where it counts the job's processes only; dash and bash spell it differently.
_LIMITED = 'ulimit -u "$1" 2>/dev/null || ulimit -p "$1" 2>/dev/null; exec /bin/sh -c "$2"'


class BwrapRunner:
    """Runs a job behind bubblewrap; see `sandbox.runner.Runner`. Made by `connect`."""

    def __init__(self, program: str, *, sized_tmpfs: bool, reasons: Sequence[str] = ()) -> None:
        self._program = program
        self._sized_tmpfs = sized_tmpfs
        self._reasons = tuple(reasons)
        self._environments: dict[object, HostEnvironment] = {}
        self._lock = threading.Lock()

    @classmethod
    def connect(cls, reasons: Sequence[str] = ()) -> BwrapRunner:
        """A runner that has been seen to work.

        `reasons` say why Docker was passed over; they stand in the notes. Raises SandboxError when bubblewrap is missing or
        this system does not let the caller use it.
        """
        program = shutil.which("bwrap")
        if program is None:
            raise SandboxError("bubblewrap is not installed", how=INSTALL)
        usage = _output([program, "--help"])
        if "--json-status-fd" not in usage:
            raise SandboxError("this bubblewrap is older than 0.4", how=INSTALL)
        runner = cls(program, sized_tmpfs="--size BYTES" in usage, reasons=reasons)
        runner._probe()
        return runner

    @property
    def name(self) -> RunnerName:
        return "bwrap"

    @property
    def notes(self) -> tuple[str, ...]:
        scratch = () if self._sized_tmpfs else ("this old bubblewrap does not limit what is written to /tmp",)
        return (
            "the host's Python runs; of its files the job sees the system and the chosen environment, read-only",
            "memory and the number of processes are watched, and the job is stopped when it is over a limit",
            "not limited: CPU, and the space that the job takes in its workspace",
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
        with lent_workspace(job.workspace, job.links, ids), _pipe() as (status, status_end), _etc_files() as etc:
            argv = [
                *self._wall(limits),
                *_flat(("--ro-bind", mount.source, mount.target) for mount in host.mounts),
                *_flat(("--file", str(descriptor), f"/etc/{name}") for name, descriptor in etc.items()),
                *("--bind", str(job.workspace.resolve()), WORKSPACE),
                *_flat(("--ro-bind", str(link.source.resolve()), f"{WORKSPACE}/{link.target}") for link in job.links),
                *("--chdir", WORKSPACE, "--remount-ro", "/dev", "--remount-ro", "/"),
                *("--json-status-fd", str(status_end), "--"),
                *_command(job.command, limits.pids),
            ]
            launch = Launch(argv, job.workspace, env, (status_end, *etc.values()))
            ending = supervise(launch, limits, pump, on_sample, cancel)
            # What is left at the end here is bubblewrap's own first process.
            ending = replace(ending, left_running=0)
            os.set_blocking(status, False)
            return ending, b'"exit-code"' in _read(status)

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

    def _wall(self, limits: Limits) -> list[str]:
        """bubblewrap and the options that do not depend on the job."""
        size = ["--size", str(limits.scratch_mb * MIB)] if self._sized_tmpfs else []
        argv = [self._program, "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
        argv += ["--die-with-parent", "--new-session", "--cap-drop", "ALL", "--hostname", "mlagent"]
        argv += ["--uid", str(INSIDE_ID), "--gid", str(INSIDE_ID)]
        # Read-only, because to the kernel a job of root is root: it could set /proc/sys for the whole machine.
        argv += ["--proc", "/proc", "--remount-ro", "/proc"]
        argv += ["--dev", "/dev", *size, "--tmpfs", "/dev/shm", *size, "--tmpfs", "/tmp"]
        argv += ["--dir", "/run", "--dir", "/var", "--symlink", "/tmp", "/var/tmp"]
        for path in (*SYSTEM_DIRECTORIES, "/sbin"):
            if os.path.islink(path):
                argv += ["--symlink", os.readlink(path), path]
            elif path == "/sbin" and os.path.isdir(path):
                argv += ["--ro-bind", path, path]
        if limits.network:
            argv += _flat(("--ro-bind-try", path, path) for path in _NETWORK_FILES)
        else:
            argv += ["--unshare-net"]
        if limits.gpus > 0:
            numbered = sorted(path.name for path in Path("/dev").glob("nvidia[0-9]*"))
            argv += _flat(("--dev-bind-try", f"/dev/{name}", f"/dev/{name}") for name in (*numbered, *_GPU_DEVICES))
        return argv

    def _probe(self) -> None:
        """Build the wall once around nothing. Raises SandboxError when the system does not allow it."""
        argv = [*self._wall(Limits()), "--ro-bind", "/usr", "/usr"]
        argv += _flat(("--ro-bind", path, path) for path in SYSTEM_DIRECTORIES if _is_real_directory(path))
        said = _output([*argv, "--", "/bin/sh", "-c", "echo works"])
        if said.strip() == "works":
            return
        if _REFUSED.search(said):
            raise SandboxError(f"this system does not let you make user namespaces ({cause(said)})", how=ALLOW)
        raise SandboxError(f"bubblewrap does not work here ({cause(said)})", how=WAYS_OUT)


def _command(command: str, pids: int) -> list[str]:
    if os.getuid() != 0 and _counts_per_namespace():
        return ["/bin/sh", "-c", _LIMITED, "sh", str(pids), command]
    return ["/bin/sh", "-c", command]


def _counts_per_namespace() -> bool:
    """Whether the limit on processes counts those of the user namespace (Linux 5.14), not all of the user's."""
    numbers = re.findall(r"\d+", platform.release())[:2]
    return tuple(map(int, numbers)) >= (5, 14)


def _is_real_directory(path: str) -> bool:
    return os.path.isdir(path) and not os.path.islink(path)


def _flat(groups: Iterable[Sequence[str]]) -> list[str]:
    return [argument for group in groups for argument in group]


def _output(argv: Sequence[str]) -> str:
    """What a short command prints on both streams, or why it could not be run."""
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=PROBE_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return done.stdout.decode(errors="replace")


@contextmanager
def _pipe() -> Generator[tuple[int, int]]:
    read_end, write_end = os.pipe()
    try:
        yield read_end, write_end
    finally:
        os.close(read_end)
        os.close(write_end)


def _read(descriptor: int) -> bytes:
    """All that is in a non-blocking pipe."""
    try:
        return os.read(descriptor, 65536)
    except BlockingIOError:
        return b""


@contextmanager
def _etc_files() -> Generator[dict[str, int]]:
    """Descriptors of the few files of /etc that the job's own user needs, by name."""
    with ExitStack() as stack:
        descriptors: dict[str, int] = {}
        for name, text in _ETC.items():
            descriptor = os.memfd_create(name)
            stack.callback(os.close, descriptor)
            os.write(descriptor, text.encode())
            os.lseek(descriptor, 0, os.SEEK_SET)
            descriptors[name] = descriptor
        yield descriptors
