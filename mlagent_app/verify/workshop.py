"""Where scripts are tried: the sandboxes, a fork server for what is measured many times, and a few workers."""

from __future__ import annotations

import sys
import tempfile
import threading
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mlagent_app.environment.taskjudge import copies
from mlagent_app.environment.trial import Trial, trial
from sandbox.choose import Wanted, choose
from sandbox.fork import ForkRunner
from sandbox.runner import Runner, RunnerName, SandboxError
from tasks.building import HIDDEN, PUBLIC, Drawn
from tasks.suite import root

Kind = Literal["docker", "bwrap"]

WORKERS = 2
# What most starters import; the others load on their own.
PRELOAD = (
    "numpy",
    "pandas",
    "scipy.sparse.linalg",
    "scipy.stats",
    "PIL.Image",
    "yaml",
    "sklearn.compose",
    "sklearn.ensemble",
    "sklearn.feature_extraction.text",
    "sklearn.impute",
    "sklearn.kernel_ridge",
    "sklearn.linear_model",
    "sklearn.metrics",
    "sklearn.model_selection",
    "sklearn.naive_bayes",
    "sklearn.neighbors",
    "sklearn.neural_network",
    "sklearn.pipeline",
    "sklearn.preprocessing",
    "sklearn.svm",
    "torch",
)
# The first step of a network loads more of PyTorch, which need not be done again in every run.
WARM = "import torch; torch.set_num_threads(1); torch.nn.Linear(2, 2)(torch.zeros(1, 2)).sum().backward()"


@dataclass(frozen=True)
class Workshop:
    """`sandboxes` are those that were asked for, `quickest` the one that measurements run in; `store` holds the variants."""

    store: Path
    sandboxes: Mapping[RunnerName, Runner]
    quickest: Runner
    _work: Path
    _workers: ThreadPoolExecutor
    _cancel: threading.Event

    def runner(self, name: RunnerName) -> Runner:
        """The sandbox of that name, among those that were asked for and the quickest."""
        return self.quickest if name == self.quickest.name else self.sandboxes[name]

    def start(self, drawn: Drawn, files: Mapping[str, bytes], runner: Runner) -> Future[Trial]:
        """Try a script as soon as a worker is free."""
        return self._workers.submit(trial, drawn, files, runner, self._work, cancel=self._cancel)


@contextmanager
def workshop(kinds: Sequence[Kind], *, forks: bool) -> Generator[Workshop]:
    """A place to try scripts in; nothing is left of it, or running, afterwards.

    With `forks` measurements run in a fork server behind bubblewrap where that works. Raises `SandboxError`.
    """
    with ExitStack() as stack:
        base = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mlagent-verify-", ignore_cleanup_errors=True)))
        store, work = base / "store", base / "work"
        for directory in (store / PUBLIC, store / HIDDEN, work):
            directory.mkdir(parents=True)
        wanted = Wanted(Path(sys.executable), near=work)
        sandboxes: dict[RunnerName, Runner] = {kind: choose(kind, wanted=wanted) for kind in kinds}
        quickest = sandboxes[kinds[-1]]
        if forks:
            forking = _fork_server(store, work)
            quickest = stack.enter_context(closing(forking)) if forking else quickest
        workers = stack.enter_context(ThreadPoolExecutor(WORKERS, thread_name_prefix="verify"))
        cancel = threading.Event()
        try:
            yield Workshop(store, sandboxes, quickest, work, workers, cancel)
        finally:
            cancel.set()
            workers.shutdown(cancel_futures=True)
            for runner in sandboxes.values():
                close = getattr(runner, "close", None)
                if callable(close):
                    close()


def _fork_server(store: Path, work: Path) -> ForkRunner | None:
    """None where there is no bubblewrap: what is graded is never run without a wall."""
    hidden = [root(), *copies(), store / HIDDEN]
    try:
        runner = ForkRunner(
            Path(sys.executable), work, preload=PRELOAD, warm=WARM, readonly=[store / PUBLIC], hidden=hidden, wall=True
        )
        runner.preflight()
    except SandboxError:
        return None
    return runner
