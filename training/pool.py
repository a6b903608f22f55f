"""Many executions at a time: worker processes on this machine, or actors of a Ray cluster, behind one interface.

A job is a picklable value with `run(bench)`; its result depends on nothing else, so the results are those of a serial run, as
far as the scripts that it runs give the same each time: one that draws random numbers without a seed does not.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
import traceback
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar

from mlagent_app.agent.errors import UserError
from training.recipe import Pool as PoolTable
from training.workbench import Site, Workbench

R_co = TypeVar("R_co", covariant=True)
R = TypeVar("R")

# A worker that has said nothing for this long beyond its job's own time is taken for stuck, and killed.
STALL_SECONDS = 240.0
# A job whose worker died is given to another one this many times before it is given up as lost.
ATTEMPTS = 2
# How long the workers of a pool that is closed may take to end by themselves.
END_SECONDS = 5.0


class WorkerJob(Protocol[R_co]):
    """Something to do on a workbench. `seconds` is the most that it may take, starting the sandbox not counted."""

    @property
    def seconds(self) -> float: ...

    def run(self, bench: Workbench) -> R_co: ...


@dataclass(frozen=True, slots=True)
class Lost:
    """In place of a result: the infrastructure failed (the worker died or hung). Never trained on."""

    why: str


class WorkerPool(Protocol):
    """Executes jobs, several at a time."""

    def imap(self, jobs: Iterable[WorkerJob[R]]) -> Iterator[tuple[int, R | Lost]]:
        """(position, result) as they come. Jobs are taken from the iterable only when a worker is free.

        An error that a job raises is raised here, and ends the pool.
        """
        ...

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...


def run_all(pool: WorkerPool, jobs: Sequence[WorkerJob[R]]) -> list[R | Lost]:
    """The results in the order of the jobs."""
    found = dict(pool.imap(jobs))
    return [found[index] for index in range(len(jobs))]


def open_pool(table: PoolTable, site: Site, *, stall_seconds: float = STALL_SECONDS) -> WorkerPool:
    """The pool that a recipe asks for. Raises `UserError`."""
    if table.kind == "serial":
        return SerialPool(site)
    if table.kind == "ray":
        from training.raypool import RayPool  # here: it is made of what is below

        return RayPool(site, table.workers, table.address, stall_seconds=stall_seconds)
    return ProcessPool(site, table.workers, stall_seconds=stall_seconds)


class Closing:
    """`with pool: ...` closes it."""

    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class SerialPool(Closing):
    """One after the other in this process: what the other pools must equal."""

    def __init__(self, site: Site) -> None:
        self._bench = Workbench(site, 0)

    def imap(self, jobs: Iterable[WorkerJob[R]]) -> Iterator[tuple[int, R | Lost]]:
        """See `WorkerPool.imap`."""
        for index, job in enumerate(jobs):
            yield index, job.run(self._bench)

    def close(self) -> None:
        """End the sandbox."""
        self._bench.close()


@dataclass(slots=True)
class Order(Generic[R]):
    """A job, its position, and how many workers were given it."""

    index: int
    job: WorkerJob[R]
    attempts: int = 0


class WorkerGone(Exception):
    """There will be no answer of that worker; says why."""


class Worker(ABC):
    """Does one job at a time on a workbench of its own, outside this process. `order` is what it is on."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.order: Order[Any] | None = None
        self.deadline = float("inf")

    def give(self, order: Order[Any], grace: float) -> None:
        """Start it on an order, which it must have answered `grace` after the job's own time."""
        order.attempts += 1
        self.order, self.deadline = order, time.monotonic() + order.job.seconds + grace
        self.send(order.job)

    def take(self, *, late: bool) -> tuple[str, Any]:
        """Its answer, after which it is free. Raises `WorkerGone`, also when it is late."""
        if late:
            raise WorkerGone("did not answer in time")
        answer = self.receive()
        self.order, self.deadline = None, float("inf")
        return answer

    @abstractmethod
    def send(self, job: WorkerJob[Any]) -> None:
        """Hand over the job. No error when the worker is dead: `receive` will say so."""

    @abstractmethod
    def receive(self) -> tuple[str, Any]:
        """What `attempt` answered; called when there is an answer, or the worker has died. Raises `WorkerGone`."""

    @abstractmethod
    def dismiss(self) -> None:
        """Tell it to end its sandbox and itself as soon as it is free."""

    @abstractmethod
    def end(self, patience: float) -> None:
        """Kill it, unless it was dismissed and ends by itself within so many seconds."""


W = TypeVar("W", bound=Worker)


