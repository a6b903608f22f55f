"""What an evaluation says: gains, avg@k and best@k, and the intervals around them. Pure functions over finished trajectories.

Every interval is a 95 % percentile bootstrap. What is drawn with replacement is a whole unit, a start with all trajectories
and training seeds on it, or a task with everything in it, because the runs in a unit share their data, and a sharp policy's
trajectories from a start are nearly copies of each other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from mlagent_app.agent.metrics import Direction

Array = npt.NDArray[np.float64]
K = TypeVar("K", bound=Hashable)
# What an interval leaves out at either end.
TAIL = 0.025
# A relative gain is not divided by less than this, and no smaller difference counts.
TINY = 1e-9
RESAMPLES = 2000
MISSING = "–"  # noqa: RUF001
# The table of the arms shows the gain after so many steps beside that after all: late steps seldom help.
EARLY = 3


@dataclass(frozen=True, slots=True)
class Outcome:
    """One evaluated trajectory of one arm.

    `seed` is the arm's training seed, `trajectory` the number of the replicate. `values[t]`, in the metric's unit, is the best
    kept so far after t executed steps: `values[0]` is `m_init` as it was measured. `first_reward` and `first_scale` (delta /
    span of eq. 6, no unit) belong to the first executed step: a reward of None says that there was none, or that the
    infrastructure failed. `test_start` and `test` grade the first and the last files on the hidden test part, if asked for.
    """

    arm: str
    seed: int
    task: str
    variant: int
    starter: str
    trajectory: int
    direction: Direction
    m_init: float
    m_best: float
    values: tuple[float, ...]
    first_reward: float | None = None
    first_scale: float | None = None
    test_start: float | None = None
    test: float | None = None
    detune: int = 0

    @property
    def start(self) -> tuple[str, int, str, int]:
        """Where it started: task, variant, starter, and how many of its settings were moved."""
        return (self.task, self.variant, self.starter, self.detune)

    @property
    def pair(self) -> tuple[str, int, str, int, int]:
        """What pairs trajectories of different arms and training seeds."""
        return (*self.start, self.trajectory)

    def after(self, steps: int) -> float:
        """The metric after so many steps; the last one where the episode ended before. Raises ValueError when it never ran."""
        if not self.values or steps < 0:
            raise ValueError(f"no value after {steps} steps of {self.arm} on {self.pair}")
        return self.values[min(steps, len(self.values) - 1)]


# What a trajectory is worth, as a number; and the same after a number of steps.
Value = Callable[[Outcome], float]
Measure = Callable[[Outcome, int], float]


def relative_gain(outcome: Outcome, steps: int, cap: float | None = None) -> float:
    """The paper's relative gain, beta (p - b) / |b|: no unit, 0.1 is 10 %, positive is better.

    p = the metric after `steps` steps, b = m_init, beta = +1 for a metric to raise and -1 for one to lower. |b| is taken as at
    least 1e-9. With `cap` a gain above it counts as `cap`, so that one baseline near 0 does not make the mean.
    """
    return _relative(outcome.after(steps), outcome.m_init, outcome.direction, cap)


def gap_closed(outcome: Outcome, steps: int) -> float:
    """The share of the known gain that was found, (p - b) / (m_best - b): no unit, 1 = as good as the reference, may exceed 1.

    The sign of the span makes it right for either direction. Raises ValueError when m_best is not better than b = m_init.
    """
    span = outcome.m_best - outcome.m_init
    if not (span if outcome.direction == "max" else -span) > 0:
        raise ValueError(f"m_best {outcome.m_best} is not better than m_init {outcome.m_init} on {outcome.start}")
    return (outcome.after(steps) - outcome.m_init) / span


def hidden_gain(outcome: Outcome, cap: float | None = None) -> float | None:
    """The relative gain on the hidden test part, beta (test - test_start) / |test_start|; None where it was not graded."""
    before, after = outcome.test_start, outcome.test
    if before is None or after is None or not (math.isfinite(before) and math.isfinite(after)):
        return None
    return _relative(after, before, outcome.direction, cap)


def _relative(after: float, before: float, direction: Direction, cap: float | None) -> float:
    gain = (after - before if direction == "max" else before - after) / max(abs(before), TINY)
    return gain if cap is None else min(gain, cap)


@dataclass(frozen=True, slots=True)
class AtK:
    """avg@k and best@k, in the unit of the value; `k` replicates at most a start, `starts` starts (one a training seed)."""

    average: float
    best: float
    k: int
    starts: int


def at_k(outcomes: Sequence[Outcome], value: Value, k: int | None = None) -> AtK:
    """avg@k: the mean over starts of the mean over the k replicates; best@k: the mean over starts of their maximum.

    A start is (arm, training seed, task, variant, starter). `k` takes the first k replicates. Raises ValueError on nothing.
    """
    ordered = sorted(outcomes, key=lambda outcome: outcome.trajectory)
    starts = _grouped(ordered, lambda outcome: (outcome.arm, outcome.seed, *outcome.start))
    found = [[value(outcome) for outcome in group[:k]] for group in starts.values()]
    if not found or (k is not None and k < 1):
        raise ValueError("there are no trajectories")
    average, best = ([math.fsum(part) / len(part) for part in found], [max(part) for part in found])
    return AtK(mean(average), mean(best), max(map(len, found)), len(found))


def at_k_by_task(outcomes: Sequence[Outcome], value: Value, k: int | None = None) -> dict[tuple[str, str], AtK]:
    """`at_k` of each (arm, task), in the order in which they first come."""
    groups = _grouped(outcomes, lambda outcome: (outcome.arm, outcome.task))
    return {key: at_k(group, value, k) for key, group in groups.items()}


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio of means (no unit), with one interval from resampled starts and one from resampled tasks.

    The first says how well these tasks are measured, the second what other tasks of the kind may show; it needs several tasks
    to mean anything. NaN where the mean below is not positive.
    """

    value: float
    low: float
    high: float
    low_tasks: float
    high_tasks: float
    pairs: int


