"""The process between ML-Agent and a job: run as a script, never imported here. The script `forkserver.py` uses its parts.

    python -I -S supervisor.py REPORT_FD FILE_BYTES SCRATCH COMMAND [ARGUMENT...]

It adopts what the job orphans (a Linux subreaper), so that a grandchild with a session of its own is found too. It kills all
of it when the command ends, when it reads a byte on stdin, and when stdin ends because its client died. Then it writes one
line to REPORT_FD: wait status, CPU seconds, largest resident set of one process in bytes, processes still running when the
command ended. When there is nobody to read it, it removes the directory SCRATCH (empty: none), which the client would have.

Only the standard library, and little of it: each import here is paid for in every run.
"""

from __future__ import annotations

import ctypes
import os
import resource
import select
import signal
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:  # spelt out because importing typing costs 5 ms
    from collections.abc import Sequence
    from typing import NoReturn

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
LINUX = sys.platform == "linux"
KILL_SECONDS = 1.5
# The kernel takes a job before its client when memory runs out.
OOM_SCORE = b"600"


def prctl(option: int, value: int) -> None:
    if LINUX:
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def start(command: Sequence[str], file_bytes: int) -> int:
    """Fork and execute `command` in a session of its own; its process id."""
    supervisor = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    try:
        become(command, file_bytes, supervisor)
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode())
    os._exit(127)


def become(command: Sequence[str], file_bytes: int, supervisor: int) -> NoReturn:
    enter_job(file_bytes, supervisor)
    execute(command)


def enter_job(file_bytes: int, supervisor: int) -> None:
    """Make this process, just forked by `supervisor`, the first of a job: its own session, its limits, and nothing to read."""
    os.setsid()
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != supervisor:
        os._exit(127)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    limit(resource.RLIMIT_CORE, 0)
    limit(resource.RLIMIT_FSIZE, file_bytes)
    if LINUX:
        raise_oom_score()
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)


def execute(command: Sequence[str]) -> NoReturn:
    """Become `command`, with the signals as a shell would hand them on (Python ignores these two)."""
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    os.execvpe(command[0], list(command), os.environ)


def limit(kind: int, value: int) -> None:
    """Set a resource limit, within the hard limit that stands."""
    hard = resource.getrlimit(kind)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (value, value))


def raise_oom_score() -> None:
    try:
        score = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
        os.write(score, OOM_SCORE)
        os.close(score)
    except OSError:
        pass


class Spent:
    """What the children that have ended have used: CPU seconds, and the largest resident set of one process in bytes."""

    def __init__(self) -> None:
        self.cpu = 0.0
        self.resident = 0

    def add(self, usage: resource.struct_rusage) -> None:
        self.cpu += usage.ru_utime + usage.ru_stime
        self.resident = max(self.resident, usage.ru_maxrss * (1024 if LINUX else 1))


def reap(main: int, spent: Spent) -> tuple[int | None, bool]:
    """Collect all children that have ended: the wait status of `main` if it is among them, and whether children are left."""
    status = None
    while True:
        try:
            pid, ended, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return status, False
        if pid == 0:
            return status, True
        spent.add(usage)
        if pid == main:
            status = ended


def parents() -> dict[int, int]:
    """Process id to its parent's, for every process that is not a zombie."""
    table: dict[int, int] = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                state, parent = file.read().rpartition(b")")[2].split()[:2]
        except (OSError, ValueError):
            continue
        if state not in b"ZX":
            table[int(name)] = int(parent)
    return table


def descendants() -> list[int]:
    """All living processes below this one."""
    if not LINUX:
        return []
    table = parents()
    below: dict[int, list[int]] = {}
    for pid, parent in table.items():
        below.setdefault(parent, []).append(pid)
    found: list[int] = []
    pending = [os.getpid()]
    while pending:
        children = below.get(pending.pop(), [])
        found += children
        pending += children
    return found


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def kill_all(main: int, spent: Spent) -> tuple[int | None, int]:
    """Kill everything below this process until nothing is left: the status of `main` if it ended now, and how many there were.

    What a killed process leaves behind becomes a child of this one, so repeated passes reach all of it.
    """
    status, left = reap(main, spent)
    if LINUX and not left:  # the usual end; looking through /proc costs 5 ms
        return status, 0
    first = -1
    deadline = time.monotonic() + KILL_SECONDS
    while True:
        found = descendants()
        first = len(found) if first < 0 else first
        for pid in found:
            kill(pid)
        if not LINUX:
            try:
                os.killpg(main, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass
        ended, left = reap(main, spent)
        status = status if ended is None else ended
        if not left or time.monotonic() > deadline:
            return status, first
        time.sleep(0.002)


def notice(_number: int, _frame: object) -> None:
    """A handler of ours, so that the wake-up descriptor is written to."""


def wait(main: int, wakeup: int, spent: Spent) -> int | None:
    """Until the command ends (its wait status) or the client says so or dies (None)."""
    while True:
        ready = select.select([0, wakeup], [], [])[0]
        if wakeup in ready:
            os.read(wakeup, 512)
            status, _ = reap(main, spent)
            if status is not None:
                return status
        if 0 in ready:
            return None


def adopt() -> int:
    """Become the one that gets all orphans below; a descriptor that is readable when a child has ended."""
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    wakeup, wakeup_end = os.pipe()
    os.set_blocking(wakeup_end, False)
    signal.set_wakeup_fd(wakeup_end, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, notice)
    return wakeup


def silence() -> None:
    """Let go of the output: only the job holds it then, and it ends when the job does."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    os.close(null)


def see_to_end(main: int, wakeup: int) -> bytes:
    """Wait for the job whose first process is `main`, leave nothing of it, and return the line of the report."""
    spent = Spent()
    status = wait(main, wakeup, spent)
    late, left = kill_all(main, spent)
    if status is None:
        status = signal.SIGKILL if late is None else late
        left = 0
    return f"{status:d} {spent.cpu:.6f} {spent.resident} {left}\n".encode()


def main() -> None:
    report, file_bytes, scratch, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:]
    os.set_inheritable(report, False)
    wakeup = adopt()
    pid = start(command, file_bytes)
    silence()
    line = see_to_end(pid, wakeup)
    try:
        os.write(report, line)
    except OSError:
        if scratch:
            import shutil  # 10 ms, and seldom wanted

            shutil.rmtree(scratch, ignore_errors=True)
    os._exit(0)  # taking the interpreter down costs 5 ms


if __name__ == "__main__":
    main()
