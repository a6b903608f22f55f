"""Real repositories for the tests, and fingerprints of them."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
from pathlib import Path

from mlagent_app.repo.landing import LandResult, land, revert, settle
from mlagent_app.repo.listing import list_project
from mlagent_app.repo.project import Project, open_project
from mlagent_app.repo.snapshot import Snapshot

TRAIN = b"".join(b"line_%d = %d\n" % (number, number) for number in range(1, 41))


def git(directory: Path, *args: str, ok: bool = True) -> str:
    """Run the user's git, as the user would."""
    done = subprocess.run(["git", *args], cwd=directory, capture_output=True, check=False)
    assert done.returncode == 0 or not ok, os.fsdecode(done.stderr)
    return os.fsdecode(done.stdout)


def make_repo(directory: Path, files: dict[str, bytes] | None = None) -> Path:
    """A repository with these files in one commit (default: train.py)."""
    directory.mkdir(parents=True, exist_ok=True)
    git(directory, "init", "-q")
    write(directory, files or {"train.py": TRAIN})
    git(directory, "add", "-A")
    git(directory, "commit", "-q", "-m", "first")
    return directory


def write(directory: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        place = directory / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)


def fingerprint(top: Path) -> dict[str, tuple[str, int, int, str]]:
    """Everything below `top`, .git included: kind and permissions, size, time of the last change, digest."""
    found: dict[str, tuple[str, int, int, str]] = {}
    for parent, directories, files in os.walk(top):
        for name in (*directories, *files):
            place = os.path.join(parent, name)
            status = os.lstat(place)
            content = b""
            if stat.S_ISLNK(status.st_mode):
                content = os.fsencode(os.readlink(place))
            elif stat.S_ISREG(status.st_mode):
                content = Path(place).read_bytes()
            digest = hashlib.sha256(content).hexdigest()
            found[os.path.relpath(place, top)] = (stat.filemode(status.st_mode), status.st_size, status.st_mtime_ns, digest)
    return found


def tree(top: Path) -> dict[str, tuple[str, bytes]]:
    """The files below `top` without .git: kind (with the executable bit) and content."""
    found: dict[str, tuple[str, bytes]] = {}
    for parent, directories, files in os.walk(top):
        if ".git" in directories:
            directories.remove(".git")
        for name in (*directories, *files):
            place = os.path.join(parent, name)
            mode = os.lstat(place).st_mode
            if stat.S_ISLNK(mode):
                found[os.path.relpath(place, top)] = ("link", os.fsencode(os.readlink(place)))
            elif stat.S_ISREG(mode):
                found[os.path.relpath(place, top)] = ("executable" if mode & 0o100 else "file", Path(place).read_bytes())
    return found


class Bed:
    """A project and its snapshot, and the calls that tests make again and again."""

    def __init__(self, root: Path, session: Path) -> None:
        self.root = root
        self.project: Project = open_project(root)
        session.mkdir(parents=True, exist_ok=True)
        self.snapshot = Snapshot.create(session, self.project, list_project(self.project))
        self.base = self.snapshot.base

    def edit(self, path: str, old: bytes, new: bytes, base: str = "") -> str:
        """A step: `old` replaced by `new` in one file."""
        content = self.snapshot.read(base or self.base, path)
        assert content.count(old) == 1
        return self.commit({path: content.replace(old, new)}, base)

    def commit(self, contents: dict[str, bytes | None], base: str = "") -> str:
        return self.snapshot.commit_edit(base or self.base, contents, "a step")

    def land(self, commit: str, *, base: str = "", hunks: tuple[int, ...] | None = None, to_branch: bool = True) -> LandResult:
        result = land(
            self.project,
            self.snapshot,
            base or self.base,
            commit,
            hunks=hunks,
            message="Raise the rate",
            trailers={"ML-Agent-Step": "s/1", "ML-Agent-Metric": "accuracy 0.9", "ML-Agent-Model": "bandit"},
            commit_to_branch=to_branch,
        )
        settle(self.snapshot, base or self.base, commit)
        return result

    def revert(
        self,
        commit: str,
        *,
        base: str = "",
        to_branch: bool = True,
        landed: str = "",
    ) -> LandResult:
        result = revert(
            self.project,
            self.snapshot,
            base or self.base,
            commit,
            message="Undo",
            trailers={"ML-Agent-Step": "s/1"},
            commit_to_branch=to_branch,
            landed=landed,
        )
        settle(self.snapshot, base or self.base, commit)
        return result
