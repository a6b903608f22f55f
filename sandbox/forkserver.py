"""A process with libraries loaded that forks a process for each run: run as a script, never imported here.

    python forkserver.py CONTROL_FD

CONTROL_FD is a socket of whole messages. The first one is the setup (JSON: `preload`, `warm`, `clean`); it is answered when all
is loaded (JSON: `skipped`, `warm_error`). Each further one carries a channel, for which a keeper is forked. On the channel come
requests, one after another: eight bytes of length with the writing end of the job's output, and JSON. The keeper answers with a
byte (to which the kernel adds its process id as the client sees it), forks the job, sees it to its end as `supervisor.py` does,
with the channel as lifeline, and writes the report. So what a request holds, and what becomes of a run, cannot harm the server.

Only the standard library, and of this package only the scripts beside it: the job's own Python (3.9 or later) runs it.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pathlib
import select
import signal
import socket
import sys
import time
import weakref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    from sandbox import forkjob, supervisor, workdir
else:
    import forkjob
    import supervisor
    import workdir

# A job may have modules of these names itself, and the files where this script lies are no business of it.
for ours in ("forkjob", "supervisor", "workdir"):
    sys.modules.pop(ours, None)
sys.path.pop(0)

OLDEST = (3, 9)
PR_SET_DUMPABLE = 4
MESSAGE_BYTES = 2**17
HELLO = b"k"
LENGTH_BYTES = 8
SCRATCH = "mlagent-"
STRAY_SECONDS = 1.5


class Server:
    """Takes orders until the client hangs up."""

    def __init__(self, control: socket.socket, clean: dict[str, set[str]]) -> None:
        """`clean` are directories to be emptied when nothing runs, but for the named entries."""
        self._control = control
        self._clean = clean
        self._kept = open_descriptors() - {control.fileno()}
        self._keepers: set[int] = set()
        self._wakeup = supervisor.adopt()
        # Of our own user are the jobs, too: they must not look into this process, nor take its descriptors.
        supervisor.prctl(PR_SET_DUMPABLE, 0)

    def serve(self) -> None:
        while True:
            ready = select.select([self._control, self._wakeup], [], [])[0]
            if self._wakeup in ready:
                os.read(self._wakeup, 512)
                self._reap()
            if self._control in ready:
                message, descriptors, _, _ = socket.recv_fds(self._control, 16, 1)
                if not message:
                    return
                for descriptor in descriptors:
                    self._fork_keeper(descriptor)
                    os.close(descriptor)

    def _fork_keeper(self, channel: int) -> None:
        server = os.getpid()
        pid = os.fork()
        if pid:
            self._keepers.add(pid)
            return
        status = 1
        try:
            self._control.close()
            supervisor.prctl(supervisor.PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() == server:
                Keeper(channel, self._kept, self._clean).serve()
                status = 0
        finally:
            os._exit(status)

    def _reap(self) -> None:
        """Collect what has ended, and kill what a killed keeper left behind."""
        deadline = time.monotonic() + STRAY_SECONDS
        killed = self._collect()
        while killed and time.monotonic() < deadline:
            strays = [pid for pid, parent in supervisor.parents().items() if parent == os.getpid()]
            strays = [pid for pid in strays if pid not in self._keepers]
            if not strays:
                break
            for pid in strays:
                supervisor.kill(pid)
            time.sleep(0.002)
            self._collect()

    def _collect(self) -> bool:
        """Take note of all that has ended; whether a keeper was among it that did not end by itself."""
        killed = False
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return killed
            if pid == 0:
                return killed
            if pid in self._keepers:
                self._keepers.discard(pid)
                killed = killed or status != 0


class Keeper:
    """Sees runs to their end, one at a time."""

    def __init__(self, channel: int, kept: set[int], clean: dict[str, set[str]]) -> None:
        os.dup2(channel, 0)
        os.close(channel)
        self._channel = socket.socket(fileno=0)
        self._kept = kept
        self._clean = clean
        self._wakeup = supervisor.adopt()
        supervisor.silence()

    def serve(self) -> None:
        while self._run_one():
            pass

    def _run_one(self) -> bool:
        """Whether there may be another one."""
        header, descriptors, _, _ = socket.recv_fds(self._channel, LENGTH_BYTES, 1)
        if len(header) < LENGTH_BYTES or not descriptors:
            return False
        (output,) = descriptors
        request = json.loads(self._channel.recv(int.from_bytes(header, "big"), socket.MSG_WAITALL))
        if request["is_alone"]:
            for directory, kept in self._clean.items():
                empty(directory, kept)
        scratch: str = request["scratch"]
        os.mkdir(scratch, 0o700)
        self._channel.send(HELLO)
        pid = begin(request, output, self._kept)
        os.close(output)
        report = supervisor.see_to_end(pid, self._wakeup)
        try:
            workdir.remove_tree(pathlib.Path(scratch))
        except OSError:
            pass
        self._channel.send(report)
        return not supervisor.reap(pid, supervisor.Spent())[1]


def mounts_below(directory: str) -> set[str] | None:
    """The entries of `directory` in which something is mounted; None when it is no temporary file system of our own."""
    found: set[str] = set()
    is_own = False
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as table:
        for line in table:
            before, _, after = line.partition(" - ")
            point = before.split()[4].replace("\\040", " ")
            if point == directory:
                is_own = after.split()[0] == "tmpfs"
            elif point.startswith(f"{directory}/"):
                found.add(point.split("/")[directory.count("/") + 1])
    return found if is_own else None


def empty(directory: str, kept: set[str]) -> None:
    """Remove what jobs have left there. What is mounted is the user's, and is not touched, whatever `kept` says."""
    device = os.stat(directory).st_dev
    for name in set(os.listdir(directory)) - kept:
        path = os.path.join(directory, name)
        try:
            if not name.startswith(SCRATCH) and os.lstat(path).st_dev == device:
                workdir.remove_tree(pathlib.Path(path))
        except OSError:
            pass


