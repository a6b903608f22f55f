"""A task of the suite as a project: the drawn starter with its data, in a git repository of its own, graded on the host."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mlagent_app.agent.errors import UserError
from mlagent_app.repo.locks import state_dir
from mlagent_app.session.numbering import another, newest

if TYPE_CHECKING:
    from tasks.building import Drawn

TASK_FILE = "task.toml"


def is_task(path: Path) -> bool:
    """Whether `path` is the directory of a task, not of a project."""
    return (path / TASK_FILE).is_file() and (path / "grader.py").is_file()


def task_project(
    name: str, *, seed: int = 0, starter: str = "", real: bool = False, again: bool = False, into: Path | None = None
) -> Path:
    """The directory of a project that is this task's variant, made now; with `again` the newest one that there is.

    `name` is a task's id or directory. Projects are kept below the state directory unless `into` names a new directory.
    Raises `UserError`.
    """
    try:
        from mlagent_app.environment.taskjudge import open_variant, task_errors
        from tasks.suite import find
        from tasks.variant import draw
    except ImportError as error:
        raise UserError(f"the task suite needs {error.name}", how="pip install 'ml-agent[tasks]'") from None
    with task_errors():
        spec = find(name)
        variant = draw(spec, seed, starter=starter, data="real" if real else "mini")
    home = state_dir() / "tasks" / "projects" / variant.id
    if again and (last := newest(home)):
        return last / spec.id
    return _make(open_variant(variant.id), into or another(home, "the task's project") / spec.id)


def _make(drawn: Drawn, target: Path) -> Path:
    from mlagent_app.bundled import commit_files
    from tasks.building import write_files

    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UserError("the task cannot be written over something else", where=str(target), how="name a new directory")
    files = drawn.workspace()
    settings = {".gitignore": b"/data\n/submission.csv\n", "mlagent.toml": _settings(drawn).encode()}
    try:
        target.mkdir(parents=True, exist_ok=True)
        write_files({**files, **settings}, target)
        (target / "data").symlink_to(drawn.data, target_is_directory=True)
    except OSError as error:
        raise UserError(f"the task cannot be written: {error.strerror}", where=str(target), how="free some space") from None
    history: Sequence[tuple[str, tuple[str, ...]]] = (
        ("Describe the task", ("description.md", *settings)),
        (f"Start from the script {drawn.variant.starter}", tuple(path for path in files if path != "description.md")),
    )
    commit_files(target, history)
    return target.absolute()


def _settings(drawn: Drawn) -> str:
    spec = drawn.spec
    return f"""# A variant of the task {spec.id}: ML-Agent grades each run with labels that the run cannot see.
[task]
variant = "{drawn.variant.id}"

[project]
command = "python train.py"
editable = [{_quoted(spec.files.editable)}]
protected = [{_quoted((*spec.files.protected, "mlagent.toml"))}]

[limits]
minutes_per_run = {drawn.limits.seconds / 60:.4f}
memory = "{drawn.limits.memory_mb}m"
cpus = 1.0
"""


def _quoted(globs: Sequence[str]) -> str:
    return ", ".join(f'"{glob}"' for glob in globs)
