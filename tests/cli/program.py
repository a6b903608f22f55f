"""The real programs, run as a person runs them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

BIN = Path(sys.executable).parent


def command(name: str, *arguments: str | Path) -> list[str]:
    """The command line of an installed program of ours."""
    return [str(BIN / name), *map(str, arguments)]


def environment() -> dict[str, str]:
    """The test's environment; programs are found beside the interpreter, and text is plain."""
    return os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1", "COLUMNS": "140"}


def mlagent(*arguments: str | Path, timeout: float = 300, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run `mlagent` to its end, in the current directory or where a person stands otherwise."""
    return subprocess.run(
        command("mlagent", *arguments),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env=environment(),
        stdin=subprocess.DEVNULL,
        cwd=cwd,
    )


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    """What a failed program said: the last line of stderr, which must not be part of a traceback."""
    assert "Traceback" not in done.stderr
    lines: Sequence[str] = done.stderr.strip().splitlines()
    assert lines, "nothing was said"
    return lines[-1]
