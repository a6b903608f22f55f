"""Which sandbox a run gets. A weaker one is never taken without saying so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sandbox.runner import Runner, RunnerName, SandboxError

if TYPE_CHECKING:
    from sandbox.images import RuntimeSpec

SandboxKind = Literal["auto", "docker", "bwrap", "local"]
OnProgress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Probe:
    """Whether one kind of sandbox works here: what was found, and how to mend it when it does not."""

    name: RunnerName
    works: bool
    detail: str
    how: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a sandbox must be able to run: `python` (an interpreter of this machine) on copies of `project`.

    `near` is a writable directory on the file system of the workspaces.
    """

    python: Path | None = None
    project: Path | None = None
    near: Path | None = None


def choose(
    kind: SandboxKind,
    *,
    runtime: RuntimeSpec | None = None,
    wanted: Wanted | None = None,
    on_progress: OnProgress | None = None,
    allow_local: bool = False,
) -> Runner:
    """A runner of `kind` that has been tried with what is `wanted`. Raises SandboxError when there is none.

    `auto` is docker, else bwrap, else (only with `allow_local`) local; the notes of the runner say why a stronger one was
    passed over. With a `runtime` that is an image, `auto` is docker or nothing: no other sandbox can give what was asked for.
    `on_progress` gets lines about what takes long, such as building an image.
    """
    wanted = wanted or Wanted()
    if kind == "docker":
        return _docker(runtime, wanted, on_progress)
    if kind == "bwrap":
        return _bwrap(wanted, _unused_image(runtime))
    if kind == "local":
        return _local(_unused_image(runtime))
    return _strongest(runtime, wanted, on_progress, allow_local)


def probe() -> list[Probe]:
    """What works here, strongest first, for `mlagent doctor`."""
    return [
        _try("docker", lambda: _docker(None, Wanted(), None)),
        _try("bwrap", lambda: _bwrap(Wanted(), ())),
        _try("local", lambda: _local(())),
    ]


def _strongest(runtime: RuntimeSpec | None, wanted: Wanted, on_progress: OnProgress | None, allow_local: bool) -> Runner:
    try:
        return _docker(runtime, wanted, on_progress)
    except SandboxError as error:
        if runtime is not None and runtime.kind != "host":
            raise SandboxError(f"the configured image needs Docker: {error.what}", how=error.how) from error
        without_docker = error
    reasons = [f"Docker was passed over: {without_docker.what}"]
    try:
        return _bwrap(wanted, reasons)
    except SandboxError as error:
        without_bwrap = error
    reasons.append(f"bubblewrap was passed over: {without_bwrap.what}")
    if allow_local:
        return _local(reasons)
    raise SandboxError(
        f"no sandbox works here. Docker: {without_docker.what}. bubblewrap: {without_bwrap.what}",
        how=f"{_first(without_docker.how)}; or {_first(without_bwrap.how)}; "
        "or ask for --sandbox local, which runs the command with all your rights",
    )


def _docker(runtime: RuntimeSpec | None, wanted: Wanted, on_progress: OnProgress | None) -> Runner:
    from sandbox.docker import DockerRunner

    runner = DockerRunner.connect(runtime, project=wanted.project, python=wanted.python, progress=on_progress)
    try:
        runner.preflight(wanted.python, wanted.project, near=wanted.near)
    except BaseException:
        runner.close()
        raise
    return runner


def _bwrap(wanted: Wanted, reasons: Sequence[str]) -> Runner:
    from sandbox.bwrap import BwrapRunner

    runner = BwrapRunner.connect(reasons)
    if wanted.python is not None:
        runner.preflight(wanted.python, wanted.project)
    return runner


def _local(reasons: Sequence[str]) -> Runner:
    from sandbox.local import LocalRunner

    return LocalRunner(reasons)


def _unused_image(runtime: RuntimeSpec | None) -> tuple[str, ...]:
    if runtime is None or runtime.kind == "host":
        return ()
    return ("the configured image is not used: only Docker can run it",)


def _try(name: RunnerName, make: Callable[[], Runner]) -> Probe:
    try:
        runner = make()
    except SandboxError as error:
        return Probe(name, False, error.what, error.how)
    close = getattr(runner, "close", None)
    if callable(close):
        close()
    return Probe(name, True, runner.notes[0])


def _first(how: str) -> str:
    """The first way out of several, so that the message stays one line."""
    return how.split(";")[0].split(", or ask for")[0] or "mend it"
