"""Many runs at a time: threads that hand jobs to one runner, in the order in which they came."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Self

from sandbox.runner import Job, Limits, Runner, RunResult, SandboxError

# A runner ends each run at its time limit. This much later it is taken for stuck; a fork server may be starting meanwhile.
STALL_SECONDS = 300.0
LOOKS = 10


@dataclass(slots=True, eq=False)
class _Order:
    job: Job
    limits: Limits
    future: Future[RunResult] = field(default_factory=Future[RunResult])
    cancel: threading.Event = field(default_factory=threading.Event)
    deadline: float = float("inf")


class Pool:
    """Runs up to `workers` jobs at a time with `runner`, which must be safe to use from several threads, as all of ours are.

    Used as a context manager it waits for all jobs at the end of the block; when the block raises, what waits is cancelled and
    what runs is killed. When a run has not come back `stall_seconds` after its time limit the pool is stuck: all futures that
    are not done raise a SandboxError that names that run, and nothing more is taken. Close the runner yourself.
    """

    def __init__(self, runner: Runner, workers: int, *, stall_seconds: float = STALL_SECONDS) -> None:
        if workers < 1:
            raise ValueError(f"a pool needs at least one worker, not {workers}")
        self._runner = runner
        self._room = 2 * workers
        self._stall_seconds = stall_seconds
        self._waiting: deque[_Order] = deque()
        self._running: set[_Order] = set()
        self._settling = 0
        self._stalled: SandboxError | None = None
        self._closed = False
        self._changed = threading.Condition()
        # They end with our process even when a runner is stuck.
        self._workers = [threading.Thread(target=self._work, name="pool-worker", daemon=True) for _ in range(workers)]
        for thread in (*self._workers, threading.Thread(target=self._watch, name="pool-watchdog", daemon=True)):
            thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close(cancel=kind is not None)

    def submit(self, job: Job, limits: Limits) -> Future[RunResult]:
        """The result to come. Blocks while twice as many jobs as workers are waiting.

        Raises SandboxError when the pool is stuck or closed.
        """
        order = _Order(job, limits)
        with self._changed:
            self._changed.wait_for(lambda: len(self._waiting) < self._room or self._takes_no_more() is not None)
            error = self._takes_no_more()
            if error is not None:
                raise error
            self._waiting.append(order)
            self._changed.notify_all()
        return order.future

    def map(self, jobs: Iterable[Job], limits: Limits) -> list[RunResult]:
        """The results of `jobs`, in their order. Raises SandboxError when the pool is stuck or closed."""
        futures = [self.submit(job, limits) for job in jobs]
        return [future.result() for future in futures]

    def close(self, *, cancel: bool = False) -> None:
        """Wait for all jobs, or with `cancel` cancel those that wait and kill those that run."""
        with self._changed:
            self._closed = True
            if cancel:
                while self._waiting:
                    self._waiting.popleft().future.cancel()
                for order in self._running:
                    order.cancel.set()
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._stalled or not (self._waiting or self._running or self._settling))

    def _takes_no_more(self) -> SandboxError | None:
        return self._stalled or (SandboxError("the pool is closed") if self._closed else None)

    def _work(self) -> None:
        while (order := self._next()) is not None:
            try:
                result = self._runner.run(order.job, order.limits, cancel=order.cancel)
                error = None
            except BaseException as raised:  # the one who waits for the result shall see it
                result, error = None, raised
            with self._changed:
                self._running.discard(order)
                if order.future.done():  # given up as stuck
                    return
                self._settling += 1
            # Not under the lock: whoever waits for it may hand in the next job at once.
            if result is not None:
                order.future.set_result(result)
            else:
                order.future.set_exception(error)
            with self._changed:
                self._settling -= 1
                self._changed.notify_all()

    def _next(self) -> _Order | None:
        with self._changed:
            while True:
                self._changed.wait_for(lambda: self._waiting or self._closed or self._stalled)
                if not self._waiting:
                    return None
                order = self._waiting.popleft()
                self._changed.notify_all()
                if order.future.set_running_or_notify_cancel():
                    order.deadline = time.monotonic() + order.limits.seconds + self._stall_seconds
                    self._running.add(order)
                    return order

    def _watch(self) -> None:
        """Give all up when a run is long overdue."""
        with self._changed:
            while self._stalled is None and not (self._closed and not self._running and not self._waiting):
                self._changed.wait(self._stall_seconds / LOOKS)
                now = time.monotonic()
                stuck = next((order for order in self._running if now > order.deadline), None)
                if stuck is not None:
                    self._give_up(stuck)

    def _give_up(self, stuck: _Order) -> None:
        job, seconds = stuck.job, stuck.limits.seconds
        what = f"the run of `{job.command}` in {job.workspace} does not end, long after its time limit of {seconds:g} s"
        self._stalled = SandboxError(what, how=f"look at what the {self._runner.name} sandbox is doing")
        waiting = [order for order in self._waiting if order.future.set_running_or_notify_cancel()]
        self._waiting.clear()
        for order in (*self._running, *waiting):
            order.cancel.set()
            order.future.set_exception(self._stalled)
        self._changed.notify_all()
