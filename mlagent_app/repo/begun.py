"""A mark in the private repository while a landing writes: by it the next one knows what was killed midway.

Without it, a change that a killed landing wrote and did not commit looks just like one that the user made and did not commit.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

from mlagent_app.repo.gitcmd import Git

_REFS = "refs/mlagent/landing"


class Begun:
    """The landing of the change between two private commits, until it is settled. `before`: it was killed once.

    One that has succeeded is settled by whoever has written down that it did; one that has failed wrote nothing.
    """

    def __init__(self, git: Git, old: str, new: str) -> None:
        self._git = git
        self._ref = f"{_REFS}/{old}-{new}"
        self._new = new
        self.before = False

    def __enter__(self) -> Begun:
        self.before = self.is_marked
        self._git.run("update-ref", self._ref, self._new)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        # What fails puts back what it found: the half of the change that was there before is still there.
        if error is not None and not self.before:
            self.settle()

    @property
    def is_marked(self) -> bool:
        """Whether it was begun and is not settled."""
        return self._git.run("show-ref", "--verify", "--quiet", self._ref, ok=(0, 1)).status == 0

    def settle(self) -> None:
        """Take the mark away."""
        self._git.run("update-ref", "-d", self._ref)


def has_begun(git_dir: Path) -> bool:
    """Whether any landing of this private repository is not settled. Files are looked at: nothing there packs references."""
    place = git_dir / _REFS
    return place.is_dir() and any(place.iterdir())
