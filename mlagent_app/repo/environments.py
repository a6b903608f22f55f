"""Which Python a project runs with: its own environment, the active one, or as a last resort the app's."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlagent_app.agent.errors import UserError

NAMES = (".venv", "venv", "env", ".env", "virtualenv", ".conda")
_CONDA_HOMES = ("miniconda3", "anaconda3", "miniforge3", "mambaforge", "micromamba", ".conda")


@dataclass(frozen=True, slots=True)
class PythonFound:
    """An interpreter (symbolic links kept, as virtual environments need it) and in words where it was found."""

    path: Path
    source: str


def find_python(root: Path, named: str = "") -> tuple[PythonFound, tuple[str, ...]]:
    """The interpreter for the project at `root`, and notices about environments that were passed over.

    `named` is the one a person asks for: an interpreter, an environment's directory, or a command. Raises `UserError` when it
    does not exist or does not start.
    """
    if named:
        return _named(root, named), ()
    notices: list[str] = []
    for directory, source in _environments(root):
        python = interpreter(directory)
        if python is not None and starts(python):
            return PythonFound(python, source), tuple(notices)
        notices.append(f"{directory} holds no Python that starts; it was passed over")
    own = Path(sys.executable)
    return PythonFound(own, "the app's own Python: the project has no environment"), tuple(notices)


def interpreter(directory: Path) -> Path | None:
    """The Python of an environment; None when there is no such file (or only a broken link to one)."""
    for name in ("python", "python3"):
        path = directory / "bin" / name
        if path.is_file() and os.access(path, os.X_OK):
            return path
    return None


def starts(python: Path) -> bool:
    """Whether the interpreter starts. Neither the environment's nor the project's code runs."""
    try:
        return subprocess.run([python, "-I", "-S", "-c", ""], capture_output=True, timeout=20, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def python_word(python: Path) -> str:
    """What a command calls this interpreter, once its directory is on PATH."""
    return "python" if (python.parent / "python").exists() else python.name


def _named(root: Path, named: str) -> PythonFound:
    given = Path(named).expanduser()
    path = given if given.is_absolute() else root / given
    if path.is_dir():
        inside = interpreter(path)
        if inside is None:
            raise UserError(
                "there is no bin/python in that environment", where=str(path), how="name another in [sandbox] python"
            )
        path = inside
    elif not path.exists() and "/" not in named and (found := shutil.which(named)):
        path = Path(found)
    if not path.is_file():
        raise UserError("the named Python does not exist", where=str(path), how="correct [sandbox] python in mlagent.toml")
    path = Path(os.path.abspath(path))
    if not starts(path):
        raise UserError("the named Python does not start", where=str(path), how="correct [sandbox] python in mlagent.toml")
    return PythonFound(path, "named in the settings")


def _environments(root: Path) -> Iterator[tuple[Path, str]]:
    """Directories that look like environments, the most telling first."""
    yield from _below(root, "in the project")
    top = next((p for p in (root, *root.parents) if (p / ".git").exists()), None)
    if top is not None and top != root:
        yield from _below(top, "in the repository")
    yield from _elsewhere(root)
    conda, prefix = os.environ.get("CONDA_PREFIX"), os.environ.get("VIRTUAL_ENV")
    if conda and os.environ.get("CONDA_DEFAULT_ENV", "") != "base":
        yield Path(conda), "the active conda environment"
    if prefix:
        yield Path(prefix), "the active virtual environment"


def _below(directory: Path, place: str) -> Iterator[tuple[Path, str]]:
    for name in NAMES:
        candidate = directory / name
        if (candidate / "pyvenv.cfg").is_file():
            yield candidate, f"{name} {place}"
        elif (candidate / "conda-meta").is_dir():
            yield candidate, f"the conda environment {name} {place}"


def _elsewhere(root: Path) -> Iterator[tuple[Path, str]]:
    """Environments that a file of the project names and a tool keeps outside of it (conda, Poetry, pyenv)."""
    name = _first_match(root, ("environment.yml", "environment.yaml"), r"^name:\s*[\"']?([\w.-]+)")
    if name and name != "base":
        for home in _CONDA_HOMES:
            if (Path.home() / home / "envs" / name / "conda-meta").is_dir():
                yield Path.home() / home / "envs" / name, f"the conda environment {name!r} that environment.yml names"
    project = _first_match(root, ("pyproject.toml",), r"(?s)\[tool\.poetry\].*?^name\s*=\s*[\"']([\w.-]+)")
    if project:
        cache = Path.home() / ".cache" / "pypoetry" / "virtualenvs"
        newest = sorted(cache.glob(f"{re.sub(r'[._]', '-', project.lower())}-*-py3*"), key=_modified, reverse=True)
        for found in newest[:1]:
            yield found, "Poetry's environment of the project"
    version = _first_match(root, (".python-version",), r"^\s*([\w.-]+)\s*$")
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    if version and (pyenv / version / "pyvenv.cfg").is_file():
        yield pyenv / version, f"the pyenv environment {version!r} that .python-version names"


def _first_match(root: Path, names: Sequence[str], pattern: str) -> str:
    for name in names:
        try:
            text = (root / name).read_text("utf-8", "replace")[:100_000]
        except OSError:
            continue
        if found := re.search(pattern, text, re.MULTILINE):
            return found[1]
    return ""


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
