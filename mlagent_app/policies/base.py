"""The interface of all policies: a state and the applicable edits go in, a proposal comes out."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from mlagent_app.agent.actions import Action
from mlagent_app.agent.edits import Candidate
from mlagent_app.agent.state import State


@dataclass(frozen=True, slots=True)
class Proposal:
    """An action, and for edits how the policy came to it.

    `probability` is the policy's own for this choice (None when it has none); `alternatives` are (instruction,
    probability or score) pairs, best first, the choice included.
    """

    action: Action
    family: str = ""
    probability: float | None = None
    alternatives: tuple[tuple[str, float], ...] = ()


class Cancelled(Exception):
    """The proposal was interrupted."""


class Policy(Protocol):
    """Maps a state to an action. Must be a pure function of its arguments and its seed, so that resume repeats it."""

    @property
    def name(self) -> str: ...

    def propose(self, state: State, candidates: Sequence[Candidate], cancel: threading.Event) -> Proposal:
        """The next action. Raises `Cancelled` soon after `cancel` is set and `UserError` when its back end is unreachable."""
        ...
