"""Constrained decoding, spelled out: what the trie and the packed passes are measured against."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

Logits = Callable[[tuple[int, ...]], Sequence[float]]


def log_probabilities(completions: Sequence[Sequence[int]], logits: Logits) -> list[float]:
    """Of each completion, when after every prefix only the tokens that continue a completion are allowed."""
    return [
        sum(_step(completions, logits, tuple(ids[:at]), token) for at, token in enumerate(ids))
        for ids in map(list, completions)
    ]


def _step(completions: Sequence[Sequence[int]], logits: Logits, prefix: tuple[int, ...], token: int) -> float:
    size = len(prefix)
    allowed = {ids[size] for ids in completions if tuple(ids[:size]) == prefix and len(ids) > size}
    if len(allowed) == 1:
        return 0.0
    values = logits(prefix)
    top = max(values[choice] for choice in allowed)
    total = math.log(sum(math.exp(values[choice] - top) for choice in allowed))
    return values[token] - top - total
