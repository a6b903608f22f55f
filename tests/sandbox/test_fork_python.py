"""A forked script does what it would do in a fresh process: both are run, and what they print and leave is compared."""

import sys
import textwrap
from collections.abc import Generator
from pathlib import Path

import pytest

from sandbox.fork import ForkRunner
from sandbox.local import LocalRunner
from sandbox.runner import Job, Limits, RunResult
from tests.sandbox.runner_contract import PYTHON

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a fork server needs Linux")

# What a warm-up may leave behind: seeds, warnings that were shown, a temporary directory that is remembered.
WARM = """
import colorsys, random, tempfile
import numpy
random.seed(0); numpy.random.seed(0)
tempfile.gettempdir()
exec(compile("import warnings\\ndef warn():\\n    warnings.warn('said')\\nwarn()", "/library.py", "exec"), vars(colorsys))
"""


@pytest.fixture(scope="module")
def fork(tmp_path_factory: pytest.TempPathFactory) -> Generator[ForkRunner]:
    with ForkRunner(PYTHON, tmp_path_factory.getbasetemp(), preload=["numpy"], warm=WARM, wall=False) as runner:
        yield runner


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    path = tmp_path / "workspace"
    path.mkdir()
    return path


SCRIPTS = {
    "names": """
        import os, sys
        print(__name__, __file__, __package__, __spec__, __doc__, sys.argv, sys.path[0], os.getcwd())
        print(sys.modules["__main__"].__dict__ is globals(), sys.executable, sys.prefix, sys.flags)
        print(len(sys.path), sys.stdin.read() == "", sys.stdout.encoding, sys.stdout.line_buffering, sys.stdout.write_through)
        """,
    "a docstring and annotations": '"""About it."""\nx: int = 1\nprint(__doc__, __annotations__)',
    "an error with its cause": """
        def inner():
            raise ValueError("bad")
        try:
            inner()
        except ValueError as error:
            raise RuntimeError("worse") from error
        """,
    "a syntax error": "x = (1,\nprint(\n",
    "a syntax error in a module": "open('broken.py', 'w').write('x = = 1')\nimport broken",
    "exit with a number": "import sys; sys.exit(300)",
    "exit with a text": "import sys; sys.exit('the reason')",
    "exit with nothing": "import sys; print('x', end=''); sys.exit()",
    "exit at once": "import os; print('x'); os._exit(7)",
    "an exit of a thread": """
        import sys, threading
        threading.Thread(target=lambda: print("before", 1 / 0)).start()
        """,
    "exit handlers, and threads that are waited for": """
        import atexit, threading, time
        atexit.register(print, "last")
        def late():
            time.sleep(0.1); print("late")
        threading.Thread(target=late).start()
        print("first")
        """,
    "files that were left open": """
        import gzip, csv
        import module
        rows = csv.writer(open("rows.csv", "w"))
        rows.writerow([1, 2])
        text = open("text.txt", "w"); text.write("text")
        class Loud:
            def __del__(self): print("gone", module.name)
        loud = Loud(); loud.me = loud
        """,
    "an excepthook": """
        import sys
        sys.excepthook = lambda kind, error, trace: print("hooked", kind.__name__, error, trace.tb_lineno)
        1 / 0
        """,
    "an interrupt": "raise KeyboardInterrupt",
    "recursion": "def f(): f()\ntry:\n    f()\nexcept RecursionError as error:\n    print(error)",
    "pickles of what is defined here": """
        import pickle
        from dataclasses import dataclass
        @dataclass
        class Point:
            x: int
        print(pickle.loads(pickle.dumps(Point(3))))
        """,
    "processes": """
        import multiprocessing, os
        def square(x): return x * x
        if __name__ == "__main__":
            for method in ("fork", "spawn"):
                with multiprocessing.get_context(method).Pool(2) as pool:
                    print(pool.map(square, range(4)))
            print(os.popen("echo shell").read())
        """,
    "warnings": """
        import warnings
        for _ in range(3):
            warnings.warn("again")
            warnings.warn("old", DeprecationWarning)
        """,
    "logging": "import logging\nlogging.warning('w'); logging.basicConfig(level='INFO'); logging.info('i')",
    "signals": """
        import signal
        print([signal.getsignal(number) for number in (2, 13, 15, 17, 25)])
        print(signal.set_wakeup_fd(-1), signal.pthread_sigmask(signal.SIG_BLOCK, []))
        """,
    "a file that is too large": "open('big', 'wb').write(bytes(5 << 20))",
    "temporary files": """
        import os, tempfile
        print(tempfile.gettempdir() == os.environ["TMPDIR"], os.listdir(tempfile.gettempdir()))
        """,
    "an encoding": "# -*- coding: latin-1 -*-\nprint(len('\u00e9'), '\\xe9')",
    "what is imported from beside it": "import module, package.part\nprint(module.name, package.part.name)",
    "inspecting itself": "import inspect\ndef f():\n    return 1\nprint(inspect.getsource(f))",
}


