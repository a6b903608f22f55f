"""No traceback reaches a person: every error becomes one line and an exit code."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable

from mlagent_app.agent.errors import Exit, UserError, first_line


def guarded(call: Callable[[], object], *, program: str) -> int:
    """Run `call`; the exit code of the process. An unforeseen error is kept in a file, which the line names."""
    try:
        call()
    except UserError as error:
        say(program, error.line())
        return error.code
    except KeyboardInterrupt:
        say(program, "interrupted")
        return Exit.INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    except Exception as error:
        say(program, f"unexpected {type(error).__name__}: {first_line(error)} - the details are in {_keep(error)}")
        return Exit.UNEXPECTED
    return Exit.OK


def say(program: str, line: str) -> None:
    """One line on stderr."""
    print(f"{program}: {line}", file=sys.stderr)


def _keep(error: Exception) -> str:
    """Write the traceback where a bug report can find it."""
    from mlagent_app.repo.locks import state_dir

    try:
        directory = state_dir()
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / "crash.log"
        path.write_text("".join(traceback.format_exception(error)), "utf-8")
    except OSError as problem:
        return f"no file ({problem.strerror})"
    return str(path)
