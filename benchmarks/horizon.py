"""What an edit is worth at once and by the end: `python -m benchmarks.horizon --run DIR --run DIR ... [--steps 6]`.

Each DIR is a run of `mlagent-train experts`. What pays at once may only come first what would have come anyhow, or close the
way to something better; so the gain of a step is set beside that from the step to the end of its episode. Both are of the span
from the start's metric to its reference. Every step is compared with those of the other episodes from the same start, with the
level reached, its square and the step's number held fixed by least squares; one run plays a start once, so that it takes two.
Printed are differences to setting an argument of a model, with 95 % bootstrap intervals over starts; and the slope on what a
cookbook of the other tasks expects of the edit (1 where that is what comes of it). Steps after models were averaged are left
out: what applies then is another set of edits.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from training import experts
from training.episodes import Step
from training.recipe import Recipe, load

Floats = np.ndarray[Any, np.dtype[np.float64]]
Bools = np.ndarray[Any, np.dtype[np.bool_]]
Numbers = np.ndarray[Any, np.dtype[np.intp]]
# What the others are compared with.
BASE = "estimator-argument"
# Families of fewer steps are one.
FEWEST = 30
# A step in the last ones of an episode has no time to open or close anything.
LEFT = 3
RESAMPLES, RIDGE = 1000, 1e-3


@dataclass(frozen=True, slots=True)
class Tried:
    """A step: the start it belongs to, and gains at once and to the end, as shares of the span. `level` is where it began."""

    start: tuple[str, ...]
    episode: str
    family: str
    index: int
    level: float
    expected: float
    now: float
    by_the_end: float


def family_of(step: Step) -> str:
    """The step's family; ensembles by what is made of the models."""
    return step.instruction.split()[0] if step.family == "ensemble" else step.family


def tried(run: Path, recipe: Recipe, steps: int) -> Iterator[Tried]:
    """The first `steps` steps of every episode, until models are averaged."""
    found = list(experts.played(experts.stage_of(run, recipe)))
    version = recipe.experts.book_reward
    tasks = {episode["start"]["task"] for episode in found}
    books = {task: experts.book_of((row for row in found if row["start"]["task"] != task), version) for task in tasks}
    for episode in found:
        if not episode["values"]:
            continue
        start, kind = episode["start"], episode["kind"]
        book = books[start["task"]]
        levels = [max(-1.0, min(1.0, experts.share(value, episode))) for value in episode["values"]]
        for step in (Step(**row) for row in episode["steps"][:steps]):
            if step.index + LEFT > len(episode["steps"]):
                break
            if step.is_catalogue_edit and step.reward(version) is not None:
                now, end = levels[step.index + 1] - levels[step.index], levels[-1] - levels[step.index]
                place = (start["task"], start["starter"], str(start["detune"]))
                expected = book.score(kind, step.instruction, step.family)
                name = f"{run}/{'/'.join(place)}/{start['variant']}/{episode['seed']}"
                yield Tried(place, name, family_of(step), step.index, levels[step.index], expected, now, end)
            if step.kept and family_of(step) in ("vote", "stack"):
                break


def merged(rows: Iterable[Tried]) -> list[tuple[Tried, str]]:
    """Steps with their family, or `other`."""
    known = list(rows)
    counts = Counter(row.family for row in known)
    return [(row, row.family if counts[row.family] >= FEWEST else "other") for row in known]


def compared(values: Floats, rows: Sequence[Tried]) -> Floats:
    """`values` [N, P] less their means over the other episodes from the same start; nan where there are none."""
    starts, episodes = _numbers([row.start for row in rows]), _numbers([row.episode for row in rows])
    whole, own = _sums(values, starts), _sums(values, episodes)
    others = np.bincount(starts)[starts] - np.bincount(episodes)[episodes]
    with np.errstate(invalid="ignore"):
        return values - (whole[starts] - own[episodes]) / others[:, None]


def _numbers(names: Sequence[object]) -> Numbers:
    known = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return np.array([known[name] for name in names])


def _sums(values: Floats, groups: Numbers) -> Floats:
    found = np.zeros((groups.max() + 1, values.shape[1]))
    np.add.at(found, groups, values)
    return found


def fitted(columns: Floats, wanted: Floats, rows: Sequence[Tried]) -> tuple[Floats, Floats]:
    """Coefficients [P] of least squares on `columns` [N, P], and those of resamples of the starts [R, P]."""
    told = compared(np.hstack([columns, wanted[:, None]]), rows)
    here: Bools = ~np.asarray(np.isnan(told).any(axis=1))
    told, groups = told[here], _numbers([row.start for row, whole in zip(rows, here.tolist(), strict=True) if whole])
    count, width = groups.max() + 1, columns.shape[1]
    products = np.zeros((count, width, width + 1))
    np.add.at(products, groups, told[:, :-1, None] * told[:, None, :])
    drawn = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), RESAMPLES)
    sums: Floats = np.tensordot(np.vstack([np.ones(count), drawn]), products, axes=1)
    left: Floats = sums[:, :, :-1] + RIDGE * np.eye(width)
    right: Floats = sums[:, :, -1:]
    found = np.asarray(np.linalg.solve(left, right), np.float64)[:, :, 0]
    return found[0], found[1:]


def table(rows: Sequence[tuple[Tried, str]], longest: int) -> str:
    """The printed table."""
    names = [BASE, *sorted({name for _, name in rows} - {BASE})]
    fixed = np.array([[row.level, row.level**2, *(float(row.index == number) for number in range(longest))] for row, _ in rows])
    families = np.array([[float(name == other) for other in names] for _, name in rows])
    foretold = np.array([[row.expected] for row, _ in rows])
    steps = [row for row, _ in rows]
    gains = [np.array([row.now for row, _ in rows]), np.array([row.by_the_end for row, _ in rows])]
    told = [fitted(np.hstack([families, fixed]), gain, steps) for gain in gains]
    counts = Counter(name for _, name in rows)
    lines = [f"{'':24s}{'steps':>6s}{'at once':>24s}{'by the end':>24s}"]
    for place in sorted(range(1, len(names)), key=lambda place: -told[1][0][place]):
        cells = [_cell(mean[place] - mean[0], many[:, place] - many[:, 0]) for mean, many in told]
        lines.append(f"{names[place]:24s}{counts[names[place]]:6d}{cells[0]:>24s}{cells[1]:>24s}")
    slopes = [fitted(np.hstack([foretold, fixed]), gain, steps) for gain in gains]
    cells = [_cell(mean[0], many[:, 0]) for mean, many in slopes]
    lines.append(f"{'slope on what is expected':30s}{cells[0]:>24s}{cells[1]:>24s}")
    return "\n".join(lines)


def _cell(mean: float, many: Floats) -> str:
    low, high = np.percentile(many, [2.5, 97.5])
    return f"{mean:+.3f} [{low:+.3f}, {high:+.3f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, action="append", metavar="DIR")
    parser.add_argument("--recipe", default="nano")
    parser.add_argument("--steps", type=int, default=6)
    given = parser.parse_args()
    recipe = load(given.recipe)
    rows = merged(row for run in given.run for row in tried(run, recipe, given.steps))
    episodes = Counter(start for start, _ in {(row.start, row.episode) for row, _ in rows})
    if not episodes or max(episodes.values()) < 2:
        parser.error("no start was played twice: name two runs of mlagent-train experts, of recipes that differ in `seed`")
    print(f"{len(rows)} edits of {len({row.start for row, _ in rows})} starts in {len(given.run)} runs; beside {BASE}:")
    print(table(rows, given.steps))


if __name__ == "__main__":
    main()
