"""The user's project: where it is, which git repository it belongs to, and whether it can be worked on at all."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from mlagent_app.agent.errors import UserError
from mlagent_app.repo.gitcmd import Git, GitError, project_git

_UNFINISHED = {
    "MERGE_HEAD": ("merge", "git merge --continue or --abort"),
    "rebase-merge": ("rebase", "git rebase --continue or --abort"),
    "rebase-apply": ("rebase", "git rebase --continue or --abort"),
    "CHERRY_PICK_HEAD": ("cherry-pick", "git cherry-pick --continue or --abort"),
    "REVERT_HEAD": ("revert", "git revert --continue or --abort"),
}


@dataclass(frozen=True, slots=True)
class Project:
    """A project directory as it was when it was opened.

    `root` is absolute, without symbolic links. In git, `git_root` is the top of the work tree, `git_dir` what git calls its
    directory (of this work tree), and `prefix` leads from `git_root` to `root`: empty or with a final slash. `branch` is None
    with a detached HEAD, `head` (a commit id) is None on a branch without commits.
    """

    root: Path
    git_root: Path | None = None
    git_dir: Path | None = None
    prefix: str = ""
    branch: str | None = None
    head: str | None = None

    @property
    def is_git(self) -> bool:
        return self.git_root is not None


def open_project(path: str | os.PathLike[str]) -> Project:
    """Look at the project at `path`, changing nothing. Raises `UserError` when nothing can be done there."""
    root = _directory(Path(path))
    git = project_git(root)
    found = _discover(git, root)
    if found is None:
        return Project(root)
    git_dir, bare = found
    if bare:
        raise UserError("a bare git repository has no files to work on", where=str(root), how="name a clone with a work tree")
    if ".git" in root.parts or root == git_dir or git_dir in root.parents:
        raise UserError("this is inside a .git directory", where=str(root), how="name the project's own directory")
    git_root = Path(git.line("rev-parse", "--show-toplevel"))
    prefix = "" if root == git_root else f"{root.relative_to(git_root).as_posix()}/"
    if prefix and _is_foreign(git):
        return Project(root)
    refuse_unfinished(git_root, git_dir)
    branch, head = read_head(git)
    return Project(root, git_root, git_dir, prefix, branch, head)


def read_head(git: Git) -> tuple[str | None, str | None]:
    """The branch that HEAD names (None when detached) and its commit id (None when there is no commit yet)."""
    both = git.run("rev-parse", "HEAD", "--symbolic-full-name", "HEAD", ok=(0, 128))
    commit, _, name = os.fsdecode(both.out).partition("\n")
    if both.status != 0:
        commit, name = "", git.line("symbolic-ref", "HEAD")
    name = name.removesuffix("\n")
    return None if name == "HEAD" else name.removeprefix("refs/heads/"), commit or None


def _directory(path: Path) -> Path:
    """The real directory that `path` names, if the app may work in it."""
    given = path.expanduser()
    try:
        root = given.resolve(strict=True)
    except FileNotFoundError:
        raise UserError("no such directory", where=str(path), how="name the directory of your project") from None
    except (OSError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "symbolic links in a circle"
        raise UserError(f"the directory cannot be opened: {reason}", where=str(path)) from None
    if not root.is_dir():
        raise UserError("this is a file, not a directory", where=str(path), how="name the directory of your project")
    if root == Path(root.anchor) or root == Path.home().resolve():
        raise UserError(
            "the home directory and the root directory are no projects", where=str(root), how="name one project's directory"
        )
    try:
        with os.scandir(root) as entries:
            names = [entry.name for entry in entries if entry.name != ".git"]
        readable = os.access(root, os.R_OK | os.X_OK)
    except OSError:
        names, readable = [], False
    if not readable:
        raise UserError("the directory is not readable", where=str(root), how="check its permissions (ls -ld)")
    if not names:
        raise UserError("the directory is empty", where=str(root), how="name a directory with a project in it")
    return root


def _discover(git: Git, root: Path) -> tuple[Path, bool] | None:
    """The git directory that `root` belongs to and whether it is bare; None outside of git."""
    try:
        answer = git.line("rev-parse", "--is-bare-repository", "--absolute-git-dir")
    except GitError as error:
        if error.status is None:
            raise
        if "dubious ownership" in error.what:
            raise UserError(
                "git refuses this repository: it belongs to another user",
                where=str(root),
                how=f"git config --global --add safe.directory {root}",
            ) from None
        # `not a git repository: PATH` instead means a .git that leads nowhere: that is not a project without git.
        if "not a git repository (or any" not in error.what:
            raise UserError(f"git cannot read this repository: {error.what}", where=str(root)) from None
        return None
    bare, _, directory = answer.partition("\n")
    return Path(directory).resolve(), bare == "true"


def _is_foreign(git: Git) -> bool:
    """Whether the outer repository ignores the project's directory and holds none of its files."""
    return git.is_ignored("") and not git.out("ls-files", "--cached", "-z", ".")


def refuse_unfinished(git_root: Path, git_dir: Path) -> None:
    """Raise `UserError` in the middle of a merge, rebase, cherry-pick or revert."""
    for name, (operation, cure) in _UNFINISHED.items():
        if (git_dir / name).exists():
            raise UserError(f"a {operation} is under way in this repository", where=str(git_root), how=f"end it first: {cure}")
