"""What a worker of the pool has: a sandbox of its own, and the task environment on it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from mlagent_app.environment.states import StateStore
from mlagent_app.environment.taskenv import TaskEnvironment
from mlagent_app.environment.taskjudge import copies
from mlagent_app.verify.workshop import PRELOAD, WARM
from sandbox.cache import Cache, CachedRunner
from sandbox.choose import Wanted, choose
from sandbox.fork import ForkRunner
from sandbox.runner import Runner
from tasks.building import HIDDEN, PUBLIC
from tasks.suite import root
from training.recipe import PoolKind, Recipe


@dataclass(frozen=True, slots=True)
class Site:
    """Where and how runs are made; the same for all workers.

    `home` holds drawn variants, saved states and the memory of runs, which all stages share.
    """

    home: Path
    kind: PoolKind
    run_seconds: float
    cache_mb: int

    @classmethod
    def of(cls, recipe: Recipe, home: Path) -> Self:
        pool = recipe.pool
        return cls(home.resolve(), pool.kind, recipe.tasks.run_seconds, pool.cache_mb)

    @property
    def variants(self) -> Path:
        return self.home / "variants"

    @property
    def states(self) -> StateStore:
        return StateStore(self.home / "states")

    def prepare(self) -> None:
        """Make the directories. The public data must be there before a fork server can show it."""
        for directory in (self.variants / PUBLIC, self.variants / HIDDEN, self.home / "work"):
            directory.mkdir(parents=True, exist_ok=True)


class Workbench:
    """One worker's sandbox. The runs of one fork server see each other, so no two workers share one."""

    def __init__(self, site: Site, worker: int) -> None:
        site.prepare()
        self.site = site
        self._work = site.home / "work" / f"worker-{worker}"
        self._work.mkdir(parents=True, exist_ok=True)
        self._runner: Runner | None = None
        self.cache = Cache(site.home / "runs", site.cache_mb)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the sandbox."""
        close = getattr(self._runner, "close", None)
        if callable(close):
            close()

    def environment(self, *, steps: int = 15) -> TaskEnvironment:
        """The task environment for episodes of up to `steps` steps. Starts the sandbox. Raises SandboxError."""
        if self._runner is None:
            self._runner = _runner(self.site, self._work)
        runner = CachedRunner(self._runner, self.cache)
        # The reward is the app's: policies that read it in the history (the bandit) were made for that one. What training
        # learns from is computed from the outcomes.
        return TaskEnvironment(
            runner,
            self._work,
            max_steps=steps,
            store=self.site.states,
            variants=self.site.variants,
            run_seconds=self.site.run_seconds,
        )


def _runner(site: Site, work: Path) -> Runner:
    """Raises SandboxError when there is no such sandbox here."""
    python = Path(sys.executable)
    if site.kind in ("process", "docker"):
        return choose("bwrap" if site.kind == "process" else "docker", wanted=Wanted(python, near=work))
    hidden = [root(), *copies(), site.variants / HIDDEN]
    runner = ForkRunner(
        python,
        work,
        preload=PRELOAD,
        warm=WARM,
        readonly=[site.variants / PUBLIC],
        hidden=hidden,
        wall=True,
        hello_seconds=120.0,
    )
    runner.preflight()
    return runner
