"""The cookbook: a static table of each instruction's mean reward, by kind of task: the baseline that a policy must beat.

Beside it, for those who have an eye on the clock, how many times as long a run takes with the edit as without it.
"""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

# A mean over n tries counts as n / (n + STRENGTH) of itself and for the rest as the wider mean it stands in. Rewards vary far
# more within an instruction than between instructions: `python -m benchmarks.shrinkage` prints what other strengths come to.
STRENGTH = 50.0
# The same for run times, which vary far more between instructions than within one: `python -m benchmarks.overtime`.
TIME_STRENGTH = 3.0
# A run that was cut off is counted as if it had taken so many times as long; it would have taken that, or less, or far more.
CUT_OFF = 2.0
# Seconds: what is shorter is not told apart.
SHORTEST = 0.05
_PLACE = re.compile(r" in \S+\.\w+$")
_NUMBER = re.compile(r" #\d+$")
_VALUE = re.compile(r"\b(to|lr|at) (?:\([^()]*\)|\S+)(?= and |$)")


def recipe_of(instruction: str) -> str:
    """An instruction without the place that it names: what can be compared between projects."""
    return _NUMBER.sub("", _PLACE.sub("", instruction))


def target_of(instruction: str) -> str:
    """An instruction without its value: what it is about."""
    return _VALUE.sub(r"\1 ?", recipe_of(instruction))


@dataclass(slots=True)
class Mean:
    """A running mean."""

    total: float = 0.0
    count: int = 0

    def add(self, value: float) -> None:
        self.total += value
        self.count += 1

    def shrunk(self, toward: float, strength: float = STRENGTH) -> float:
        """The mean, drawn toward a wider one where there are few values."""
        return (self.total + strength * toward) / (self.count + strength)


@dataclass(slots=True)
class Means:
    """Means by (kind, instruction), by instruction, by what it is about, by family, and over all.

    Each is shrunk toward the next (empirical Bayes; Efron & Morris 1975), the last to nothing.
    """

    levels: tuple[dict[str, Mean], ...] = field(default_factory=lambda: tuple(defaultdict[str, Mean](Mean) for _ in range(5)))

    def add(self, keys: tuple[str, ...], value: float) -> None:
        """Take in one value."""
        for level, key in zip(self.levels, keys, strict=True):
            level[key].add(value)

    def expected(self, keys: tuple[str, ...], strength: float, nothing: float) -> float:
        """What to expect of these keys, with means shrunk by `strength` values; `nothing` where there are none at all."""
        every = self.levels[-1].get("")
        found = every.total / every.count if every and every.count else nothing
        for level, key in reversed(list(zip(self.levels[:-1], keys, strict=False))):
            mean = level.get(key)
            found = found if mean is None else mean.shrunk(found, strength)
        return found

    def to_data(self) -> list[dict[str, tuple[float, int]]]:
        """Plain values; totals to five digits."""
        return [{key: (round(mean.total, 5), mean.count) for key, mean in sorted(level.items())} for level in self.levels]

    @classmethod
    def of_data(cls, data: Iterable[Any]) -> Means:
        """What `to_data` made, after JSON. Raises ValueError, TypeError, AttributeError and OverflowError for anything else."""
        found = cls()
        for level, rows in zip(found.levels, data, strict=True):
            level.update({key: Mean(float(total), int(count)) for key, (total, count) in rows.items()})
        if not all(math.isfinite(mean.total) and mean.count >= 0 for level in found.levels for mean in level.values()):
            raise ValueError("not a cookbook: a mean is not finite, or of a negative number of tries")
        return found


@dataclass(slots=True)
class Cookbook:
    """Mean `rewards` of instructions, and the mean natural logarithm of how many `times` as long a run takes with the edit."""

    rewards: Means = field(default_factory=Means)
    times: Means = field(default_factory=Means)

    def add(self, kind: str, instruction: str, family: str, reward: float, longer: float | None = None) -> None:
        """Take in one executed step. `longer`: see `lengthened`; None where that is not known."""
        keys = _keys(kind, instruction, family)
        self.rewards.add(keys, reward)
        if longer is not None:
            self.times.add(keys, longer)

    def score(self, kind: str, instruction: str, family: str, strength: float = STRENGTH) -> float:
        """The reward to expect of an instruction, with means shrunk by `strength` tries."""
        return self.rewards.expected(_keys(kind, instruction, family), strength, 0.5)

    def longer(self, kind: str, instruction: str, family: str, strength: float = TIME_STRENGTH) -> float:
        """The natural logarithm of how many times as long a run with the edit is to be expected to take; 0 for equally long."""
        return self.times.expected(_keys(kind, instruction, family), strength, 0.0)

    def count(self, kind: str, instruction: str) -> int:
        """How often it was tried on such a task."""
        mean = self.rewards.levels[0].get(f"{kind}/{recipe_of(instruction)}")
        return mean.count if mean else 0

    def to_json(self) -> str:
        """One JSON text."""
        return json.dumps({"rewards": self.rewards.to_data(), "times": self.times.to_data()}, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Cookbook:
        """What `to_json` wrote. Raises ValueError for anything else."""
        try:
            data = json.loads(text)
            if set(data) != {"rewards", "times"}:
                raise ValueError("not a cookbook: it has rewards and times")
            return cls(Means.of_data(data["rewards"]), Means.of_data(data["times"]))
        except (TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise ValueError(f"not a cookbook: {error}") from error

    @classmethod
    def of(cls, steps: Iterable[tuple[str, str, str, float] | tuple[str, str, str, float, float | None]]) -> Cookbook:
        """From (kind, instruction, family, reward), and longer where that is known; see `add`."""
        book = cls()
        for kind, instruction, family, reward, *longer in steps:
            book.add(kind, instruction, family, reward, *longer)
        return book


def lengthened(before: float | None, after: float, outcome: str = "ok") -> float | None:
    """The natural logarithm of how many times as long a run took `after` an edit as `before` it, in seconds.

    None where that is not known: without a time before, and for a run that came to no end of its own or failed before it.
    """
    if before is None or outcome not in ("ok", "timeout"):
        return None
    return math.log((after * (CUT_OFF if outcome == "timeout" else 1.0) + SHORTEST) / (before + SHORTEST))


@lru_cache(maxsize=8192)
def _keys(kind: str, instruction: str, family: str) -> tuple[str, ...]:
    recipe = recipe_of(instruction)
    return f"{kind}/{recipe}", recipe, target_of(instruction), family, ""
