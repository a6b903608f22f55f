"""Many runs at a time give what they give one after another."""

import sys
import threading
from pathlib import Path

import pytest

from sandbox.local import LocalRunner
from sandbox.pool import Pool
from sandbox.runner import Job, Limits, OnLog, OnSample, RunnerName, RunResult, SandboxError
from tests.sandbox.runner_contract import OWN, PATIENCE, alive, wait_until


def job(root: Path, number: int, command: str) -> Job:
    workspace = root / f"w{number}"
    workspace.mkdir(exist_ok=True)
    return Job(command, workspace, root / f"{number}.log", python=Path(sys.executable))


class Gate:
    """A runner that can be held up: each run waits until it is let through."""

    name: RunnerName = "local"
    notes = ()

    def __init__(self, *, stubborn: bool = False) -> None:
        self.through = threading.Semaphore(0)
        self.started: list[Job] = []
        self.most = 0
        self._stubborn = stubborn
        self._running = 0
        self._lock = threading.Lock()

    def run(
        self,
        job: Job,
        limits: Limits,
        *,
        on_log: OnLog | None = None,
        on_sample: OnSample | None = None,
        cancel: threading.Event | None = None,
    ) -> RunResult:
        assert on_log is None and on_sample is None and cancel is not None and limits.seconds > 0
        with self._lock:
            self.started.append(job)
            self._running += 1
            self.most = max(self.most, self._running)
        while not self.through.acquire(timeout=0.01):
            if cancel.is_set() and not self._stubborn:
                return RunResult("killed", None, 0.0, job.log_path)
        with self._lock:
            self._running -= 1
        if job.command == "raise":
            raise OSError("it is broken")
        return RunResult("ok", 0, 0.0, job.log_path)


def test_results_are_those_of_runs_one_after_another_and_in_order(tmp_path: Path) -> None:
    commands = [f"echo {number}; sleep 0.{number % 3}; exit {number % 4}" for number in range(8)]
    jobs = [job(tmp_path, number, command) for number, command in enumerate(commands)]
    runner = LocalRunner()
    serial = [runner.run(each, Limits()) for each in jobs]
    logs = [result.log_path.read_text() for result in serial]
    with Pool(runner, 3) as pool:
        pooled = pool.map(iter(jobs), Limits())
    assert [(r.outcome, r.exit_code, r.message, r.log_path) for r in pooled] == [
        (r.outcome, r.exit_code, r.message, r.log_path) for r in serial
    ]
    assert [result.log_path.read_text() for result in pooled] == logs


def test_no_more_run_than_there_are_workers_and_submitting_waits_for_room(tmp_path: Path) -> None:
    gate = Gate()
    with Pool(gate, 2) as pool:
        submitted: list[int] = []

        def submit_all() -> None:
            for number in range(12):
                pool.submit(job(tmp_path, number, "true"), Limits())
                submitted.append(number)

        thread = threading.Thread(target=submit_all)
        thread.start()
        assert wait_until(lambda: len(submitted) == 6)
        thread.join(0.3)
        assert (len(submitted), len(gate.started)) == (6, 2)
        gate.through.release()
        assert wait_until(lambda: len(submitted) == 7)
        gate.through.release(20)
        thread.join(PATIENCE)
    assert gate.most == 2
    assert [each.log_path.name for each in gate.started[:2]] == ["0.log", "1.log"]
    assert len(gate.started) == 12


def test_what_a_runner_raises_comes_out_of_its_future_only(tmp_path: Path) -> None:
    gate = Gate()
    gate.through.release(20)
    with Pool(gate, 2) as pool:
        futures = [pool.submit(job(tmp_path, number, "raise" if number == 1 else "true"), Limits()) for number in range(4)]
        with pytest.raises(OSError, match="it is broken"):
            futures[1].result(10)
        assert [futures[number].result(10).outcome for number in (0, 2, 3)] == ["ok"] * 3


def test_a_stuck_run_fails_all_that_is_left_and_is_named(tmp_path: Path) -> None:
    gate = Gate(stubborn=True)
    with Pool(gate, 2, stall_seconds=0.2) as pool:
        futures = [pool.submit(job(tmp_path, number, f"python train{number}.py"), Limits(seconds=0.1)) for number in range(5)]
        for future in futures:
            with pytest.raises(SandboxError, match=r"train[01]\.py.*w[01] does not end, long after its time limit of 0\.1 s"):
                future.result(10)
        with pytest.raises(SandboxError, match="does not end"):
            pool.submit(job(tmp_path, 9, "true"), Limits())
    assert len(gate.started) == 2
    gate.through.release(2)


def test_leaving_by_an_exception_kills_what_runs_and_cancels_what_waits(tmp_path: Path) -> None:
    futures = []
    with pytest.raises(KeyError), Pool(LocalRunner(), 1) as pool:
        futures = [pool.submit(job(tmp_path, number, f"sleep 7301.{OWN}"), Limits()) for number in range(3)]
        assert wait_until(lambda: alive(f"sleep 7301.{OWN}"))
        raise KeyError
    assert futures[0].result(5).outcome == "killed"
    assert futures[1].cancelled() and futures[2].cancelled()
    assert wait_until(lambda: not alive(f"sleep 7301.{OWN}"))


def test_a_waiting_run_can_be_cancelled_and_a_closed_pool_takes_nothing(tmp_path: Path) -> None:
    gate = Gate()
    with Pool(gate, 1) as pool:
        futures = [pool.submit(job(tmp_path, number, "true"), Limits()) for number in range(3)]
        assert futures[1].cancel()
        gate.through.release(3)
        assert futures[2].result(10).outcome == "ok"
    assert [each.log_path.name for each in gate.started] == ["0.log", "2.log"]
    with pytest.raises(SandboxError, match="closed"):
        pool.submit(job(tmp_path, 4, "true"), Limits())
    with pytest.raises(ValueError, match="at least one"):
        Pool(gate, 0)
