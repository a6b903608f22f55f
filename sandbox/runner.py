"""The interface every sandbox speaks: a `Job` and `Limits` go in, a `RunResult` comes out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

Outcome = Literal["ok", "error", "timeout", "out_of_memory", "killed", "infrastructure"]
RunnerName = Literal["docker", "bwrap", "local", "fork"]


class SandboxError(Exception):
    """No run is possible: what is wrong and how to mend it, in one line."""

    def __init__(self, what: str, *, how: str = "") -> None:
        self.what = what
        self.how = how
        super().__init__(f"{what} - {how}" if how else what)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run may take. Seconds of wall time; mebibytes of memory, output, scratch space (/tmp) and of each file."""

    seconds: float = 600.0
    memory_mb: int = 4096
    cpus: float = 2.0
    pids: int = 256
    output_mb: int = 16
    scratch_mb: int = 1024
    file_mb: int = 10240
    gpus: int = 0
    network: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """A file or directory outside the workspace that the job sees, read-only, at `target` inside it."""

    source: Path
    target: str


@dataclass(frozen=True, slots=True)
class Job:
    """One command in one workspace.

    `command` is run by `/bin/sh -c` with the workspace as working directory. `python` is the interpreter of the chosen
    environment: its directory comes first on PATH and `VIRTUAL_ENV` is set when it is a virtual environment.
    `workspace` is a plain directory without `.git`, owned by the caller; the job may write in it.
    The output (stdout and stderr, in order) is written to `log_path`. `project` is the directory that the workspace is a
    copy of: where the environment imports from it (an editable install), the job imports from the workspace instead.
    `hidden` are files and directories of this machine that the job must not be able to read even where they lie inside
    something that it sees, such as a package in the chosen environment. In their place it finds something empty. What is given
    by name (the workspace, the links) is seen also where it lies inside a hidden directory.
    """

    command: str
    workspace: Path
    log_path: Path
    python: Path | None = None
    links: Sequence[Link] = ()
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    project: Path | None = None
    hidden: Sequence[Path] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """What the job uses at one moment. `memory` in bytes, `cpu` in cores, `seconds` since the start."""

    seconds: float
    memory: int
    cpu: float


@dataclass(frozen=True, slots=True)
class RunResult:
    """What one run came to.

    `peak_memory` in bytes and `cpu_seconds` are None where the sandbox cannot know them. `message` says in one line why the
    outcome is not `ok` (for `infrastructure`: what failed and how to mend it). `disk_full` is set when the job ran out of
    space. `truncated` is set when output past `Limits.output_mb` was dropped. `warnings` holds what a person should know
    about an `ok` run as well, such as a child that was killed for memory. `cached`: the result of an earlier, equal run.
    """

    outcome: Outcome
    exit_code: int | None
    seconds: float
    log_path: Path
    peak_memory: int | None = None
    cpu_seconds: float | None = None
    message: str = ""
    disk_full: bool = False
    truncated: bool = False
    warnings: tuple[str, ...] = ()
    cached: bool = False


OnLog = Callable[[list[str]], None]
OnSample = Callable[[Sample], None]


class Runner(Protocol):
    """One kind of sandbox."""

    @property
    def name(self) -> RunnerName: ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What this sandbox does not wall off or limit, in plain words, and which runtime it uses; shown to the user."""
        ...

    def run(
        self,
        job: Job,
        limits: Limits,
        *,
        on_log: OnLog | None = None,
        on_sample: OnSample | None = None,
        cancel: threading.Event | None = None,
    ) -> RunResult:
        """Run `job` to its end and return what it came to; never raises for what the job does.

        `on_log` is called from another thread with whole lines (no newline), in order, at most about 30 times a second.
        `on_sample` about once a second. When `cancel` is set the whole process tree is dead within 2 seconds and the outcome
        is `killed`. A failure of the sandbox itself is the outcome `infrastructure`.
        """
        ...
