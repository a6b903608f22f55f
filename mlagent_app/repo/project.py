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
    "BISECT_START": ("bisect", "git bisect reset"),
}
_DISCOVER = ("rev-parse", "--is-bare-repository", "--absolute-git-dir")
_HEAD = ("rev-parse", "HEAD", "--symbolic-full-name", "HEAD")


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
    git_root, git_dir, (branch, head) = found
    prefix = "" if root == git_root else f"{root.relative_to(git_root).as_posix()}/"
    if prefix and _is_foreign(git):
        return Project(root)
    refuse_unfinished(git_root, git_dir)
    return Project(root, git_root, git_dir, prefix, branch, head)


def read_head(git: Git) -> tuple[str | None, str | None]:
    """The branch that HEAD names (None when detached) and its commit id (None when there is no commit yet)."""
    both = git.run(*_HEAD, ok=(0, 128))
    if both.status == 0:
        return _head(os.fsdecode(both.out))
    return git.line("symbolic-ref", "HEAD").removeprefix("refs/heads/"), None


def _head(answer: str) -> tuple[str | None, str]:
    commit, name = answer.split("\n")[:2]
    return None if name == "HEAD" else name.removeprefix("refs/heads/"), commit


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


def _discover(git: Git, root: Path) -> tuple[Path, Path, tuple[str | None, str | None]] | None:
    """The top of the work tree that `root` is in, its git directory, and HEAD; None outside of git."""
    # All in one call, where nothing is unusual: starting git is most of what opening a small project takes.
    answer = git.run(*_DISCOVER, "--show-toplevel", *_HEAD[1:], ok=(0, 128))
    lines = os.fsdecode(answer.out).split("\n")
    if answer.status == 0 and len(lines) == 6 and lines[0] == "false" and not _is_inside(root, Path(lines[1])):
        return Path(lines[2]), Path(lines[1]).resolve(), _head("\n".join(lines[3:]))
    try:
        bare, _, directory = git.line(*_DISCOVER).partition("\n")
    except GitError as error:
        _refuse_unreadable(error, root)
        return None
    git_dir = Path(directory).resolve()
    if bare == "true":
        raise UserError("a bare git repository has no files to work on", where=str(root), how="name a clone with a work tree")
    if _is_inside(root, git_dir):
        raise UserError("this is inside a .git directory", where=str(root), how="name the project's own directory")
    return Path(git.line("rev-parse", "--show-toplevel")), git_dir, read_head(git)


def _is_inside(root: Path, git_dir: Path) -> bool:
    return ".git" in root.parts or root == git_dir or git_dir in root.parents


def _refuse_unreadable(error: GitError, root: Path) -> None:
    """Raise what keeps git from reading the repository; return when there is none."""
    if error.status is None:
        raise error
    if "dubious ownership" in error.what:
        raise UserError(
            "git refuses this repository: it belongs to another user",
            where=str(root),
            how=f"git config --global --add safe.directory {root}",
        ) from None
    # `not a git repository: PATH` instead means a .git that leads nowhere: that is not a project without git.
    if "not a git repository (or any" not in error.what:
        raise UserError(f"git cannot read this repository: {error.what}", where=str(root)) from None


def _is_foreign(git: Git) -> bool:
    """Whether the outer repository ignores the project's directory and holds none of its files."""
    return git.is_ignored("") and not git.out("ls-files", "--cached", "-z", ".")


def refuse_unfinished(git_root: Path, git_dir: Path) -> None:
    """Raise `UserError` in the middle of a merge, rebase, cherry-pick, revert or bisect, and while files are unmerged."""
    for name, (operation, cure) in _UNFINISHED.items():
        if (git_dir / name).exists():
            raise UserError(f"a {operation} is under way in this repository", where=str(git_root), how=f"end it first: {cure}")
    if unmerged := project_git(git_root).out("ls-files", "--unmerged", "-z"):
        path = os.fsdecode(unmerged.split(b"\0")[0].partition(b"\t")[2])
        raise UserError("a file of this repository is unmerged", where=path, how="resolve the conflict, then git add it")
