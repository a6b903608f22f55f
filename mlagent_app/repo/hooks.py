"""The hooks that `git commit` would run in the user's project. We never run them: a landed commit is made without."""

from __future__ import annotations

import os
from pathlib import Path

from mlagent_app.repo.gitcmd import Git

_OF_A_COMMIT = ("pre-commit", "prepare-commit-msg", "commit-msg", "post-commit")


def commit_hooks(git: Git) -> tuple[str, ...]:
    """The names of the hooks that a commit in the work tree `git.cwd` would run."""
    # Our own setting, which turns hooks off, is the last of the values.
    configured = git.line("config", "--type=path", "--get-all", "core.hooksPath").split("\n")[:-1]
    directory = Path(configured[-1] if configured else os.path.join(git.line("rev-parse", "--git-common-dir"), "hooks"))
    return tuple(name for name in _OF_A_COMMIT if _is_executable(git.cwd / directory / name))


def _is_executable(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)
