"""What is known of an edit before a model reads the script: what it came to in training, and what became of its like here.

A policy over edits e in a state s that uses both is log-linear (a product of experts, Hinton 2002):

    pi(e | s) ~ p(e | s)^m exp(sum_k w_k phi_k(e, s))

with p the model's distribution, m `model`, w_k the weights and phi_k the features below.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlagent_app.agent.cookbook import Cookbook, target_of
from mlagent_app.agent.state import State
from mlagent_app.policies.trie import Floats

# phi_k, in the order of the columns of `features`; no unit. Weights go by these names: who changes a feature renames it.
# expected: the logarithm of FLOOR plus the cookbook's mean reward. The others: of this session's tries of the edit's family, or
# of its target (the instruction without its value), the number that helped or failed, over 1 + the number of all. in_time: the
# logarithm of the chance that a run with the edit ends before it is cut off, by the times of the cookbook and of the session.
FEATURES = ("expected", "family_helped", "family_failed", "target_helped", "target_failed", "in_time")
# Below this, means of rewards are not told apart: the cookbook's smallest ones are noise.
FLOOR = 0.01
# The logistic curve of being cut off against the logarithm of foretold time over limit: `python -m benchmarks.overtime`.
STEEP, EVEN = 2.0, 0.4
# How many runs that take as long as foretold weigh up against those of the session that do not.
PACE_STRENGTH = 2.0


@dataclass(frozen=True, slots=True)
class Tried:
    """A try of this session. It `helped` when its edit was kept: what a person refused is no better than what failed.

    `longer`: see `Turn.longer`.
    """

    instruction: str
    family: str
    helped: bool
    longer: float | None = None


def tries(state: State) -> tuple[Tried, ...]:
    """The session's tries so far; what the infrastructure failed is none."""
    return tuple(
        Tried(turn.instruction, turn.family, turn.kept, turn.longer)
        for turn in state.history
        if turn.instruction and turn.outcome != "infrastructure"
    )


def features(
    book: Cookbook, kind: str, tried: Sequence[Tried], edits: Sequence[tuple[str, str]], room: float | None = None
) -> Floats:
    """phi [C, F] of C edits, each an (instruction, family) pair. `kind` is the kind of task, as the cookbook has it.

    `room`: how many times as long as now a run may take. Where that is not known, every run ends in time.
    """
    families = Counter((item.family, item.helped) for item in tried)
    targets = Counter((target_of(item.instruction), item.helped) for item in tried)
    slower = pace(book, kind, tried)
    rows = np.empty((len(edits), len(FEATURES)))
    for row, (instruction, family) in zip(rows, edits, strict=True):
        row[0] = math.log(FLOOR + max(0.0, book.score(kind, instruction, family)))
        row[1:3] = _shares(families, family)
        row[3:5] = _shares(targets, target_of(instruction))
        row[5] = 0.0 if room is None else in_time(slower + book.longer(kind, instruction, family), room)
    return rows


def pace(book: Cookbook, kind: str, tried: Sequence[Tried]) -> float:
    """How much longer than the cookbook foretold the session's runs took: the mean difference of logarithms, shrunk to 0.

    The cookbook's times are of its own tasks' data; where there is more of it, all slow edits are slower.
    """
    over = [item.longer - book.longer(kind, item.instruction, item.family) for item in tried if item.longer is not None]
    return shrunk(over)


def shrunk(over: Sequence[float], strength: float = PACE_STRENGTH) -> float:
    """The mean of `over`, drawn to 0 as if `strength` more of them were 0."""
    return sum(over) / (strength + len(over))


def in_time(longer: float, room: float) -> float:
    """The logarithm of the chance that a run which is expected to take exp(`longer`) times as long ends within `room` times."""
    return -float(np.logaddexp(0.0, STEEP * (longer - math.log(room) - EVEN)))


def _shares(counts: Counter[tuple[str, bool]], name: str) -> tuple[float, float]:
    helped, failed = counts[name, True], counts[name, False]
    return helped / (1 + helped + failed), failed / (1 + helped + failed)


@dataclass(frozen=True, slots=True)
class Prior:
    """m and the w_k of the module's formula. The default leaves the model's distribution as it is."""

    model: float = 1.0
    weights: tuple[float, ...] = (0.0,) * len(FEATURES)

    @property
    def neutral(self) -> bool:
        """Whether it leaves the model's distribution as it is."""
        return self == NEUTRAL

    def mixed(self, logp: Floats, phi: Floats) -> Floats:
        """log pi [C] from the model's log p [C] and phi [C, F]."""
        logits = self.model * logp + phi @ np.array(self.weights)
        logits -= logits.max()
        return logits - np.log(np.exp(logits).sum())

    def to_json(self) -> dict[str, float]:
        """By name."""
        return {"model": self.model, **dict(zip(FEATURES, self.weights, strict=True))}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Prior:
        """What `to_json` wrote. Raises ValueError for other names, and for numbers that are no prior's."""
        if set(data) != {"model", *FEATURES}:
            raise ValueError(f"a prior has model, {', '.join(FEATURES)}")
        found = cls(float(data["model"]), tuple(float(data[name]) for name in FEATURES))
        if not all(map(math.isfinite, (found.model, *found.weights))) or found.model <= 0:
            raise ValueError("a prior's numbers are finite, and its share of the model is positive")
        return found


NEUTRAL = Prior()
