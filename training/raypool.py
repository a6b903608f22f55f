"""The worker pool on Ray: actors of a Ray that is started here, or of a cluster. See `training.pool`."""

from __future__ import annotations

import importlib
import logging
import os
import secrets
import socket
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from mlagent_app.agent.errors import UserError, first_line
from training.pool import STALL_SECONDS, ParallelPool, Worker, WorkerGone, WorkerJob, attempt
from training.workbench import Site, Workbench

# Long enough for a machine on the other side of the world to take a connection.
KNOCK_SECONDS = 10.0


class _Bench:
    """The actor: a workbench in a process of the cluster."""

    def __init__(self, site: Site, number: int) -> None:
        self._bench = Workbench(site, number)

    def do(self, job: WorkerJob[Any]) -> tuple[str, Any]:
        """See `attempt`."""
        return attempt(job, self._bench)

    def close(self) -> None:
        """End the sandbox."""
        self._bench.close()


class _Actor(Worker):
    """An actor, as the pool sees it."""

    def __init__(self, ray: ModuleType, site: Site, number: int) -> None:
        super().__init__(number)
        self._ray = ray
        # The pool does what is to be done about an actor that dies, so Ray shall not restart it, nor repeat its task.
        self._actor: Any = ray.remote(num_cpus=1, max_restarts=0, max_task_retries=0)(_Bench).remote(site, number)
        self._goodbye: Any = None
        self.answer: Any = None

    def send(self, job: WorkerJob[Any]) -> None:
        self.answer = self._actor.do.remote(job)

    def receive(self) -> tuple[str, Any]:
        errors = self._ray.exceptions
        try:
            return self._ray.get(self.answer)
        except errors.RayTaskError:  # not the job's own error, which is an answer: the answer could not be sent, say
            raise
        except errors.RayError as error:
            if getattr(error, "actor_init_failed", False):
                why = str(error).strip().splitlines()[-1]
                how = "install this very ML-Agent on all machines of the cluster, and give --out a place that they can write"
                raise UserError(f"a worker cannot be started with Ray: {why}", how=how) from None
            raise WorkerGone("died") from None

    def dismiss(self) -> None:
        self._goodbye = self._actor.close.remote()

    def end(self, patience: float) -> None:
        if self._goodbye is not None:
            self._ray.wait([self._goodbye], timeout=patience)
        self._ray.kill(self._actor)


class RayPool(ParallelPool[_Actor]):
    """Ray actors, each with a sandbox of its own; see `ParallelPool`.

    Without an `address` a Ray is started on this machine, and ended by `close`; with one, the cluster there is used. A Ray that
    this process is connected to already is used as it is, and left running.

    The machines of a cluster need this very version of ML-Agent. Each has a disk of its own, so `site.home` must exist on all
    of them or, better, be on a file system that they and this machine share: otherwise each machine remembers its own runs and
    saved states only, and a job that enters a state that another machine saved fails.

    Raises `UserError` when there is no Ray, the cluster cannot be reached, or it has fewer CPUs than `workers`.
    """

    def __init__(self, site: Site, workers: int, address: str = "", *, stall_seconds: float = STALL_SECONDS) -> None:
        super().__init__(workers, stall_seconds)
        self._site = site
        self._address = address
        self._most = workers
        self._ray = _ray()
        self._is_ours = False
        self._connect()

    def start(self, number: int) -> _Actor:
        """See `ParallelPool.start`."""
        self._connect()  # it was closed, perhaps
        return _Actor(self._ray, self._site, number)

    def answered(self, busy: Sequence[_Actor], patience: float) -> list[_Actor]:
        """See `ParallelPool.answered`."""
        ready, _ = self._ray.wait([worker.answer for worker in busy], timeout=patience)
        return [worker for worker in busy if worker.answer in ready]

    def close(self) -> None:
        """End the actors, and Ray or the connection to the cluster if that is this pool's."""
        super().close()
        if self._is_ours:
            self._ray.shutdown()
            self._is_ours = False

    def _connect(self) -> None:
        """Start Ray, or connect to the cluster. Raises `UserError`."""
        if self._ray.is_initialized():
            return
        quiet = {"logging_level": logging.ERROR, "log_to_driver": False, "namespace": f"mlagent-{secrets.token_hex(6)}"}
        if not self._address:
            # "local", lest a cluster that RAY_ADDRESS names is taken.
            self._ray.init(address="local", num_cpus=self._most, include_dashboard=False, **quiet)
            self._is_ours = True
            return
        _knock(self._address)
        try:
            self._ray.init(address=self._address, **quiet)
        except (self._ray.exceptions.RayError, OSError, RuntimeError, ValueError, ImportError) as error:
            raise _unreachable(self._address, error) from None
        self._is_ours = True
        cpus = int(self._ray.cluster_resources().get("CPU", 0))
        if cpus < self._most:
            self.close()
            what = f"the Ray cluster has {cpus} CPUs for {self._most} workers"
            raise UserError(what, where=self._address, how=f"set pool.workers to at most {cpus}, or add machines")


def _ray() -> ModuleType:
    """The library, which sends nobody statistics. Raises `UserError`."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        return importlib.import_module("ray")
    except ImportError:
        raise UserError("the ray pool needs Ray", how="pip install 'ml-agent[train]'") from None


def _knock(address: str) -> None:
    """Raises `UserError` when nobody answers at host:port: Ray itself would try for minutes, without a word."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        return  # "auto", say; Ray knows what it means
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=KNOCK_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise _unreachable(address, error) from None


def _unreachable(address: str, error: Exception) -> UserError:
    how = "start the cluster, or correct pool.address (host:6379, ray://host:10001 or auto)"
    return UserError(f"the Ray cluster cannot be reached: {first_line(error)}", where=address, how=how)
