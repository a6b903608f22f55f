"""The cookbook policy: the static table of what paid in training, taken greedily. The baseline for `embedded`."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from mlagent_app.agent.chat import OnText
from mlagent_app.agent.cookbook import Cookbook
from mlagent_app.agent.digest import task_kind
from mlagent_app.agent.edits import Candidate
from mlagent_app.agent.errors import Exit, UserError
from mlagent_app.agent.state import State
from mlagent_app.policies.base import Proposal
from mlagent_app.policies.embedded import BOOK, SHOWN, shipped
from mlagent_app.policies.random import edit, nothing_left, untried


@lru_cache(maxsize=4)
def loaded(path: Path) -> Cookbook:
    """The table in a file. Raises `UserError` (exit 4)."""
    try:
        return Cookbook.from_json(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(
            f"the cookbook cannot be read: {error}", where=str(path), how="install the package again", code=Exit.NO_POLICY
        ) from None


class CookbookPolicy:
    """The untried edit with the highest mean reward in the table, the first of equals. Deterministic, whatever the seed."""

    name = "cookbook"

    def __init__(self, path: Path | None = None) -> None:
        self._book = loaded(path or shipped() / BOOK)

    def propose(
        self, state: State, candidates: Sequence[Candidate], cancel: threading.Event, on_text: OnText | None = None
    ) -> Proposal:
        """The best line of the table; `cancel` has no time to matter."""
        del cancel, on_text
        left = untried(state, candidates)
        if not left:
            return nothing_left(candidates)
        task = task_kind(state)
        scores = [self._book.score(task, item.instruction, item.family) for item in left]
        order = sorted(range(len(left)), key=lambda place: -scores[place])
        best = left[order[0]]
        return Proposal(
            edit(best), best.family, None, tuple((left[place].instruction, round(scores[place], 4)) for place in order[:SHOWN])
        )
