"""What the environment needs of the place where files and their edits are kept."""

from __future__ import annotations

import difflib
import fnmatch
import hashlib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from mlagent_app.repo.scan import ReadOnlyLink


class Versions(Protocol):
    """States of a project's files, each named by a commit. A session keeps them in git, a training episode in memory."""

    @property
    def links(self) -> Sequence[ReadOnlyLink]: ...

    def changed_data(self) -> str:
        """What of the linked data is no longer as it was at the start, in a few words; empty when all is."""
        ...

    def files(self, commit: str) -> list[str]:
        """The paths of a commit."""
        ...

    def texts(self, commit: str, patterns: Sequence[str]) -> dict[str, bytes]:
        """The contents of the files that are named by `patterns`: paths, or globs."""
        ...

    def commit_edit(self, base: str, contents: Mapping[str, bytes | None], message: str) -> str:
        """A commit on `base` with these contents (None deletes a file); `base` itself when nothing changes."""
        ...

    def leads_back(self, base: str, path: str, content: bytes, commits: Collection[str]) -> bool:
        """Whether `base` with this content of its file `path` has the very files of one of `commits`."""
        ...

    def diff(self, a: str, b: str) -> str:
        """The unified diff from `a` to `b`."""
        ...

    def materialise(self, commit: str, directory: Path) -> None:
        """Write a commit's files into `directory`, which is empty."""
        ...


class MemoryVersions:
    """`Versions` of a few small files, held in memory: no process is started for a step. A commit is named by its content."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._commits: dict[str, dict[str, bytes]] = {}
        self.base = self.add(files)

    @property
    def links(self) -> Sequence[ReadOnlyLink]:
        return ()

    def changed_data(self) -> str:
        return ""

    def add(self, files: Mapping[str, bytes]) -> str:
        """Take in a state; its name."""
        commit = _name(files)
        self._commits[commit] = dict(files)
        return commit

    def contents(self, commit: str) -> dict[str, bytes]:
        """All files of a commit."""
        return dict(self._commits[commit])

    def files(self, commit: str) -> list[str]:
        return sorted(self._commits[commit])

    def texts(self, commit: str, patterns: Sequence[str]) -> dict[str, bytes]:
        files = self._commits[commit]
        return {path: files[path] for path in sorted(files) if any(fnmatch.fnmatchcase(path, glob) for glob in patterns)}

    def commit_edit(self, base: str, contents: Mapping[str, bytes | None], message: str) -> str:
        del message  # the name of a state does not depend on how it was reached
        merged: dict[str, bytes | None] = {**self._commits[base], **contents}
        return self.add({path: content for path, content in merged.items() if content is not None})

    def leads_back(self, base: str, path: str, content: bytes, commits: Collection[str]) -> bool:
        # By name alone: of the commits before a saved state that was entered only the names are known.
        return _name({**self._commits[base], path: content}) in commits

    def diff(self, a: str, b: str) -> str:
        before, after = self._commits[a], self._commits[b]
        lines: list[str] = []
        for path in sorted(before.keys() | after.keys()):
            old, new = (side.get(path, b"").decode("utf-8", "replace").splitlines(keepends=True) for side in (before, after))
            if old != new:
                lines.append(f"diff --git a/{path} b/{path}\n")
                lines += difflib.unified_diff(old, new, f"a/{path}", f"b/{path}")
        return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)

    def materialise(self, commit: str, directory: Path) -> None:
        for path, content in self._commits[commit].items():
            target = directory / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)


def _name(files: Mapping[str, bytes]) -> str:
    """A commit's name: a digest of its files."""
    digest = hashlib.sha256()
    for path, content in sorted(files.items()):
        digest.update(f"{path}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:40]
