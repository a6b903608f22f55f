"""Which runs will be cut off: `python -m benchmarks.overtime --run DIR [--recipe nano] [--folds 7]`.

DIR is a run of `mlagent-train experts`. Its tasks are parted into folds. A cookbook of the other tasks foretells, for the edits
that were tried in a fold, how many times as long a run takes (see `mlagent_app.agent.cookbook`), for several strengths of
shrinking. Printed are the root mean squared error of its logarithm as a ratio to that of no change, the area under the ROC
curve of the foretold time over the limit for being cut off, beside that of the time which the files take as they are, and the
logistic curve through the former: `STEEP` and `EVEN` of `mlagent_app.policies.prior` are rounded from there. Then, for the
strength that the cookbook has, what share was cut off of those to which that curve gives a chance in a tenth of the edits.
Last, what it adds to know how much longer than foretold the earlier runs of the same episode took (`pace`, by its strength).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score  # pyright: ignore[reportUnknownVariableType]

from benchmarks.shrinkage import Floats, Tried, options, told, tried
from mlagent_app.agent.cookbook import TIME_STRENGTH
from mlagent_app.policies.prior import EVEN, PACE_STRENGTH, STEEP, in_time, shrunk
from training.recipe import load

STRENGTHS = (0.3, 1.0, 3.0, 10.0, 30.0, 300.0)
GROUPS = 10
# The last is no pace at all.
PACES = (0.5, 1.0, 2.0, 4.0, 8.0, math.inf)
Bools = np.ndarray[tuple[int], np.dtype[np.bool_]]


def foretold(steps: Sequence[Tried], folds: int, strength: float) -> Floats:
    """The logarithm of how many times as long a run is to take, [N]."""
    return told(steps, folds, lambda book, kind, s: book.longer(kind, s.instruction, s.family, strength))


def curve(over: Floats, cut: Bools) -> tuple[float, float]:
    """(steep, even): the chance to be cut off is 1 / (1 + exp(-steep (over - even)))."""
    fitted = cast("Any", LogisticRegression)(C=1e3).fit(over[:, None], cut)
    slope = float(fitted.coef_[0, 0])
    return slope, -float(fitted.intercept_[0]) / slope


def paces(steps: Sequence[Tried], over: Floats, strength: float) -> Floats:
    """`pace` before each step, [N], from how much longer than foretold each took, [N]; episodes follow each other."""
    found, last, sofar = np.zeros(len(steps)), ("", 0), list[float]()
    for number, (_, step, _) in enumerate(steps):
        if step.variant != last[0] or step.index <= last[1]:
            sofar = []
        found[number] = shrunk(sofar, strength)
        sofar.append(float(over[number]))
        last = (step.variant, step.index)
    return found


def missed(longer: Floats, foretold: Floats) -> float:
    """The root mean squared error of what was foretold, as a ratio to that of no change."""
    return float(np.sqrt(np.square(longer - foretold).mean() / np.square(longer).mean()))


def log_loss(cut: Bools, foretold: Floats, room: Floats) -> float:
    """The mean negative log-likelihood of what was cut off, in nats."""
    ends = np.array([in_time(*pair) for pair in zip(foretold.tolist(), room.tolist(), strict=True)])
    return float(-np.where(cut, np.log(-np.expm1(ends)), ends).mean())


def ranked(cut: Bools, over: Floats) -> float:
    """The area under the ROC curve."""
    return float(cast("Any", roc_auc_score)(cut, over))


def main() -> None:
    parser = options(__doc__)
    given = parser.parse_args()
    recipe = load(given.recipe)
    steps = [row for row in tried(given.run, recipe) if row[1].longer is not None]
    cut = np.array([step.outcome == "timeout" for _, step, _ in steps])
    if not cut.any():
        parser.error(f"{given.run} has no timed expert trajectories in which a run was cut off")
    longer = np.array([step.longer for _, step, _ in steps], float)
    room = recipe.tasks.run_seconds / np.array([step.before_seconds for _, step, _ in steps], float)
    print(f"{len(steps)} timed edits, {int(cut.sum())} of them cut off after {recipe.tasks.run_seconds:g} s")
    print(f"{'strength':>8} {'error':>7} {'AUC':>7} {'as is':>7} {'steep':>7} {'even':>7}")
    as_is = ranked(cut, -np.log(room))
    for strength in STRENGTHS:
        times = foretold(steps, given.folds, strength)
        error = missed(longer, times)
        over = times - np.log(room)
        steep, even = curve(over, cut)
        mark = "   the cookbook" if strength == TIME_STRENGTH else ""
        print(f"{strength:8g} {error:7.3f} {ranked(cut, over):7.3f} {as_is:7.3f} {steep:7.2f} {even:7.2f}{mark}")
    times = foretold(steps, given.folds, TIME_STRENGTH)
    chances = 1.0 - np.exp([in_time(*pair) for pair in zip(times.tolist(), room.tolist(), strict=True)])
    print(f"with steep {STEEP:g}, even {EVEN:g}: chance foretold / share cut off, by tenths of the edits")
    for group in np.array_split(np.argsort(chances), GROUPS):
        print(f"{chances[group].mean():8.3f} {cut[group].mean():7.3f}")
    print("with what the episode's earlier runs took longer than foretold")
    print(f"{'strength':>8} {'error':>7} {'AUC':>7} {'log loss':>9}")
    for strength in PACES:
        paced = times + paces(steps, longer - times, strength)
        error = missed(longer, paced)
        mark = "   the policy" if strength == PACE_STRENGTH else "   none" if strength == PACES[-1] else ""
        print(f"{strength:8g} {error:7.3f} {ranked(cut, paced - np.log(room)):7.3f} {log_loss(cut, paced, room):9.4f}{mark}")


if __name__ == "__main__":
    main()
