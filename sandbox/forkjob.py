"""A forked process that does what `python SCRIPT` or `python -m MODULE` would: part of `forkserver.py`, never imported here.

Only the standard library: the job's own Python (3.9 or later) runs it.
"""

from __future__ import annotations

import atexit
import gc
import io
import os
import runpy
import signal
import sys
import tempfile
import threading
import time
import types
import warnings
from importlib.machinery import SourceFileLoader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, Any

_OURS = {__file__, runpy.__file__, "<frozen runpy>"}


def is_possible(kind: str, name: str) -> bool:
    """Whether the same would come out of it: no module that is loaded already may stand for one of the job's own.

    `kind` is "script" or "module", `name` that of the script or the module. The environment and the working directory are
    those of the job.
    """
    is_there = kind == "module" or os.path.isfile(name)
    return is_there and not any(map(shadows, import_paths(kind, name)))


def import_paths(kind: str, name: str) -> list[str]:
    """What stands at the head of `sys.path` in a fresh process."""
    directory = os.getcwd() if kind == "module" else os.path.dirname(os.path.realpath(name))
    return [directory, *(os.path.abspath(path) for path in os.environ.get("PYTHONPATH", "").split(":") if path)]


def run(kind: str, name: str, arguments: list[str]) -> int:
    """Run it to its end in this process; the exit status."""
    sys.path[:0] = import_paths(kind, name)
    as_fresh()
    before = set(sys.modules)
    return finish(run_python(kind, name, arguments), before)


def shadows(directory: str) -> bool:
    """Whether an import from `directory` would find another module than the one of that name that is loaded."""
    loaded = {name.partition(".")[0] for name in sys.modules} - {"__main__"}
    try:
        names = os.listdir(directory)
    except OSError:
        return False
    for name in names:
        stem, _, suffix = name.partition(".")
        if stem in loaded:
            is_package = not suffix and os.path.isfile(os.path.join(directory, name, "__init__.py"))
            if is_package or suffix in ("py", "pyc") or suffix.endswith("so"):
                return True
    return False


def as_fresh() -> None:
    """Undo what a process that has just been started would not have inherited: seeds, signals, warnings seen."""
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    time.tzset()
    with warnings.catch_warnings():  # forgets which warnings were shown already
        pass
    tempfile.tempdir = None
    loaded = sys.modules
    # `random` seeds itself anew in a forked process.
    if "numpy.random" in loaded:
        loaded["numpy.random"].seed()
    if "torch" in loaded:
        loaded["torch"].default_generator.seed()


def run_python(kind: str, name: str, arguments: list[str]) -> int:
    """What `python NAME ARGUMENTS` or `python -m NAME ARGUMENTS` does; its exit status."""
    sys.argv = [name, *arguments]
    try:
        if kind == "module":
            sys.argv[0] = "-m"
            runpy.run_module(name, run_name="__main__", alter_sys=True)
        else:
            run_script(name)
    except SystemExit as ending:
        return exit_status(ending.code)
    except KeyboardInterrupt as error:
        show(error)
        return 130
    except BaseException as error:
        show(error)
        return 1
    return 0


def run_script(name: str) -> None:
    """As `runpy.run_path`, but the module stays what `__main__` is until the end, as in a fresh process."""
    path = os.path.abspath(name)
    main = types.ModuleType("__main__")
    loader = SourceFileLoader("__main__", path)
    vars(main).update({"__file__": path, "__loader__": loader, "__builtins__": __builtins__, "__annotations__": {}})
    sys.modules["__main__"] = main
    exec(compile(loader.get_data(path), path, "exec", dont_inherit=True), vars(main))


def exit_status(code: object) -> int:
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    print(code, file=sys.stderr)
    return 1


def show(error: BaseException) -> None:
    """The traceback as a fresh process would print it, without the frames of this script."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename in _OURS:
        trace = trace.tb_next
    sys.excepthook(type(error), error.with_traceback(trace), trace)


def finish(status: int, before: set[str]) -> int:
    """What Python does at its end, but for taking down the libraries: threads, exit handlers, and files left open."""
    try:
        threading._shutdown()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
        atexit._run_exitfuncs()  # pyright: ignore[reportPrivateUsage]
    except BaseException as error:
        show(error)
    # First the outer layer, then the one below, and both before a collection closes them in any order.
    for kind in (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom):
        for file in [thing for thing in gc.get_objects() if type(thing) is kind]:
            flush(file)
    here = os.path.join(os.getcwd(), "")
    for name in [name for name in sys.modules if name not in before or name == "__main__"]:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(here):
            del sys.modules[name]
    gc.collect()
    is_flushed = flush(sys.stdout) and flush(sys.stderr)
    return status if is_flushed else status or 120


def flush(file: IO[Any]) -> bool:
    try:
        file.flush()
    except (OSError, ValueError, AttributeError):  # closed, or the disk is full
        return False
    return True
