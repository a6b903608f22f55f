"""Running a job as a tree of processes of this machine: what `local` and `bwrap` share.

Between us and the job stands `supervisor.py`, which finds all that the job starts and kills it when we say so or when we die.
Here: its start, the limits on time, memory and processes, cancelling, and what the run came to.
"""

from __future__ import annotations

import os
import secrets
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from sandbox.runner import Job, Limits, OnLog, OnSample, Outcome, RunResult, Sample
from sandbox.stream import LogPump
from sandbox.symptoms import describe_exit, says_child_killed, says_disk_full, says_out_of_memory
from sandbox.usage import MIB, TreeUsage, kill_marked

TICK_SECONDS = 0.1
SAMPLE_SECONDS = 1.0
STOP_SECONDS = 1.8
MARKER = "MLAGENT_JOB"

_SUPERVISOR = Path(__file__).with_name("supervisor.py")
_TOO_LARGE_FILE = 128 + signal.SIGXFSZ

Stop = Literal["cancelled", "timeout", "out_of_memory", "too_many_processes"]


@dataclass(frozen=True, slots=True)
class Launch:
    """A command as the system starts it.

    `descriptors` stay open for it. `scratch` is a directory of the caller's that goes as well when the caller is killed.
    """

    argv: Sequence[str]
    cwd: Path
    env: Mapping[str, str]
    descriptors: Sequence[int] = ()
    scratch: Path | None = None


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


def supervise(
    launch: Launch, limits: Limits, pump: LogPump, on_sample: OnSample | None, cancel: threading.Event | None
) -> Ending:
    """Run `launch` to its end, its output into `pump`. Raises OSError when nothing can be started."""
    if cancel is not None and cancel.is_set():
        return Ending(None, "cancelled", 0.0, 0, 0.0, 0, False)
    tree = _Tree(launch, limits, pump)
    try:
        return tree.watch(on_sample, cancel)
    finally:
        tree.close()


class _Tree:
    """One supervised job, from its start until nothing of it is left."""

    def __init__(self, launch: Launch, limits: Limits, pump: LogPump) -> None:
        self._limits = limits
        self._marker = secrets.token_hex(16)
        self._ooms = _kernel_ooms()
        self._started = time.monotonic()
        self._stop: Stop | None = None
        self._report, report_end = os.pipe()
        supervisor = [sys.executable, "-I", "-S", str(_SUPERVISOR)]
        arguments = [str(report_end), str(limits.scratch_mb * MIB), str(launch.scratch or "")]
        try:
            self._process = subprocess.Popen(
                [*supervisor, *arguments, *launch.argv],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                bufsize=0,
                cwd=launch.cwd,
                env={**launch.env, MARKER: self._marker},
                pass_fds=(report_end, *launch.descriptors),
                # Ctrl-C in our terminal is for us to handle, not for the job.
                start_new_session=True,
            )
        except BaseException:
            os.close(self._report)
            raise
        finally:
            os.close(report_end)
        self._usage = TreeUsage(self._process.pid)
        self._draining = threading.Event()
        self._draining.set()
        self._reader = threading.Thread(target=self._drain, args=(pump,), name="job-output", daemon=True)
        self._reader.start()

    def watch(self, on_sample: OnSample | None, cancel: threading.Event | None) -> Ending:
        """Hold the job to its limits until its supervisor reports."""
        next_sample = self._started + SAMPLE_SECONDS
        while not select.select([self._report], [], [], TICK_SECONDS)[0]:
            now = time.monotonic()
            self._stop = self._excess(now, cancel)
            if self._stop is not None:
                self._usage.cpu()  # a killed namespace does not hand its times on
                self._end_lifeline()
                select.select([self._report], [], [], STOP_SECONDS)
                break
            if on_sample is not None and now >= next_sample:
                next_sample += SAMPLE_SECONDS
                memory = self._usage.memory(self._memory_limit)
                on_sample(Sample(now - self._started, memory, self._usage.cpu()))
        return self._ending()

    def close(self) -> None:
        """Leave nothing behind, whatever happened."""
        self._end_lifeline()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.returncode < 0:
            kill_marked(MARKER, self._marker)
        self._reader.join(timeout=1.0)
        self._draining.clear()
        os.close(self._report)
        if not self._reader.is_alive():
            self._output.close()

    @property
    def _memory_limit(self) -> int:
        return self._limits.memory_mb * MIB

    @property
    def _output(self) -> IO[bytes]:
        assert self._process.stdout is not None
        return self._process.stdout

    def _end_lifeline(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()

    def _excess(self, now: float, cancel: threading.Event | None) -> Stop | None:
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
        report = os.read(self._report, 256).split() if select.select([self._report], [], [], 0)[0] else []
        status, cpu, resident, left = report if len(report) == 4 else (None, b"0", b"0", b"0")
        code = None if status is None else os.waitstatus_to_exitcode(int(status))
        return Ending(
            exit_code=128 - code if code is not None and code < 0 else code,
            stop=self._stop,
            seconds=seconds,
            peak_memory=max(self._usage.peak, int(resident)),
            cpu_seconds=max(float(cpu), self._usage.cpu_seconds),
            left_running=int(left),
            kernel_out_of_memory=_kernel_ooms() > self._ooms,
        )

    def _drain(self, pump: LogPump) -> None:
        descriptor = self._output.fileno()
        while chunk := os.read(descriptor, 65536):
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


def _kernel_ooms() -> int:
    """How many processes the kernel has killed for lack of memory since it started; 0 where it does not say."""
    try:
        counters = Path("/proc/vmstat").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in counters.splitlines() if line.startswith("oom_kill ")), 0)
