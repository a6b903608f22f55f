"""The cookbook: a static table of each instruction's mean reward, by kind of task. The baseline that a policy must beat."""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

# A mean over n tries counts as n / (n + STRENGTH) of itself and for the rest as the wider mean it stands in. Rewards vary far
# more within an instruction than between instructions: `python -m benchmarks.shrinkage` prints what other strengths come to.
STRENGTH = 50.0
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
class Cookbook:
    """Mean rewards by (kind, instruction), by instruction, by what it is about, by family, and over all.

    Each is shrunk toward the next (empirical Bayes; Efron & Morris 1975), the last to nothing.
    """

    levels: tuple[dict[str, Mean], ...] = field(default_factory=lambda: tuple(defaultdict[str, Mean](Mean) for _ in range(5)))

    def add(self, kind: str, instruction: str, family: str, reward: float) -> None:
        """Take in one executed step."""
        for level, key in zip(self.levels, _keys(kind, instruction, family), strict=True):
            level[key].add(reward)

    def score(self, kind: str, instruction: str, family: str, strength: float = STRENGTH) -> float:
        """What to expect of an instruction, with means shrunk by `strength` tries."""
        every = self.levels[-1].get("")
        expected = every.total / every.count if every and every.count else 0.5
        for level, key in reversed(list(zip(self.levels[:-1], _keys(kind, instruction, family), strict=False))):
            mean = level.get(key)
            expected = expected if mean is None else mean.shrunk(expected, strength)
        return expected

    def count(self, kind: str, instruction: str) -> int:
        """How often it was tried on such a task."""
        mean = self.levels[0].get(f"{kind}/{recipe_of(instruction)}")
        return mean.count if mean else 0

    def to_json(self) -> str:
        """One JSON text; means to five digits."""
        return json.dumps(
            [{key: [round(mean.total, 5), mean.count] for key, mean in sorted(level.items())} for level in self.levels],
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, text: str) -> Cookbook:
        """What `to_json` wrote. Raises ValueError for anything else."""
        book = cls()
        try:
            for level, data in zip(book.levels, json.loads(text), strict=True):
                level.update({key: Mean(float(total), int(count)) for key, (total, count) in data.items()})
            if not all(math.isfinite(mean.total) and mean.count >= 0 for level in book.levels for mean in level.values()):
                raise ValueError("not a cookbook: a mean is not finite, or of a negative number of tries")
        except (TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise ValueError(f"not a cookbook: {error}") from error
        return book

    @classmethod
    def of(cls, steps: Iterable[tuple[str, str, str, float]]) -> Cookbook:
        """From (kind, instruction, family, reward)."""
        book = cls()
        for kind, instruction, family, reward in steps:
            book.add(kind, instruction, family, reward)
        return book


def _keys(kind: str, instruction: str, family: str) -> tuple[str, ...]:
    recipe = recipe_of(instruction)
    return f"{kind}/{recipe}", recipe, target_of(instruction), family, ""