def both(fork: ForkRunner, workspace: Path, command: str, limits: Limits | None = None) -> tuple[RunResult, ...]:
    """The results of a fresh process and of a forked one, each begun with the same files."""
    files = {path: path.read_bytes() for path in workspace.rglob("*") if path.is_file()}
    results: list[RunResult] = []
    for runner in (LocalRunner(), fork):
        for path in workspace.rglob("*"):
            if path.is_file() and path not in files:
                path.unlink()
        for path, content in files.items():
            path.write_bytes(content)
        log = workspace.parent / f"{runner.name}.txt"
        job = Job(command, workspace, log, python=PYTHON, env={"OMP_NUM_THREADS": "1"})
        results.append(runner.run(job, limits or Limits(seconds=60, file_mb=4)))
        made = {path.name: path.read_text() for path in sorted(workspace.rglob("*.*")) if path.suffix in (".csv", ".txt")}
        (workspace.parent / f"{runner.name}.made").write_text(repr(made))
    return tuple(results)


def assert_same(workspace: Path, results: tuple[RunResult, ...]) -> None:
    fresh, forked = results
    assert forked.log_path.read_text() == fresh.log_path.read_text()
    assert (forked.outcome, forked.exit_code, forked.message) == (fresh.outcome, fresh.exit_code, fresh.message)
    assert forked.disk_full == fresh.disk_full
    assert (workspace.parent / "fork.made").read_text() == (workspace.parent / "local.made").read_text()


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_does_the_same(fork: ForkRunner, workspace: Path, name: str) -> None:
    (workspace / "module.py").write_text("name = 'module'\nkept = open('kept.txt', 'w')\nkept.write('kept')\n")
    (workspace / "package").mkdir()
    (workspace / "package" / "__init__.py").write_text("")
    (workspace / "package" / "part.py").write_text("name = __name__\n")
    (workspace / "job.py").write_text(textwrap.dedent(SCRIPTS[name]), "latin-1")
    assert_same(workspace, both(fork, workspace, "python job.py --flag 'two words' last"))


@pytest.mark.parametrize(
    "command",
    [
        "python -m package.run a b",
        "python -m package",
        "python scripts/run.py",
        "python link.py",
        "python missing.py",
        "python -u package",
    ],
)
def test_a_module_or_a_script_elsewhere_does_the_same(fork: ForkRunner, workspace: Path, command: str) -> None:
    source = "import sys\nprint(__name__, __file__, __package__, sys.argv, sys.path[0], __spec__ and __spec__.name)\n"
    (workspace / "package").mkdir()
    (workspace / "package" / "__init__.py").write_text("")
    (workspace / "package" / "part.py").write_text("name = 3\n")
    (workspace / "package" / "run.py").write_text(f"{source}from .part import name\nprint(name)\n")
    (workspace / "package" / "__main__.py").write_text(source)
    (workspace / "scripts").mkdir()
    (workspace / "scripts" / "run.py").write_text(f"{source}import beside\nprint(beside.name)\n")
    (workspace / "scripts" / "beside.py").write_text("name = 'beside'")
    (workspace / "link.py").symlink_to("scripts/run.py")
    assert_same(workspace, both(fork, workspace, command))


def test_nothing_that_the_server_drew_or_saw_is_passed_on(fork: ForkRunner, workspace: Path) -> None:
    source = """
        import colorsys, random, uuid, warnings
        import numpy
        print(random.random(), numpy.random.rand(), numpy.random.default_rng().random(), uuid.uuid4())
        colorsys.warn()
    """
    (workspace / "job.py").write_text(textwrap.dedent(source))
    seen: list[list[str]] = []
    for _ in range(3):
        result = fork.run(Job("python job.py", workspace, workspace.parent / "log.txt", python=PYTHON), Limits())
        numbers, *rest = result.log_path.read_text().splitlines()
        assert rest[:1] == ["/library.py:3: UserWarning: said"]
        seen.append(numbers.split())
    assert all(len(set(column)) == 3 for column in zip(*seen, strict=True))
    (workspace / "job.py").write_text(
        "import random, numpy\nrandom.seed(1); numpy.random.seed(1)\nprint(random.random(), numpy.random.rand())"
    )
    assert_same(workspace, both(fork, workspace, "python job.py"))


@pytest.mark.torch
@pytest.mark.slow
def test_torch_trains_in_a_fork_and_draws_anew(tmp_path: Path, workspace: Path) -> None:
    warm = """
import torch
model = torch.nn.Linear(2, 1)
optimizer = torch.optim.Adam(model.parameters())
model(torch.ones(1, 2)).sum().backward()
optimizer.step()
"""
    source = """
        import torch
        from torch.utils.data import DataLoader, TensorDataset
        print(torch.rand(1).item())
        torch.manual_seed(0)
        x = torch.randn(64, 8); y = x.sum(1, keepdim=True)
        model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
        optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
        for _ in range(30):
            for a, b in DataLoader(TensorDataset(x, y), batch_size=32, num_workers=2):
                optimizer.zero_grad(); loss = ((model(a) - b) ** 2).mean(); loss.backward(); optimizer.step()
        print("loss", ((model(x) - y) ** 2).mean().item())
    """
    (workspace / "job.py").write_text(textwrap.dedent(source).replace("range(30)", "range(3)"))
    with ForkRunner(PYTHON, tmp_path, preload=["torch"], warm=warm) as runner:
        seen: list[list[str]] = []
        for each in (runner, runner, LocalRunner()):
            job = Job("python job.py", workspace, tmp_path / "log.txt", python=PYTHON, env={"OMP_NUM_THREADS": "1"})
            result = each.run(job, Limits())
            assert result.outcome == "ok", result.log_path.read_text()
            seen.append(result.log_path.read_text().splitlines())
    assert len({drawn for drawn, _ in seen}) == 3
    assert len({loss for _, loss in seen}) == 1
