"""The interface of all policies: a state and the applicable edits go in, a proposal comes out."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from mlagent_app.agent.actions import Action, InvalidAction
from mlagent_app.agent.chat import OnText, Usage
from mlagent_app.agent.edits import Candidate
from mlagent_app.agent.state import State


@dataclass(frozen=True, slots=True)
class Proposal:
    """An action, and for edits how the policy came to it.

    `probability` is the policy's own for this choice (None when it has none); `alternatives` are (instruction,
    probability or score) pairs, best first, the choice included. `reply` is the whole answer of a policy that writes one, and
    `usage` what it took.
    """

    action: Action | InvalidAction
    family: str = ""
    probability: float | None = None
    alternatives: tuple[tuple[str, float], ...] = ()
    reply: str = ""
    usage: Usage | None = None


class Policy(Protocol):
    """Maps a state to an action. What draws from its own distribution depends on its arguments and its seed alone."""

    @property
    def name(self) -> str: ...

    def propose(
        self,
        state: State,
        candidates: Sequence[Candidate],
        cancel: threading.Event,
        on_text: OnText | None = None,
    ) -> Proposal:
        """The next action. A policy that writes passes its words on as they come.

        Raises `Cancelled` soon after `cancel` is set and `UserError` (exit 4) when its back end is unreachable.
        """
        ...
