"""Projects in three shapes other than the example's, each a git repository with a short history and honest headroom."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

FILES = Path(__file__).parent / "files"
DATE = "2026-01-01T09:00:00+00:00"


def git(directory: Path, *words: str) -> str:
    """Run git in `directory`, with an identity of its own; its output without the last line end."""
    identity = ("-c", "user.name=Test User", "-c", "user.email=test@example.com", "-c", "commit.gpgSign=false")
    done = subprocess.run(
        ["git", *identity, *words], cwd=directory, check=True, capture_output=True, text=True, errors="surrogateescape"
    )
    return done.stdout.rstrip("\n")


def make(directory: Path, files: dict[str, str | bytes], *, history: bool = True) -> Path:
    """Write `files` (path -> text or bytes) into a new directory and, with `history`, commit them."""
    directory.mkdir(parents=True)
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    if history:
        commit(directory, "Start")
    return directory


def commit(directory: Path, message: str) -> None:
    """Commit everything in `directory`, which becomes a repository if it is none."""
    if not (directory / ".git").exists():
        git(directory, "init", "--quiet", "--template=", "--initial-branch=main")
    git(directory, "add", "--all")
    git(directory, "commit", "--quiet", f"--date={DATE}", "-m", message)


def yaml_package(directory: Path) -> Path:
    """A package with a YAML configuration: `python -m classify.train --config configs/base.yaml` writes metrics.json.

    Raise `valid.accuracy`. Needs scikit-learn and ruamel.yaml. The headroom is in the configuration's numbers.
    """
    return _copied("yaml_package", directory)


def torch_epochs(directory: Path) -> Path:
    """A PyTorch script, `python train.py`, that logs `epoch 3 train_loss 0.41 val_loss 0.38 val_acc 0.88`. Raise `val_acc`."""
    return _copied("torch_epochs", directory)


def makefile_regression(directory: Path) -> Path:
    """A regression, `make train`, that prints `RMSE: 12.3`: lower it. Needs scikit-learn. Settings are argparse defaults."""
    return _copied("makefile_regression", directory)


SHAPES = (yaml_package, torch_epochs, makefile_regression)


def _copied(name: str, directory: Path) -> Path:
    """A committed copy whose last commit adds the README, so that there is a history to look at."""
    shutil.copytree(FILES / name, directory, ignore=shutil.ignore_patterns("__pycache__", "README.md"))
    commit(directory, "Start")
    shutil.copyfile(FILES / name / "README.md", directory / "README.md")
    commit(directory, "Say how to run it")
    return directory
