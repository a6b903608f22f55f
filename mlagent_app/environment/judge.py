"""Who may say what the metric of a run is, instead of what the run prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mlagent_app.agent.metrics import Reading
from mlagent_app.agent.reward import Reference
from sandbox.runner import Link


@dataclass(frozen=True, slots=True)
class Judged:
    """A grade, as the app reads metrics: a reading, or why there is none; what a person should know about it."""

    reading: Reading | None
    message: str = ""
    warnings: tuple[str, ...] = ()


class Judge(Protocol):
    """Grades a run from the files it wrote. `links` are mounted for it, `hidden` must not be readable for it."""

    @property
    def links(self) -> Sequence[Link]: ...

    @property
    def hidden(self) -> Sequence[Path]: ...

    def judge(self, stdout: str, files: Mapping[str, bytes]) -> Judged:
        """The grade on the hidden dev part, which gives the reward."""
        ...

    def submission(self, files: Mapping[str, bytes]) -> bytes | None:
        """The file that is graded."""
        ...

    def test(self, submission: bytes | None) -> float | None:
        """The grade on the hidden test part; None when the submission is refused."""
        ...

    def reference(self, m_init: float, measured: float | None = None) -> Reference:
        """m_best for a baseline of `m_init`. `measured` is the reference's grade on this very variant, where it is known."""
        ...
