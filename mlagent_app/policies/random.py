"""The uniform choice over all applicable edits: the floor every other policy is measured against."""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence

from mlagent_app.agent.actions import EditScript, FinalAnswer
from mlagent_app.agent.chat import OnText
from mlagent_app.agent.edits import Candidate
from mlagent_app.agent.state import State
from mlagent_app.policies.base import Proposal


def untried(state: State, candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates that the session has not tried; when there are none, those not tried on the files as they stand."""
    for tried in (state.tried_ever(), state.tried()):
        left = [item for item in candidates if (item.instruction, item.file) not in tried]
        if left:
            return left
    return []


def nothing_left(candidates: Sequence[Candidate]) -> Proposal:
    """The proposal when there is no edit that was not tried."""
    why = "every applicable edit was tried on these files" if candidates else "no edit of the catalogue applies to these files"
    return Proposal(FinalAnswer(why))


def edit(choice: Candidate) -> EditScript:
    """The action that carries out a candidate."""
    return EditScript(choice.file, choice.instruction)


class RandomPolicy:
    """Draws uniformly among the untried candidates. The draw depends on the seed and the step's number alone."""

    name = "random"

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed

    def propose(
        self, state: State, candidates: Sequence[Candidate], cancel: threading.Event, on_text: OnText | None = None
    ) -> Proposal:
        """One uniform draw; `cancel` has no time to matter."""
        del cancel, on_text
        left = untried(state, candidates)
        if not left:
            return nothing_left(candidates)
        rng = random.Random(f"{self._seed}:{len(state.history)}")
        picks = rng.sample(left, min(6, len(left)))
        share = 1.0 / len(left)
        return Proposal(edit(picks[0]), picks[0].family, share, tuple((item.instruction, share) for item in picks))
