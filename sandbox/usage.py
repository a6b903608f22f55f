"""What a tree of processes uses at the moment, by looking at it from outside."""

from __future__ import annotations

import time

import psutil

REFRESH_SECONDS = 0.5
MIB = 2**20


class TreeUsage:
    """Watches all processes below one; the process itself is not counted."""

    def __init__(self, root: int) -> None:
        """`root` is a process id. What it and its children have used so far is not counted either."""
        self._root = _process(root)
        self._cpu_before = _cpu_seconds(self._root) if self._root else 0.0
        self._tree: list[psutil.Process] = []
        self._refreshed = float("-inf")
        self._exact: tuple[float, int] = (float("-inf"), 0)
        self.cpu_seconds = 0.0
        self._cpu_at = time.monotonic()
        self.peak = 0

    @property
    def processes(self) -> int:
        """How many processes the tree had at the last look."""
        return len(self._tree)

    def memory(self, limit: int) -> int:
        """The memory of the tree in bytes now; remembers the peak.

        Resident sizes are cheap and never too little, but they count a page once for each process that shares it, and mapped
        files, which the kernel takes back when it needs room. The exact need is worked out only when they are over `limit`.
        """
        now = time.monotonic()
        if now - self._refreshed >= REFRESH_SECONDS:
            self._refresh(now)
        used = sum(map(_resident, self._tree))
        if used > limit:
            measured_at, exact = self._exact
            if now - measured_at >= REFRESH_SECONDS or exact > limit:
                exact = sum(map(_needed, self._tree))
                self._exact = (now, exact)
            used = exact
        self.peak = max(self.peak, used)
        return used

    def cpu(self) -> float:
        """The cores in use since the last call (or the start)."""
        now = time.monotonic()
        of_root = _cpu_seconds(self._root) - self._cpu_before if self._root else 0.0
        total = sum(map(_cpu_seconds, self._tree)) + max(of_root, 0.0)
        cores = (total - self.cpu_seconds) / max(now - self._cpu_at, 1e-3)
        self.cpu_seconds, self._cpu_at = max(total, self.cpu_seconds), now
        return max(cores, 0.0)

    def _refresh(self, now: float) -> None:
        self._refreshed = now
        try:
            self._tree = self._root.children(recursive=True) if self._root else []
        except psutil.Error:
            self._tree = []


def kill_marked(variable: str, value: str) -> None:
    """Kill every process that inherited `variable=value`: what is left of a job whose supervisor was killed."""
    for process in psutil.process_iter():
        try:
            if process.environ().get(variable) == value:
                process.kill()
        except (psutil.Error, OSError):
            continue


def _process(pid: int) -> psutil.Process | None:
    try:
        return psutil.Process(pid)
    except psutil.Error:
        return None


def _resident(process: psutil.Process) -> int:
    try:
        return process.memory_info().rss
    except psutil.Error:
        return 0


def _needed(process: psutil.Process) -> int:
    """A process's own memory and its part of what it shares, without mapped files; where unknown, the resident size."""
    try:
        with open(f"/proc/{process.pid}/smaps_rollup", encoding="ascii") as file:
            kibibytes = {line.split()[0]: int(line.split()[1]) for line in list(file)[1:]}
    except (OSError, ValueError, IndexError):
        return _resident(process)
    parts = [kibibytes.get(name) for name in ("Pss_Anon:", "Pss_Shmem:", "SwapPss:")]
    if None in parts:  # before Linux 5.9
        return kibibytes.get("Pss:", 0) * 1024 or _resident(process)
    return sum(part or 0 for part in parts) * 1024


def _cpu_seconds(process: psutil.Process) -> float:
    """CPU seconds of a process and of its children that it has waited for."""
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return times.user + times.system + times.children_user + times.children_system
