"""Where scripts are tried: the sandboxes, a fork server for what is measured many times, and a few workers."""

from __future__ import annotations

import sys
import tempfile
import threading
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Literal, cast

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
WARM = """
import pandas
import torch
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
table = pandas.DataFrame({"a": [1.0, 2.0, 3.0, 4.0], "b": [0, 1, 0, 1]})
for model in (RandomForestClassifier(2), LogisticRegression()):
    model.fit(table[["a"]], table["b"]).predict(table[["a"]])
torch.set_num_threads(1)
model = torch.nn.Linear(2, 2)
model(torch.zeros(1, 2)).sum().backward()
torch.optim.Adam(model.parameters()).step()
"""


@dataclass(frozen=True)
class Workshop:
    """`sandboxes` are those that were asked for, `quickest` the name of the one that measurements run in.

    `store` holds the variants. There is one fork server a worker, each with workspaces of its own: the runs of one server
    see each other, and none is to find what another has written.
    """

    store: Path
    sandboxes: Mapping[Kind, Runner]
    quickest: RunnerName
    _work: Path
    _forks: SimpleQueue[tuple[ForkRunner, Path]]
    _workers: ThreadPoolExecutor
    _cancel: threading.Event

    def start(self, drawn: Drawn, files: Mapping[str, bytes], place: RunnerName) -> Future[Trial]:
        """Try a script in the sandbox of that name, as soon as a worker is free."""
        return self._workers.submit(self._try, drawn, files, place)

    def _try(self, drawn: Drawn, files: Mapping[str, bytes], place: RunnerName) -> Trial:
        if place != "fork":
            return trial(drawn, files, self.sandboxes[cast("Kind", place)], self._work, cancel=self._cancel)
        runner, work = self._forks.get()
        try:
            return trial(drawn, files, runner, work, cancel=self._cancel)
        finally:
            self._forks.put((runner, work))


@contextmanager
def workshop(kinds: Sequence[Kind]) -> Generator[Workshop]:
    """A place to try scripts in; nothing is left of it, or running, afterwards.

    What is measured often runs in fork servers behind bubblewrap where that works. Raises `SandboxError`.
    """
    with ExitStack() as stack:
        base = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mlagent-verify-", ignore_cleanup_errors=True)))
        store, work = base / "store", base / "work"
        for directory in (store / PUBLIC, store / HIDDEN, work):
            directory.mkdir(parents=True)
        wanted = Wanted(Path(sys.executable), near=work)
        sandboxes: dict[Kind, Runner] = {}
        for kind in kinds:
            sandboxes[kind] = choose(kind, wanted=wanted)
            close = getattr(sandboxes[kind], "close", None)
            if callable(close):
                stack.callback(close)
        servers = _fork_servers(store, base, stack)
        quickest: RunnerName = kinds[-1] if servers.empty() else "fork"
        workers = stack.enter_context(ThreadPoolExecutor(WORKERS, thread_name_prefix="verify"))
        cancel = threading.Event()
        try:
            yield Workshop(store, sandboxes, quickest, work, servers, workers, cancel)
        finally:
            cancel.set()
            workers.shutdown(cancel_futures=True)


def _fork_servers(store: Path, base: Path, stack: ExitStack) -> SimpleQueue[tuple[ForkRunner, Path]]:
    """One for each worker; none where there is no bubblewrap: what is graded is never run without a wall."""
    servers: SimpleQueue[tuple[ForkRunner, Path]] = SimpleQueue()
    hidden = [root(), *copies(), store / HIDDEN]
    try:
        for number in range(WORKERS):
            work = base / f"fork{number}"
            work.mkdir()
            runner = ForkRunner(
                Path(sys.executable), work, preload=PRELOAD, warm=WARM, readonly=[store / PUBLIC], hidden=hidden, wall=True
            )
            stack.callback(runner.close)
            runner.preflight()
            servers.put((runner, work))
    except SandboxError:
        return SimpleQueue()
    return servers
