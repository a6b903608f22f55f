"""What a container uses while it runs: memory and processor time, from its control group or from the engine."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sandbox.docker_engine import Engine, EngineError, Json
from sandbox.runner import OnSample, Sample

LOOK_SECONDS = 0.1
SAMPLE_SECONDS = 1.0
STATS_API = (1, 41)  # the first with a reading that does not take a second


@dataclass(frozen=True, slots=True)
class Reading:
    """`memory` in bytes without what the kernel may drop at any time; `cpu_seconds` since the start."""

    memory: int
    cpu_seconds: float


class UsageMeter:
    """Watches one started container from a thread of its own.

    `peak_memory` (bytes) and `cpu_seconds` are None until something was read. Reading the control group is cheap enough to
    be done ten times a second, so that a short peak is seen; asking the engine (Docker Desktop, a remote one) is done once.
    """

    def __init__(self, engine: Engine, container: str, on_sample: OnSample | None) -> None:
        self.peak_memory: int | None = None
        self.cpu_seconds: float | None = None
        self._engine = engine
        self._container = container
        self._on_sample = on_sample
        self._callback_error: Exception | None = None
        self._started = time.monotonic()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="usage-meter", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the watching. Raises what `on_sample` raised, if it did."""
        self._stopped.set()
        self._thread.join(timeout=2)
        if self._callback_error is not None:
            raise self._callback_error

    def _watch(self) -> None:
        with suppress(EngineError, OSError, ValueError):  # the container has ended
            read, every = self._reader()
            last_time, last_cpu = self._started, 0.0
            while not self._stopped.is_set():
                reading = read()
                now = time.monotonic()
                self.peak_memory = max(self.peak_memory or 0, reading.memory)
                self.cpu_seconds = reading.cpu_seconds
                if now - last_time >= SAMPLE_SECONDS:
                    cpu = max(0.0, reading.cpu_seconds - last_cpu) / (now - last_time)
                    self._emit(Sample(now - self._started, reading.memory, cpu))
                    last_time, last_cpu = now, reading.cpu_seconds
                self._stopped.wait(every)

    def _emit(self, sample: Sample) -> None:
        if self._on_sample is not None and self._callback_error is None:
            try:
                self._on_sample(sample)
            except Exception as error:  # a watcher's fault must not end the metering; stop() reports it
                self._callback_error = error

    def _reader(self) -> tuple[Callable[[], Reading], float]:
        group = _control_group(self._engine.state(self._container).pid, self._container)
        if group is not None:
            return group, LOOK_SECONDS
        if self._engine.info.api_version < STATS_API:
            raise ValueError("this engine has no quick reading")
        return lambda: _from_stats(self._engine.stats(self._container)), SAMPLE_SECONDS


def _control_group(pid: int, container: str) -> Callable[[], Reading] | None:
    """A reader of the container's control group, when the engine runs on this machine and the files can be read."""
    try:
        lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    except OSError:
        return None
    paths: dict[str, str] = {}
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if container in path:  # else the pid is one of another machine
            paths |= {controller: path.lstrip("/") for controller in controllers.split(",")}
    root = Path("/sys/fs/cgroup")
    candidates: list[Callable[[], Reading]] = []
    if "memory" in paths and "cpuacct" in paths:
        memory, cpu = root / "memory" / paths["memory"], root / "cpuacct" / paths["cpuacct"]
        candidates.append(lambda: _read_v1(memory, cpu))
    if "" in paths:
        unified = root / paths[""]
        candidates.append(lambda: _read_v2(unified))
    for read in candidates:
        with suppress(OSError, ValueError, KeyError):
            read()
            return read
    return None


def _read_v1(memory: Path, cpu: Path) -> Reading:
    used = int((memory / "memory.usage_in_bytes").read_text())
    droppable = _field(memory / "memory.stat", "total_inactive_file")
    return Reading(max(0, used - droppable), int((cpu / "cpuacct.usage").read_text()) / 1e9)


def _read_v2(group: Path) -> Reading:
    used = int((group / "memory.current").read_text())
    droppable = _field(group / "memory.stat", "inactive_file")
    return Reading(max(0, used - droppable), _field(group / "cpu.stat", "usage_usec") / 1e6)


def _field(file: Path, name: str) -> int:
    for line in file.read_text().splitlines():
        key, _, value = line.partition(" ")
        if key == name:
            return int(value)
    raise ValueError(f"{file} has no {name}")


def _from_stats(stats: Json) -> Reading:
    memory: Json = stats.get("memory_stats") or {}
    details: Json = memory.get("stats") or {}
    droppable = int(details.get("inactive_file", details.get("total_inactive_file", 0)))
    used = int(memory["usage"]) if "usage" in memory else 0
    cpu: Json = stats.get("cpu_stats") or {}
    cpu_usage: Json = cpu.get("cpu_usage") or {}
    return Reading(max(0, used - droppable), int(cpu_usage.get("total_usage", 0)) / 1e9)
