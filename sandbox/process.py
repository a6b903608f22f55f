"""Running a job as a tree of processes of this machine: what `local` and `bwrap` share.

Here: the limits on time, memory and processes, cancelling, and what the run came to. How a job is started: `launch.py`.
"""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sandbox.launch import STOP_SECONDS, Launch, Supervised, SupervisedCommand
from sandbox.runner import Job, Limits, OnLog, OnSample, Outcome, RunResult, Sample
from sandbox.stream import LogPump
from sandbox.symptoms import describe_exit, says_child_killed, says_disk_full, says_out_of_memory
from sandbox.usage import MIB, TreeUsage

TICK_SECONDS = 0.1
SAMPLE_SECONDS = 1.0

_TOO_LARGE_FILE = 128 + signal.SIGXFSZ

Stop = Literal["cancelled", "timeout", "out_of_memory", "too_many_processes"]


@dataclass(frozen=True, slots=True)
class Ending:
    """How a tree of processes ended. `stop` is why we ended it; `exit_code` is None when its supervisor was killed."""

    exit_code: int | None
    stop: Stop | None
    seconds: float
    peak_memory: int
    cpu_seconds: float
    left_running: int
    kernel_out_of_memory: bool


NOT_STARTED = Ending(None, "cancelled", 0.0, 0, 0.0, 0, False)


@dataclass(frozen=True, slots=True)
class Watch:
    """How a job is watched. `ooms_before` is `kernel_ooms()` from before its start."""

    limits: Limits
    ooms_before: int
    on_sample: OnSample | None = None
    cancel: threading.Event | None = None


def supervise(
    launch: Launch, limits: Limits, pump: LogPump, on_sample: OnSample | None, cancel: threading.Event | None
) -> Ending:
    """Run `launch` to its end, its output into `pump`. Raises OSError when nothing can be started."""
    if cancel is not None and cancel.is_set():
        return NOT_STARTED
    ooms = kernel_ooms()
    return watch(SupervisedCommand(launch, limits.file_mb * MIB), Watch(limits, ooms, on_sample, cancel), pump)


def watch(job: Supervised, terms: Watch, pump: LogPump) -> Ending:
    """Hold a job that has just been started to its limits until it is over and nothing is left of it."""
    tree = _Tree(job, terms, pump)
    try:
        return tree.until_end()
    finally:
        job.close()
        tree.stop_reading()


class _Tree:
    """One supervised job while it runs."""

    def __init__(self, job: Supervised, terms: Watch, pump: LogPump) -> None:
        self._job = job
        self._terms = terms
        self._limits = terms.limits
        self._started = time.monotonic()
        self._stop: Stop | None = None
        self._usage = TreeUsage(job.pid)
        self._draining = threading.Event()
        self._draining.set()
        self._reader = threading.Thread(target=self._drain, args=(pump,), name="job-output", daemon=True)
        self._reader.start()

    def until_end(self) -> Ending:
        """Hold the job to its limits until its supervisor reports."""
        next_sample = self._started + SAMPLE_SECONDS
        while not select.select([self._job.report], [], [], TICK_SECONDS)[0]:
            now = time.monotonic()
            self._stop = self._excess(now)
            if self._stop is not None:
                self._usage.cpu()  # a killed namespace does not hand its times on
                self._job.end()
                select.select([self._job.report], [], [], STOP_SECONDS)
                break
            if self._terms.on_sample is not None and now >= next_sample:
                next_sample += SAMPLE_SECONDS
                memory = self._usage.memory(self._memory_limit)
                self._terms.on_sample(Sample(now - self._started, memory, self._usage.cpu()))
        return self._ending()

    def stop_reading(self) -> None:
        """Give the last of the output a moment to arrive."""
        self._reader.join(timeout=1.0)
        self._draining.clear()

    @property
    def _memory_limit(self) -> int:
        return self._limits.memory_mb * MIB

    def _excess(self, now: float) -> Stop | None:
        cancel = self._terms.cancel
        if cancel is not None and cancel.is_set():
            return "cancelled"
        if now - self._started > self._limits.seconds:
            return "timeout"
        if self._usage.memory(self._memory_limit) > self._memory_limit:
            return "out_of_memory"
        if self._usage.processes > self._limits.pids:
            return "too_many_processes"
        return None

    def _ending(self) -> Ending:
        seconds = time.monotonic() - self._started
        report = self._job.take_report().split() if select.select([self._job.report], [], [], 0)[0] else []
        status, cpu, resident, left = report if len(report) == 4 else (None, b"0", b"0", b"0")
        code = None if status is None else os.waitstatus_to_exitcode(int(status))
        return Ending(
            exit_code=128 - code if code is not None and code < 0 else code,
            stop=self._stop,
            seconds=seconds,
            peak_memory=max(self._usage.peak, int(resident)),
            cpu_seconds=max(float(cpu), self._usage.cpu_seconds),
            left_running=int(left),
            kernel_out_of_memory=kernel_ooms() > self._terms.ooms_before,
        )

    def _drain(self, pump: LogPump) -> None:
        with open(self._job.output, "rb", buffering=0) as output:
            while chunk := output.read(65536):
                if not self._draining.is_set():
                    return
                pump.feed(chunk)


