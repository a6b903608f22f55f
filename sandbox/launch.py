"""Starting a job as a tree of processes of this machine, below a supervisor.

Between us and the job stands `supervisor.py`, which finds all that the job starts and kills it when we say so or when we die.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sandbox.usage import kill_marked

STOP_SECONDS = 1.8
MARKER = "MLAGENT_JOB"

_SUPERVISOR = Path(__file__).with_name("supervisor.py")


@dataclass(frozen=True, slots=True)
class Launch:
    """A command as the system starts it.

    `descriptors` stay open for it. `scratch` is a directory of the caller's that goes as well when the caller is killed.
    """

    argv: Sequence[str]
    cwd: Path
    env: Mapping[str, str]
    descriptors: Sequence[int] = ()
    scratch: Path | None = None


class Supervised(Protocol):
    """A job that runs below a supervisor.

    `pid` is the supervisor's. `report` is a descriptor that becomes readable when the job is over. `output` is the reading end
    of the job's output; whoever watches closes it.
    """

    @property
    def pid(self) -> int: ...

    @property
    def report(self) -> int: ...

    @property
    def output(self) -> int: ...

    def take_report(self) -> bytes:
        """The supervisor's line, once `report` is readable; nothing when the supervisor was killed."""
        ...

    def end(self) -> None:
        """Have the supervisor kill the job."""
        ...

    def close(self) -> None:
        """Leave nothing of it behind, whatever happened, the descriptor of the report included."""
        ...


class SupervisedCommand:
    """`launch` with a supervisor of its own; no file that it writes may be larger than `file_bytes`. Raises OSError.

    `marker` is the value of the variable MARKER by which processes are found that no supervisor looks after any more.
    """

    def __init__(self, launch: Launch, file_bytes: int) -> None:
        self.marker = secrets.token_hex(16)
        self.report, report_end = os.pipe()
        self.output, output_end = os.pipe()
        supervisor = [sys.executable, "-I", "-S", str(_SUPERVISOR)]
        arguments = [str(report_end), str(file_bytes), str(launch.scratch or "")]
        try:
            self._process = subprocess.Popen(
                [*supervisor, *arguments, *launch.argv],
                stdin=subprocess.PIPE,
                stdout=output_end,
                stderr=output_end,
                bufsize=0,
                cwd=launch.cwd,
                env={**launch.env, MARKER: self.marker},
                pass_fds=(report_end, *launch.descriptors),
                # Ctrl-C in our terminal is for us to handle, not for the job.
                start_new_session=True,
            )
        except BaseException:
            os.close(self.report)
            os.close(self.output)
            raise
        finally:
            os.close(report_end)
            os.close(output_end)

    @property
    def pid(self) -> int:
        return self._process.pid

    def take_report(self) -> bytes:
        return os.read(self.report, 256)

    def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()

    def close(self) -> None:
        self.end()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.returncode < 0:
            kill_marked(MARKER, self.marker)
        os.close(self.report)
