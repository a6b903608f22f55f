"""The example projects that come with the app: copied out, with a short git history made on the spot."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from mlagent_app.agent.errors import UserError

# What each commit of the copy adds. The history is made here because a repository cannot hold another one's.
HISTORY: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "digits": (
        ("Start the project", (".gitignore", "requirements.txt")),
        ("Load the digits and hold some out for validation", ("data.py",)),
        ("Train a small forest on the main components", ("train.py",)),
        ("Say how to run it and which number counts", ("README.md",)),
    ),
}
# Fixed, so that two copies have the same history.
FIRST_COMMIT = 1_767_258_000  # 2026-01-01 09:00 UTC, in seconds since the epoch
BETWEEN = 3_600


def examples() -> tuple[str, ...]:
    """The names that `copy_example` knows."""
    return tuple(HISTORY)


def example_source(name: str) -> Path:
    """Where the files of an example are: inside the installed package, else in the source checkout. Raises `UserError`."""
    package = Path(__file__).resolve().parent
    for place in (package / "examples" / name, package.parent / "examples" / name):
        if name in HISTORY and place.is_dir():
            return place
    raise UserError(f"there is no example {name!r}", where=str(package), how=f"there is: {', '.join(HISTORY)}")


def copy_example(name: str, destination: Path) -> Path:
    """Copy an example to `destination` and give it a git history; returns the absolute path of the copy.

    `destination` must not exist, or be an empty directory; its parents are made. Commits carry the user's name where git knows
    one, else a neutral one that is set in the copy alone. Raises `UserError`.
    """
    source = example_source(name)
    target = Path(os.path.abspath(destination))
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UserError("the example cannot be copied over something else", where=str(target), how="name a new directory")
    try:
        target.mkdir(parents=True, exist_ok=True)
        for _, files in HISTORY[name]:
            for file in files:
                shutil.copyfile(source / file, target / file)
    except OSError as error:
        raise UserError(
            "the example cannot be copied", where=f"{target}: {error.strerror}", how="name another directory"
        ) from None
    commit_files(target, HISTORY[name])
    return target


def commit_files(target: Path, history: Sequence[tuple[str, tuple[str, ...]]]) -> None:
    """Make `target` a repository with these (message, files) as commits, always at the same dates. Raises `UserError`.

    The user's hooks, templates and signing keys stay out of it.
    """
    try:
        from git import Git, GitCommandError, GitCommandNotFound
    except ImportError as error:  # GitPython looks for git when it is imported
        raise UserError(f"git cannot be used: {error}", how="install git") from None
    git = Git(str(target))
    try:
        git.init("--quiet", "--template=", "--initial-branch=main")
        for key in ("user.name", "user.email"):
            if not git.config("--get", key, with_exceptions=False):
                git.config(key, "ML-Agent demo" if key == "user.name" else "demo@localhost")
        for number, (message, files) in enumerate(history):
            date = f"{FIRST_COMMIT + number * BETWEEN} +0000"
            git.add("--", *files)
            git.execute(
                ["git", "-c", "core.hooksPath=/dev/null", "-c", "commit.gpgSign=false", "commit", "--quiet", "-m", message],
                env={"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date},
            )
    except (GitCommandError, GitCommandNotFound) as error:
        raise UserError(
            f"git could not make the example's history: {str(error).splitlines()[-1].strip()}",
            where=str(target),
            how="mend git",
        ) from None