def ratio(a: Sequence[Outcome], b: Sequence[Outcome], value: Value, resamples: int = RESAMPLES, seed: int = 0) -> Ratio:
    """Mean value of `a` over mean value of `b`, on the trajectories that both have.

    Each run of `a` is paired with each run of `b` on the same (task, variant, starter, trajectory), so each training seed of
    one meets the other's; a pair counts once in both means. A resample in which b's mean is not positive has no ratio: it
    counts as below `low` and as above `high`. Raises ValueError when the arms share nothing.
    """
    ours, theirs = (_grouped(side, lambda outcome: outcome.pair) for side in (a, b))
    shared = sorted(ours.keys() & theirs.keys())
    if not shared:
        raise ValueError("the arms share no trajectory")
    # (units, 2): the sums over the pairs of a trajectory, above and below the line.
    sums = np.empty((len(shared), 2))
    pairs = 0
    for row, key in enumerate(shared):
        mine, other = ours[key], theirs[key]
        sums[row, 0] = len(other) * math.fsum(map(value, mine))
        sums[row, 1] = len(mine) * math.fsum(map(value, other))
        pairs += len(mine) * len(other)
    low, high = _ratio_interval(_summed(sums, [key[:-1] for key in shared]), resamples, seed)
    low_tasks, high_tasks = _ratio_interval(_summed(sums, [key[0] for key in shared]), resamples, seed)
    return Ratio(float(_quotients(sums.sum(axis=0))), low, high, low_tasks, high_tasks, pairs)


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean of `count` values with its interval, in their unit."""

    value: float
    low: float
    high: float
    count: int


def mean_interval(
    values: Sequence[float], units: Sequence[Hashable] | None = None, resamples: int = RESAMPLES, seed: int = 0
) -> Interval:
    """The mean of one arm's values. `units`, one a value, names what is drawn together (a start, a task); else each alone.

    Raises ValueError on nothing.
    """
    labels: Sequence[Hashable] = range(len(values)) if units is None else units
    mean, low, high = _means(np.asarray(values, dtype=np.float64).reshape(-1, 1), labels, resamples, seed)
    return Interval(float(mean[0]), float(low[0]), float(high[0]), len(values))


@dataclass(frozen=True, slots=True)
class Curve:
    """The mean of a measure after 0, 1, ... steps, with pointwise intervals; four tuples of the same length."""

    steps: tuple[int, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


def learning_curve(
    outcomes: Sequence[Outcome], steps: int, measure: Measure = relative_gain, resamples: int = RESAMPLES, seed: int = 0
) -> Curve:
    """The arm's mean after 0 to `steps` steps; starts are resampled. Raises ValueError on nothing."""
    table = np.array([[measure(outcome, step) for step in range(steps + 1)] for outcome in outcomes], dtype=np.float64)
    mean, low, high = _means(table.reshape(-1, steps + 1), [outcome.start for outcome in outcomes], resamples, seed)
    return Curve(tuple(range(steps + 1)), tuple(mean.tolist()), tuple(low.tolist()), tuple(high.tolist()))


