"""The wall that bubblewrap builds around a command: a system and an environment to read, and nothing else but what is given."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sandbox.hidden import NOTHING, Mask, masks_below, without_hidden
from sandbox.hostruntime import HOME, SYSTEM_DIRECTORIES, Mount
from sandbox.runner import Limits, SandboxError
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


@dataclass(frozen=True, slots=True)
class View:
    """What a command sees of the host's files.

    `environment` is read-only, and of it what is `hidden` cannot be read. `given` are the places made for this command, such
    as its workspace; of them too, what is hidden inside. Mounts are read-only unless they say otherwise.
    """

    environment: Sequence[Mount]
    given: Sequence[Mount]
    cwd: str
    hidden: Sequence[Path] = ()


@dataclass(frozen=True, slots=True)
class Walled:
    """A command as it is to be started, with the descriptors that must stay open for it.

    `has_started` says, when it has ended, whether bubblewrap got as far as the command.
    """

    argv: Sequence[str]
    descriptors: Sequence[int]
    has_started: Callable[[], bool]


class Wall:
    """bubblewrap as it is on this machine. Made by `connect`."""

    def __init__(self, program: str, *, sized_tmpfs: bool) -> None:
        self._program = program
        self.sized_tmpfs = sized_tmpfs

    @classmethod
    def connect(cls) -> Wall:
        """A wall that has been seen to work.

        Raises SandboxError when bubblewrap is missing or this system does not let the caller use it.
        """
        program = shutil.which("bwrap")
        if program is None:
            raise SandboxError("bubblewrap is not installed", how=INSTALL)
        usage = _output([program, "--help"])
        if "--json-status-fd" not in usage:
            raise SandboxError("this bubblewrap is older than 0.4", how=INSTALL)
        wall = cls(program, sized_tmpfs="--size BYTES" in usage)
        wall._probe()
        return wall

    @contextmanager
    def around(self, command: Sequence[str], view: View, limits: Limits) -> Generator[Walled]:
        """`command` behind the wall; it can be started inside the block."""
        environment, masks = without_hidden(view.environment, view.hidden)
        masks_inside = masks_below(view.given, view.hidden)
        with _pipe() as (status, status_end), _etc_files() as etc:
            argv = [
                *self._options(limits),
                *_flat(map(_bind, environment)),
                *_flat(("--file", str(descriptor), f"/etc/{name}") for name, descriptor in etc.items()),
                *_flat(map(_mask, masks)),
                *_flat(map(_bind, view.given)),
                *_flat(map(_mask, masks_inside)),
                # Only now: what is given may lie below a mask.
                *_flat(("--remount-ro", mask.target) for mask in (*masks, *masks_inside) if mask.is_directory),
                *("--chdir", view.cwd, "--remount-ro", "/dev", "--remount-ro", "/"),
                *("--json-status-fd", str(status_end), "--"),
                *command,
            ]
            os.set_blocking(status, False)
            yield Walled(argv, (status_end, *etc.values()), lambda: b'"exit-code"' in _read(status))

    def _options(self, limits: Limits) -> list[str]:
        """bubblewrap and the options that do not depend on the job."""
        size = ["--size", str(limits.scratch_mb * MIB)] if self.sized_tmpfs else []
        argv = [self._program, "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
        argv += ["--die-with-parent", "--new-session", "--cap-drop", "ALL", "--hostname", "mlagent"]
        argv += ["--uid", str(INSIDE_ID), "--gid", str(INSIDE_ID)]
        # Read-only, because to the kernel a job of root is root: it could set /proc/sys for the whole machine.
        argv += ["--proc", "/proc", "--remount-ro", "/proc"]
        argv += ["--dev", "/dev", *size, "--tmpfs", "/dev/shm", *size, "--tmpfs", "/tmp"]
        argv += ["--dir", "/run", "--dir", "/var", "--symlink", "../tmp", "/var/tmp"]
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
        argv = [*self._options(Limits()), "--ro-bind", "/usr", "/usr"]
        argv += _flat(("--ro-bind", path, path) for path in SYSTEM_DIRECTORIES if _is_real_directory(path))
        said = _output([*argv, "--", "/bin/sh", "-c", "echo works"])
        if said.strip() == "works":
            return
        if _REFUSED.search(said):
            raise SandboxError(f"this system does not let you make user namespaces ({cause(said)})", how=ALLOW)
        raise SandboxError(f"bubblewrap does not work here ({cause(said)})", how=WAYS_OUT)


def _bind(mount: Mount) -> tuple[str, str, str]:
    return "--ro-bind" if mount.read_only else "--bind", mount.source, mount.target


def _mask(mask: Mask) -> tuple[str, ...]:
    return ("--tmpfs", mask.target) if mask.is_directory else ("--ro-bind", NOTHING, mask.target)


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