def open_descriptors() -> set[int]:
    return set(filter(is_open, map(int, os.listdir("/proc/self/fd"))))


def is_open(descriptor: int) -> bool:
    """False for the one that listed them."""
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def begin(request: dict[str, Any], output: int, kept: set[int]) -> int:
    """Fork the job; its process id."""
    keeper = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    status = 127
    try:
        # Its own again: a fresh process may look into itself.
        supervisor.prctl(PR_SET_DUMPABLE, 1)
        supervisor.enter_job(request["file_bytes"], keeper)
        os.dup2(output, 1)
        os.dup2(output, 2)
        for descriptor in open_descriptors() - kept - {0, 1, 2}:
            os.close(descriptor)
        os.environ.clear()
        os.environ.update(request["env"])
        os.chdir(request["cwd"])
        kind, name, *arguments = request["program"] or ("", "")
        if kind and forkjob.is_possible(kind, name):
            status = forkjob.run(kind, name, arguments)
        else:
            supervisor.execute(["/bin/sh", "-c", request["command"]])
    except BaseException as error:
        os.write(2, f"{type(error).__name__}: {error}\n".encode())
    finally:
        os._exit(status)


def load(preload: list[str], warm: str) -> dict[str, Any]:
    """Import the modules and run the snippet: what could not be imported, and why the snippet failed if it did."""
    skipped: list[str] = []
    for name in preload:
        try:
            importlib.import_module(name)
        except Exception:  # a library may fail in any way on a machine that it does not fit
            skipped.append(name)
    warm_error = ""
    try:
        exec(compile(warm, "<warm-up>", "exec"), {"__name__": "__warm_up__"})
    except Exception as error:
        warm_error = f"{type(error).__name__}: {error}"
    return {"skipped": skipped, "warm_error": warm_error}


def main() -> NoReturn:
    if sys.version_info < OLDEST:
        raise SystemExit("a fork server needs Python 3.9 or later")
    control = socket.socket(fileno=int(sys.argv[1]))
    setup = json.loads(control.recv(MESSAGE_BYTES))
    answer = load(setup["preload"], setup["warm"])
    kept = {directory: mounts_below(directory) for directory in setup["clean"]}
    server = Server(control, {directory: names for directory, names in kept.items() if names is not None})
    # Of what the libraries want done at their end nothing is left to a job; a temporary directory, for one, is the server's.
    for finalizer in list(getattr(weakref.finalize, "_registry", ())):
        finalizer.atexit = False
    # What is loaded stays; a collection in a job need not look at it, and leaves its pages shared.
    gc.collect()
    gc.freeze()
    control.send(json.dumps(answer).encode())
    server.serve()
    os._exit(0)


if __name__ == "__main__":
    main()