def steps_to_reach(outcomes: Sequence[Outcome], level: float, value: Measure = relative_gain) -> int | None:
    """The smallest number of executed steps after which the mean of `value` is at least `level`; None if it never is.

    A shortfall of 1e-9 is rounding and counts as reached.
    """
    longest = max((len(outcome.values) for outcome in outcomes), default=0)
    return next((step for step in range(longest) if mean([value(outcome, step) for outcome in outcomes]) >= level - TINY), None)


def first_edit_success(outcomes: Sequence[Outcome]) -> float | None:
    """The share (0 to 1) of trajectories whose first executed edit improved the metric, first_scale > 0.

    An invalid or failing edit counts as no success; a step that the infrastructure lost does not count. None without any step.
    """
    scored = [outcome for outcome in outcomes if outcome.first_reward is not None]
    return sum((outcome.first_scale or 0.0) > 0 for outcome in scored) / len(scored) if scored else None


def arm_rows(
    outcomes: Sequence[Outcome],
    steps: int,
    baseline: str = "random",
    cap: float | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[list[str]]:
    """One row an arm below a row of headings. Gains are relative; the two last columns are over the trajectories with a test.

    There is no best@k where no start has a second trajectory.

    `Steps to X's level`: after how many steps the arm's mean relative gain is what `baseline` has after `steps` steps.
    """
    gain = partial(relative_gain, cap=cap)
    arms = _grouped(outcomes, lambda outcome: outcome.arm)
    level = mean([gain(outcome, steps) for outcome in arms[baseline]]) if baseline in arms else math.inf
    found = {arm: at_k(group, lambda outcome: gain(outcome, steps)) for arm, group in arms.items()}
    k = max((at.k for at in found.values()), default=0)
    rows = [["Arm", "Trajectories", f"Gain after {EARLY} steps", f"Gain after {steps} steps", "Gap closed"]]
    rows[0] += [f"Best@{k} gain"] if k > 1 else []
    rows[0] += ["First edit helps", f"Steps to {baseline}'s level", "Dev gain at the end", "Hidden-test gain"]
    for arm, group in arms.items():
        units = [outcome.start for outcome in group]
        early, late = (
            mean_interval([gain(outcome, count) for outcome in group], units, resamples, seed) for count in (EARLY, steps)
        )
        reached = steps_to_reach(group, level, gain)
        hidden = [(outcome, test) for outcome in group if (test := hidden_gain(outcome, cap)) is not None]
        row = [arm, str(len(group)), _between(early), _between(late)]
        row += [percent(mean([gap_closed(outcome, steps) for outcome in group]))]
        row += [percent(found[arm].best) if found[arm].k == k else MISSING] if k > 1 else []
        row += [percent(first_edit_success(group))]
        row += [MISSING if reached is None else str(reached)]
        row += [percent(mean([gain(outcome, len(outcome.values)) for outcome, _ in hidden]))]
        rows.append([*row, percent(mean([test for _, test in hidden]))])
    return rows


def task_rows(outcomes: Sequence[Outcome], steps: int, measure: Measure = relative_gain) -> list[list[str]]:
    """One row a task and one column an arm, below a row of headings: `avg@k / best@k` of the measure after `steps` steps.

    An arm without a second trajectory of any start has its mean alone.
    """
    found = at_k_by_task(outcomes, lambda outcome: measure(outcome, steps))
    arms, tasks = (list(dict.fromkeys(key[place] for key in found)) for place in (0, 1))
    most = {arm: max(at.k for (name, _), at in found.items() if name == arm) for arm in arms}
    rows = [["Task", *(f"{arm} (avg / best@{k})" if k > 1 else arm for arm, k in most.items())]]
    for task in tasks:
        cells = [(arm, found.get((arm, task))) for arm in arms]
        rows.append([task, *(MISSING if at is None else _at_k(at, most[arm]) for arm, at in cells)])
    return rows


def _at_k(at: AtK, k: int) -> str:
    return f"{percent(at.average)} / {percent(at.best)}" if k > 1 else percent(at.average)


def ratio_rows(
    outcomes: Sequence[Outcome],
    pairs: Sequence[tuple[str, str]],
    steps: int,
    measure: Measure = relative_gain,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[list[str]]:
    """One row for each (arm, arm to divide by) that share a trajectory, below a row of headings."""
    arms = _grouped(outcomes, lambda outcome: outcome.arm)
    rows = [["Arms", "Ratio", "95 % over starts", "95 % over tasks", "Pairs"]]
    for a, b in pairs:
        if {outcome.pair for outcome in arms.get(a, [])}.isdisjoint(outcome.pair for outcome in arms.get(b, [])):
            rows.append([f"{a} / {b}", MISSING, MISSING, MISSING, "0"])
            continue
        found = ratio(arms[a], arms[b], lambda outcome: measure(outcome, steps), resamples, seed)
        ends = [f"[{found.low:.2f}, {found.high:.2f}]", f"[{found.low_tasks:.2f}, {found.high_tasks:.2f}]"]
        defined = math.isfinite(found.value)
        cells = [f"{found.value:.2f}", *ends] if defined else [MISSING] * 3
        rows.append([f"{a} / {b}", *cells, str(found.pairs)])
    return rows


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """The rows as a Markdown table; the first holds the headings. Numbers stand right."""
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join([*lines[:1], "|---" + "|---:" * (len(rows[0]) - 1) + "|", *lines[1:]]) + "\n"


def percent(share: float | None) -> str:
    """0.123 as `12.3 %`; a dash for what is not known."""
    return MISSING if share is None or math.isnan(share) else f"{100 * share:.1f} %"


def _between(found: Interval) -> str:
    return f"{percent(found.value)} [{100 * found.low:.1f}, {100 * found.high:.1f}]"


def mean(values: Sequence[float]) -> float:
    """The mean; NaN without values."""
    return math.fsum(values) / len(values) if values else math.nan


def _grouped(outcomes: Sequence[Outcome], key: Callable[[Outcome], K]) -> dict[K, list[Outcome]]:
    groups: dict[K, list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault(key(outcome), []).append(outcome)
    return groups


def _summed(table: Array, labels: Sequence[Hashable]) -> Array:
    """The rows of (rows, columns) added up by label: (labels, columns), in the order in which labels first come."""
    places = {label: place for place, label in enumerate(dict.fromkeys(labels))}
    sums = np.zeros((len(places), table.shape[1]))
    np.add.at(sums, [places[label] for label in labels], table)
    return sums


def _resampled(sums: Array, resamples: int, seed: int) -> Array:
    """Sums over units drawn with replacement, (units, columns) to (resamples, columns)."""
    units = len(sums)
    drawn = np.random.default_rng(seed).integers(units, size=(resamples, units))
    # How often each unit was drawn, all resamples in one count.
    flat = (drawn + units * np.arange(resamples)[:, None]).ravel()
    counts = np.bincount(flat, minlength=resamples * units).reshape(resamples, units)
    return counts.astype(np.float64) @ sums


def _means(table: Array, labels: Sequence[Hashable], resamples: int, seed: int) -> tuple[Array, Array, Array]:
    """Mean, low and high of each column of (values, columns); rows with the same label are drawn together."""
    if not len(table):
        raise ValueError("there are no trajectories")
    sums = _resampled(_summed(np.hstack([table, np.ones((len(table), 1))]), labels), resamples, seed)
    low, high = np.quantile(sums[:, :-1] / sums[:, -1:], [TAIL, 1 - TAIL], axis=0)
    return table.mean(axis=0), low, high


def _quotients(sums: Array) -> Array:
    """Above over below, the last axis; NaN where what is below is not positive."""
    above, below = sums[..., 0], sums[..., 1]
    return np.where(below > 0, above / np.where(below > 0, below, 1.0), np.nan)


def _ratio_interval(sums: Array, resamples: int, seed: int) -> tuple[float, float]:
    found = _quotients(_resampled(sums, resamples, seed))
    # No interpolation: infinite ends must stay infinite instead of turning into NaN.
    low = np.quantile(np.where(np.isnan(found), -np.inf, found), TAIL, method="lower")
    high = np.quantile(np.where(np.isnan(found), np.inf, found), 1 - TAIL, method="higher")
    return float(low), float(high)
