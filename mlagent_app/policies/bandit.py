"""UCB over instruction families (Auer et al. 2002, UCB1), with an optimistic prior for families not tried yet."""

from __future__ import annotations

import math
import random
import threading
from collections import defaultdict
from collections.abc import Sequence

from mlagent_app.agent.chat import OnText
from mlagent_app.agent.edits import Candidate
from mlagent_app.agent.state import State
from mlagent_app.policies.base import Proposal
from mlagent_app.policies.random import edit, nothing_left, untried

# A family not tried yet counts as one pull of this reward: a little above "changed nothing" (0.5 in reward v1).
PRIOR = 0.6
# UCB1's sqrt(2) supposes rewards spread over [0, 1]; those of one project cluster, so the bonus is smaller.
EXPLORATION = 0.25


class BanditPolicy:
    """Picks the family with the highest upper confidence bound, then one of its untried edits.

    Rewards are those of this session's history, mapped to [0, 1] when they come from reward v2. Within a family, edits
    whose target (the instruction less its value) was tried before come last, so that a family's breadth is seen first.
    """

    name = "bandit"

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed

    def propose(
        self, state: State, candidates: Sequence[Candidate], cancel: threading.Event, on_text: OnText | None = None
    ) -> Proposal:
        """The best family's next edit; `cancel` has no time to matter."""
        del cancel, on_text
        left = untried(state, candidates)
        if not left:
            return nothing_left(candidates)
        rng = random.Random(f"{self._seed}:{len(state.history)}")
        by_family: dict[str, list[Candidate]] = defaultdict(list)
        for item in left:
            by_family[item.family].append(item)
        scores = _upper_bounds(state, list(by_family))
        seen = {_target(turn.instruction) for turn in state.history}
        picks = [(_pick(by_family[family], seen, rng), scores[family] + rng.random() * 1e-6) for family in by_family]
        picks.sort(key=lambda pick: -pick[1])
        best = picks[0][0]
        return Proposal(edit(best), best.family, None, tuple((item.instruction, round(score, 4)) for item, score in picks[:6]))


def _upper_bounds(state: State, families: Sequence[str]) -> dict[str, float]:
    """Mean reward plus bonus, per family."""
    rewards: dict[str, list[float]] = defaultdict(list)
    for turn in state.history:
        if turn.reward is not None and turn.family:
            rewards[turn.family].append(max(0.0, min(1.0, turn.reward)))
    total = sum(len(values) for values in rewards.values()) + len(families)
    bounds: dict[str, float] = {}
    for family in families:
        values = [PRIOR, *rewards[family]]
        bounds[family] = sum(values) / len(values) + EXPLORATION * math.sqrt(2 * math.log(total + 1) / len(values))
    return bounds


def _target(instruction: str) -> str:
    """What an instruction is about, without the value it sets."""
    return instruction.split(" to ")[0].split(" using ")[0]


def _pick(items: Sequence[Candidate], seen: set[str], rng: random.Random) -> Candidate:
    fresh = [item for item in items if _target(item.instruction) not in seen]
    return rng.choice(fresh or list(items))