class ParallelPool(Closing, ABC, Generic[W]):
    """Hands jobs to up to `workers` workers, which are started when there is a job for them.

    A worker that dies, or does not answer `stall_seconds` after its job should have ended, is replaced, and its job given to
    another; a job that does so twice is `Lost`.
    """

    def __init__(self, workers: int, stall_seconds: float) -> None:
        self._stall_seconds = stall_seconds
        self._room = list(range(workers))
        self._workers: list[W] = []

    @abstractmethod
    def start(self, number: int) -> W:
        """A new worker with that number."""

    @abstractmethod
    def answered(self, busy: Sequence[W], patience: float) -> list[W]:
        """Those that have an answer or have died: as soon as there is one, or none after so many seconds."""

    def imap(self, jobs: Iterable[WorkerJob[R]]) -> Iterator[tuple[int, R | Lost]]:
        """See `WorkerPool.imap`."""
        try:
            yield from self._results(jobs)
        except BaseException:  # a job's error, or the caller wants no more of it: what still runs is for nobody
            self.close()
            raise

    def close(self) -> None:
        """End all workers, and what they run."""
        for worker in self._workers:
            worker.dismiss()
        until = time.monotonic() + END_SECONDS
        while self._workers:
            self._drop(self._workers[-1], max(0.0, until - time.monotonic()))

    def _results(self, jobs: Iterable[WorkerJob[R]]) -> Iterator[tuple[int, R | Lost]]:
        source = iter(Order(index, job) for index, job in enumerate(jobs))
        again: deque[Order[R]] = deque()
        while True:
            self._hand_out(source, again)
            busy = [worker for worker in self._workers if worker.order is not None]
            if not busy:
                return
            answered = self.answered(busy, max(0.0, min(worker.deadline for worker in busy) - time.monotonic()))
            # Before the first `yield`: what the caller does with a result must not make the other workers late.
            now = time.monotonic()
            for worker in [worker for worker in busy if worker in answered or now > worker.deadline]:
                order = worker.order
                assert order is not None
                try:
                    kind, result = worker.take(late=worker not in answered)
                    if kind == "raised":
                        raise result
                except WorkerGone as gone:
                    self._drop(worker, 0.0)
                    if order.attempts < ATTEMPTS:
                        again.append(order)
                        continue
                    result = Lost(f"the worker {gone}")
                yield order.index, result

    def _hand_out(self, source: Iterator[Order[R]], again: deque[Order[R]]) -> None:
        """Give every free worker an order, as long as there are orders."""
        while True:
            free = next((worker for worker in self._workers if worker.order is None), None)
            if free is None and not self._room:
                return
            order = again.popleft() if again else next(source, None)
            if order is None:
                return
            if free is None:
                free = self.start(self._room[0])
                self._room.pop(0)
                self._workers.append(free)
            free.give(order, self._stall_seconds)

    def _drop(self, worker: W, patience: float) -> None:
        """End a worker, which makes room for a new one."""
        worker.end(patience)
        self._workers.remove(worker)
        self._room.append(worker.number)


class _Process(Worker):
    """A process of this machine."""

    def __init__(self, site: Site, number: int) -> None:
        super().__init__(number)
        context = multiprocessing.get_context("spawn")
        self.channel, theirs = context.Pipe()
        self._process: SpawnProcess = context.Process(target=_serve, args=(site, number, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def send(self, job: WorkerJob[Any]) -> None:
        with suppress(ConnectionError):
            self.channel.send(job)

    def receive(self) -> tuple[str, Any]:
        try:
            return self.channel.recv()
        except (EOFError, OSError):
            raise WorkerGone("died") from None

    def dismiss(self) -> None:
        self.channel.close()

    def end(self, patience: float) -> None:
        self.channel.close()
        self._process.join(patience)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


class ProcessPool(ParallelPool[_Process]):
    """Processes of this machine, each with a sandbox of its own; see `ParallelPool`."""

    def __init__(self, site: Site, workers: int, *, stall_seconds: float = STALL_SECONDS) -> None:
        super().__init__(workers, stall_seconds)
        self._site = site

    def start(self, number: int) -> _Process:
        """See `ParallelPool.start`."""
        return _Process(self._site, number)

    def answered(self, busy: Sequence[_Process], patience: float) -> list[_Process]:
        """See `ParallelPool.answered`."""
        ready = wait([worker.channel for worker in busy], patience)
        return [worker for worker in busy if worker.channel in ready]


def _serve(site: Site, number: int, channel: Connection) -> None:
    """A worker's life: jobs in, results out, until the pool closes its end."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        with Workbench(site, number) as bench:
            while True:
                job = channel.recv()
                channel.send(attempt(job, bench))
    except (EOFError, BrokenPipeError, KeyboardInterrupt):
        return
    except Exception as error:
        channel.send(("raised", _portable(error)))


def _end_with_parent() -> None:
    """End this process, in the midst of a job too, when the one that started it has been killed; its sandbox ends with it."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def attempt(job: WorkerJob[R], bench: Workbench) -> tuple[str, Any]:
    """What a worker answers: `("done", result)`, or `("raised", error)`."""
    try:
        return "done", job.run(bench)
    except Exception as error:
        return "raised", _portable(error)


def _portable(error: Exception) -> Exception:
    """An error that can be sent to another process, with what a person needs to mend it."""
    if isinstance(error, UserError):
        return UserErrorFromWorker(error.what, error.where, error.how, int(error.code))
    if type(error).__name__ == "SandboxError":
        return UserErrorFromWorker(str(error), "", "see: mlagent doctor", 5)
    return RuntimeError("".join(traceback.format_exception(error)))


class UserErrorFromWorker(UserError):
    """A `UserError` that survives pickling."""

    def __init__(self, what: str, where: str, how: str, code: int) -> None:
        from mlagent_app.agent.errors import Exit

        super().__init__(what, where=where, how=how, code=Exit(code))

    def __reduce__(self) -> tuple[type[UserErrorFromWorker], tuple[str, str, str, int]]:
        return UserErrorFromWorker, (self.what, self.where, self.how, int(self.code))