def result(ending: Ending, job: Job, limits: Limits, pump: LogPump) -> RunResult:
    """What a run came to, from how its processes ended and from what it printed last."""
    tail = pump.tail()
    outcome, message = _verdict(ending, limits, tail)
    failed = outcome == "error"
    return RunResult(
        outcome=outcome,
        exit_code=ending.exit_code if ending.stop is None else None,
        seconds=ending.seconds,
        log_path=job.log_path,
        peak_memory=ending.peak_memory,
        cpu_seconds=ending.cpu_seconds,
        message=message,
        disk_full=failed and (says_disk_full(tail) or ending.exit_code == _TOO_LARGE_FILE),
        truncated=pump.truncated,
        warnings=_warnings(ending, outcome, pump),
    )


def _verdict(ending: Ending, limits: Limits, tail: str) -> tuple[Outcome, str]:
    code = ending.exit_code
    if ending.stop is not None:
        return _stopped(ending.stop, limits)
    if code is None:
        return "infrastructure", "the process that watches the job was killed - run it again"
    if code == 0:
        return "ok", ""
    if says_out_of_memory(tail):
        return "out_of_memory", f"the job ran out of memory: {describe_exit(code, tail)}"
    if ending.kernel_out_of_memory and (code == 128 + signal.SIGKILL or says_child_killed(tail)):
        return "out_of_memory", "the machine ran out of memory and its kernel killed the job"
    return "error", describe_exit(code, tail)


def _stopped(stop: Stop, limits: Limits) -> tuple[Outcome, str]:
    if stop == "cancelled":
        return "killed", "stopped on request"
    if stop == "timeout":
        return "timeout", f"stopped after {limits.seconds:g} s, the time limit of a run"
    if stop == "out_of_memory":
        return "out_of_memory", f"stopped: more than {limits.memory_mb} MiB of memory in use"
    return "error", f"stopped: more than {limits.pids} processes at once"


def _warnings(ending: Ending, outcome: Outcome, pump: LogPump) -> tuple[str, ...]:
    warnings: list[str] = []
    if ending.left_running:
        were = "process was" if ending.left_running == 1 else "processes were"
        warnings.append(f"{ending.left_running} {were} still running when the command ended, and stopped")
    if ending.kernel_out_of_memory and outcome != "out_of_memory":
        warnings.append("the machine ran out of memory during the run and its kernel killed a process")
    if pump.write_error is not None:
        warnings.append(f"the log could not be written in full: {pump.write_error.strerror}")
    return tuple(warnings)


def open_pump(job: Job, limits: Limits, on_log: OnLog | None) -> LogPump:
    """The log of one run. Raises OSError when it cannot be written."""
    return LogPump(job.log_path, limits.output_mb * MIB, on_log)


def infrastructure(job: Job, message: str, seconds: float = 0.0) -> RunResult:
    """The result of a run that the sandbox itself failed."""
    return RunResult("infrastructure", None, seconds, job.log_path, message=message)


def kernel_ooms() -> int:
    """How many processes the kernel has killed for lack of memory since it started; 0 where it does not say."""
    try:
        counters = Path("/proc/vmstat").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in counters.splitlines() if line.startswith("oom_kill ")), 0)
