"""Whether a metric is to be raised or lowered, where its name does not say: what the log itself gives away.

The best of a series is its least or its greatest value (CatBoost's `best:` beside its `test:`, Optuna's best trial), and what a
program measures on its training data gets better. A direction that nothing gives away is assumed to be up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from mlagent_app.agent.metrics import Direction, direction_of
from mlagent_app.agent.names import BEST_WORDS, MEAN_WORDS, PARTS, SPLIT_WORDS, key, kind_of, split_of
from mlagent_app.agent.observations import Observation

ASSUMED = "(assumed; set [metric] direction in mlagent.toml if it is wrong)"

# A printed best is rounded like the rest of its log; this share of the spread counts as the same value.
_SAME = 0.01


def aim(direction: Direction, *, assumed: bool) -> str:
    """The direction in words, with what to do about it where it was only assumed."""
    said = "higher is better" if direction == "max" else "lower is better"
    return f"{said} {ASSUMED}" if assumed else said


def family(name: str) -> str:
    """What is left of a name without the words for data, place and part: one for `learn`, `test`, `best` and `bestTest`."""
    dropped = BEST_WORDS | MEAN_WORDS | PARTS | SPLIT_WORDS.keys() | {"so", "far"}
    return "_".join(token for token in key(name).split("_") if token not in dropped and not token.isdigit())


def told(observations: Iterable[Observation]) -> dict[tuple[str, str], Direction]:
    """The directions that a log gives away, by source and family of names."""
    families: dict[tuple[str, str], list[Observation]] = {}
    for observation in observations:
        if direction_of(observation.name) is None and kind_of(observation.name) != "setting":
            families.setdefault((observation.where, family(observation.name)), []).append(observation)
    found: dict[tuple[str, str], Direction] = {}
    for source, members in families.items():
        if direction := _of_family(members):
            found[source] = direction
    return found


def direction_in(group: Sequence[Observation], directions: Mapping[tuple[str, str], Direction]) -> tuple[Direction, bool]:
    """The direction and whether it is only assumed. Lines that announce a new best give it away, and what `told` finds."""
    name = group[-1].name
    known = direction_of(name)
    if known:
        return known, False
    announced = [o.value for o in group if o.best]
    if len(announced) > 1 and announced[0] != announced[-1]:
        return ("max" if announced[-1] > announced[0] else "min"), False
    given = directions.get((group[-1].where, family(name)))
    return given or "max", given is None


def _of_family(members: Sequence[Observation]) -> Direction | None:
    series: dict[str, list[float]] = {}
    for observation in members:
        series.setdefault(key(observation.name), []).append(observation.value)
    best = {name: values for name, values in series.items() if "best" in name.split("_")}
    held_out = {name: values for name, values in series.items() if name not in best and split_of(name) != "train"}
    for values in best.values():
        given: list[Direction | None] = [_trend(values), *(_extreme(values[-1], other) for other in held_out.values())]
        if any(given):
            return next(filter(None, given))
    for name, values in series.items():
        if split_of(name) == "train" and values[0] != values[-1]:
            return "max" if values[-1] > values[0] else "min"
    return None


def _trend(best: Sequence[float]) -> Direction | None:
    """Which way the best so far went; None when it did not move, or went both ways and so is something else."""
    if best[0] < best[-1] and all(a <= b for a, b in pairwise(best)):
        return "max"
    if best[0] > best[-1] and all(a >= b for a, b in pairwise(best)):
        return "min"
    return None


def _extreme(best: float, series: Sequence[float]) -> Direction | None:
    """Whether the best is the least or the greatest of a series, or lies beyond it, as it was measured between two lines."""
    low, high = min(series), max(series)
    near = _SAME * (high - low)
    if high > low and best <= low + near:
        return "min"
    return "max" if high > low and best >= high - near else None
