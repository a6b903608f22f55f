"""What git would store for a file's content: line ends and filters as the project's attributes and configuration say."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from mlagent_app.repo.gitcmd import Git, project_git

_FILTERS = r"^filter\..*\.(clean|process)$"


class Cleaner:
    """Stores contents in the project's object database as `git add` would, without touching its index or its files.

    `scratch` is an empty directory of our own. Paths are relative to the top of the work tree.
    """

    def __init__(self, git_root: Path, git_dir: Path, scratch: Path) -> None:
        self._git_root = git_root
        self._tree = scratch / "tree"
        self._tree.mkdir()
        index = scratch / "index"
        # git keeps carriage returns in a file whose indexed version has them: so it must see the real index.
        shutil.copyfile(git_dir / "index", index)
        # A second work tree lets the project's attributes and configuration apply to contents that are not in its files.
        env = {"GIT_DIR": os.fspath(git_dir), "GIT_WORK_TREE": os.fspath(self._tree), "GIT_INDEX_FILE": os.fspath(index)}
        options = ("-c", "core.splitIndex=false", "-c", "core.untrackedCache=false", *_required(git_root))
        self._git = Git(self._tree, options, env)
        self._round = 0

    def store(self, contents: Mapping[str, bytes]) -> dict[str, str]:
        """The blob ids of these contents. Raises `GitError`, for example when a filter fails."""
        if not contents:
            return {}
        self._round += 1
        for path, content in contents.items():
            place = self._tree / path
            place.parent.mkdir(parents=True, exist_ok=True)
            self._copy_attributes(path)
            place.write_bytes(content)
            os.utime(place, (self._round, self._round))  # unlike what the index has noted: git must read the content
        names = b"".join(os.fsencode(path) + b"\0" for path in contents)
        self._git.run("update-index", "--add", "-z", "--stdin", stdin=names)
        answer = self._git.out("ls-files", "--stage", "-z", "--", *contents)
        stored: dict[str, str] = {}
        for item in answer.split(b"\0")[:-1]:
            head, _, path = item.partition(b"\t")
            stored[os.fsdecode(path)] = head.split(b" ")[1].decode("ascii")
        return stored

    def _copy_attributes(self, path: str) -> None:
        directory = ""
        for part in path.split("/"):
            source = self._git_root / directory / ".gitattributes"
            if source.is_file() and not source.is_symlink():
                shutil.copyfile(source, self._tree / directory / ".gitattributes")
            directory = f"{directory}/{part}" if directory else part


def _required(git_root: Path) -> tuple[str, ...]:
    """Options by which a filter that cannot run is an error: git would store what it was to take out, a password for one.

    A filter that is named by its path within the work tree runs for the user, and not in a work tree of our own.
    """
    told = project_git(git_root).run("config", "-z", "--name-only", "--get-regexp", _FILTERS, ok=(0, 1)).out
    names = {name.rpartition(".")[0] for name in os.fsdecode(told).split("\0") if name and "=" not in name}
    return tuple(word for name in sorted(names) for word in ("-c", f"{name}.required=true"))
