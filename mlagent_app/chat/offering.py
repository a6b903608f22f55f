"""The catalogue's edits as they are told to a policy that writes: some of them, listed by file, within a budget of tokens."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Sequence

from mlagent_app.agent.edits import Candidate
from mlagent_app.agent.state import State
from mlagent_app.chat.quoting import quoted

# So many are told at most.
MOST_OFFERED = 60


def offered(state: State, candidates: Sequence[Candidate], taken: Collection[str] = ()) -> list[Candidate]:
    """At most `MOST_OFFERED` of the candidates, in their order; where there are more, the state's files and step draw.

    `taken` are instructions that are told in any case: those that training knows an outcome of.
    """
    first = [number for number, item in enumerate(candidates) if item.instruction in taken]
    rest = sorted(set(range(len(candidates))) - set(first))
    room = min(len(rest), max(0, MOST_OFFERED - len(first)))
    drawn = random.Random(f"{state.base}:{len(state.history)}").sample(rest, room)
    return [candidates[number] for number in sorted([*first, *drawn])]


def listed(edits: Sequence[Candidate], room: int, count: Callable[[str], int]) -> list[str]:
    """As many of the edits as fit into `room` tokens, as data: one list for each file."""
    low, high = 0, len(edits)
    while low < high:  # the most that fit
        middle = (low + high + 1) // 2
        if sum(map(count, _lists(edits[:middle]))) <= room:
            low = middle
        else:
            high = middle - 1
    return _lists(edits[:low])


def _lists(edits: Sequence[Candidate]) -> list[str]:
    return [
        quoted(f"instructions that apply to {path}", "\n".join(f"- {item.instruction}" for item in edits if item.file == path))
        for path in sorted({item.file for item in edits})
    ]
