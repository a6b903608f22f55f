"""The one place that starts git: every exit status is checked, every call has a time limit and an environment of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, cast

from mlagent_app.agent.errors import UserError

if TYPE_CHECKING:
    import git.cmd

TIME_LIMIT = 120.0  # seconds for one git command

# What may reach git in the user's project from the caller's environment: who the author is and where the user's configuration
# lies. GIT_DIR, GIT_INDEX_FILE and the like would point git at another repository (as inside a hook).
_KEPT = frozenset({
    "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_COUNT", "GIT_EXEC_PATH",
    "GIT_DISCOVERY_ACROSS_FILESYSTEM",
})  # fmt: skip
_KEPT_PREFIXES = ("GIT_AUTHOR_", "GIT_COMMITTER_", "GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_")

_ALWAYS = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_LITERAL_PATHSPECS": "1", "LC_ALL": "C"}

# No code of a repository runs: neither hooks nor a file system monitor.
_INERT = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")


class GitError(UserError):
    """A git command failed. `status` is its exit status, None when it ran out of time."""

    def __init__(self, what: str, *, where: str = "", how: str = "", status: int | None = None) -> None:
        super().__init__(what, where=where, how=how)
        self.status = status


@dataclass(frozen=True, slots=True)
class Output:
    """What a git command answered."""

    status: int
    out: bytes
    err: str


@dataclass(frozen=True, slots=True)
class Git:
    """A way of calling git in `cwd`. `keep` says whether the caller's author and configuration variables reach it."""

    cwd: Path
    options: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    keep: bool = True

    def run(
        self,
        *args: str,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        ok: Collection[int] = (0,),
        seconds: float = TIME_LIMIT,
    ) -> Output:
        """Run `git *args` to its end. Raises `GitError` when the exit status is not in `ok` or the time is up."""
        process = self._start(args, env)
        popen = cast("subprocess.Popen[bytes]", process.proc)
        try:
            out, err = popen.communicate(stdin, timeout=seconds)
        except subprocess.TimeoutExpired:
            _kill(popen)
            raise GitError(f"git {args[0]} took longer than {seconds:g} s", where=os.fsdecode(self.cwd)) from None
        return _checked(args, Output(popen.returncode, out, os.fsdecode(err)), ok)

    def out(self, *args: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> bytes:
        """The standard output of a command that must succeed."""
        return self.run(*args, stdin=stdin, env=env).out

    def line(self, *args: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> str:
        """The standard output without its final newline, as text (file system encoding)."""
        return os.fsdecode(self.out(*args, stdin=stdin, env=env)).removesuffix("\n")

    def is_ignored(self, path: str) -> bool:
        """Whether git ignores `path` (relative to `cwd`), which need not exist."""
        # This command alone refuses literal pathspecs; it takes paths as they are but for a leading colon.
        return self.run("check-ignore", "--quiet", "--", f"./{path}", env={"GIT_LITERAL_PATHSPECS": "0"}, ok=(0, 1)).status == 0

    def is_ancestor(self, commit: str, of: str) -> bool:
        """Whether `of` is `commit` or builds on it. False where there is no such commit."""
        return self.run("merge-base", "--is-ancestor", commit, of, ok=(0, 1, 128)).status == 0

    def feed(self, *args: str, chunks: Iterable[bytes], seconds: float) -> None:
        """Run a command that reads much and says little, writing `chunks` to it as they come. Raises `GitError`.

        The time limit is for the whole command. What `chunks` raises is raised again, with the command killed.
        """
        process = self._start(args, None)
        popen = cast("subprocess.Popen[bytes]", process.proc)
        timer = Timer(seconds, _kill, (popen,))
        timer.start()
        try:
            assert popen.stdin is not None
            try:
                for chunk in chunks:
                    popen.stdin.write(chunk)
            except BrokenPipeError:
                pass  # git died: its exit status and message say why
            except BaseException:
                _kill(popen)
                raise
            out, err = popen.communicate()
        finally:
            timer.cancel()
        _checked(args, Output(popen.returncode, out, os.fsdecode(err)), (0,))

    def _start(self, args: tuple[str, ...], env: Mapping[str, str] | None) -> git.cmd.Git.AutoInterrupt:
        try:
            import git.cmd  # here: importing GitPython takes 80 ms
            import git.exc
        except ImportError:
            raise _missing() from None
        variables = {**_ALWAYS, **self.env, **(env or {})}
        dropped = [name for name in os.environ if _foreign(name, self.keep) and name not in variables]
        # GitPython always starts from os.environ, which other threads share: env(1) takes variables away from one process only.
        clear = ["env", *(part for name in dropped for part in ("-u", name))] if dropped else []
        # GitPython falls back to the process's own directory when `cwd` is gone; -C fails instead.
        place = os.path.abspath(self.cwd)
        command = [*clear, "git", "-C", place, *_INERT, *self.options, *args]
        try:
            return git.cmd.Git(place).execute(
                command, istream=subprocess.PIPE, env=variables, as_process=True, start_new_session=True
            )
        except git.exc.GitCommandNotFound:
            raise _missing() from None


def _kill(popen: subprocess.Popen[bytes]) -> None:
    """End git and what it started (filters), which would else hold its pipes open."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(popen.pid, signal.SIGKILL)
    popen.wait()


def _missing() -> GitError:
    return GitError("git is not installed", how="install git and put it on PATH")


def project_git(cwd: Path) -> Git:
    """Git in the user's project: its configuration as it is, without running its hooks."""
    return Git(cwd)


def private_git(git_dir: Path, work_tree: Path | None = None) -> Git:
    """Git on a repository of our own, deaf to every configuration but that repository's."""
    env = {
        "GIT_DIR": os.path.abspath(git_dir),
        "GIT_WORK_TREE": os.path.abspath(work_tree or git_dir),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "HOME": os.devnull,
        "XDG_CONFIG_HOME": os.devnull,
        "GIT_AUTHOR_NAME": "ML-Agent",
        "GIT_AUTHOR_EMAIL": "ml-agent@localhost",
        "GIT_COMMITTER_NAME": "ML-Agent",
        "GIT_COMMITTER_EMAIL": "ml-agent@localhost",
        # A fixed date makes a commit's id a function of its content.
        "GIT_AUTHOR_DATE": "@0 +0000",
        "GIT_COMMITTER_DATE": "@0 +0000",
    }
    return Git(work_tree or git_dir, ("-c", "safe.directory=*"), env, keep=False)


def init_private(git_dir: Path) -> Git:
    """Make an empty repository in `git_dir` that keeps every byte as it is."""
    git_dir.mkdir(parents=True, exist_ok=True)
    git = private_git(git_dir)
    git.run("init", "--quiet", "--template=", "--initial-branch=mlagent")
    info = git_dir / "info"
    info.mkdir(exist_ok=True)
    # These override the .gitattributes of the project. `!` means unspecified: `-working-tree-encoding` would be an error, and
    # `-diff` would hide text.
    (info / "attributes").write_text("* -text !eol -filter -ident !working-tree-encoding !diff !merge !whitespace\n")
    with (git_dir / "config").open("a", encoding="utf-8") as config:
        config.write(_CONFIG)
    return git


_CONFIG = """\
[core]
\tbare = false
\tautocrlf = false
\tsafecrlf = false
\tquotePath = false
\tlongPaths = true
\tfileMode = true
\tsymlinks = true
\tignoreCase = false
\tprecomposeUnicode = false
\tprotectNTFS = false
\tprotectHFS = false
\tlogAllRefUpdates = false
\tfsync = committed,loose-object
[gc]
\tauto = 0
[maintenance]
\tauto = false
"""


def _foreign(name: str, keep: bool) -> bool:
    if not name.startswith("GIT_") or name.startswith("GIT_PYTHON_"):
        return False
    return not (keep and (name in _KEPT or name.startswith(_KEPT_PREFIXES)))


def _checked(args: tuple[str, ...], output: Output, ok: Collection[int]) -> Output:
    if output.status in ok:
        return output
    lines = [line.strip() for line in output.err.splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith(("fatal:", "error:"))] or lines
    reason = fatal[-1] if fatal else f"exit status {output.status}"
    raise GitError(f"git {args[0]} failed: {reason}", status=output.status)
