"""The figures of the page of results: gain by executed edits, by task and by what was left out; reward by time of training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from training import plots, statistics
from training.recipe import Recipe
from training.statistics import Outcome

# One baseline near zero must not make a mean: a relative gain above 200 % counts as 200 %.
CAP = 2.0
# The arms whose intervals are drawn.
BANDS = ("random", "rl")
# The arms of the bars by task.
MAIN = ("random", "cookbook", "sft", "rl")

Logs = Mapping[str, Sequence[Mapping[str, Any]]]


def gain(outcome: Outcome, steps: int) -> float:
    """The paper's relative gain after `steps` executed edits, at most `CAP`."""
    return statistics.relative_gain(outcome, steps, cap=CAP)


def hidden(outcome: Outcome) -> float:
    """The same on the hidden test part; 0 where it was not graded."""
    return statistics.hidden_gain(outcome, CAP) or 0.0


def all_of(outcomes: Sequence[Outcome], learning: Logs, recipe: Recipe) -> dict[str, str]:
    """SVG by name; without what there is nothing to draw of."""
    by_arm: dict[str, list[Outcome]] = {}
    for item in outcomes:
        by_arm.setdefault(item.arm, []).append(item)
    drawings = {"curve": _curve(by_arm, recipe), "tasks": _tasks(by_arm, recipe)}
    found = {"ablations": _ablations(by_arm, recipe), "learning": _learning(learning, recipe)}
    return drawings | {name: drawing for name, drawing in found.items() if drawing is not None}


def _curve(by_arm: Mapping[str, Sequence[Outcome]], recipe: Recipe) -> str:
    steps = recipe.eval.steps
    lines: list[plots.Series] = []
    for arm, found in by_arm.items():
        curve = statistics.learning_curve(found, steps, gain, recipe.compare.resamples)
        band = (curve.low, curve.high) if arm in BANDS else (None, None)  # more of them hide each other
        lines.append(plots.Series(arm, list(range(steps + 1)), curve.mean, *band))
    title = "Held-out tasks: gain by executed edits"
    return plots.lines(lines, title, "executed edits", "mean relative gain", percent=True)


def _tasks(by_arm: Mapping[str, Sequence[Outcome]], recipe: Recipe) -> str:
    tasks = sorted({item.task for found in by_arm.values() for item in found})
    main = [arm for arm in MAIN if arm in by_arm]
    values = [
        [statistics.mean([gain(item, recipe.eval.steps) for item in by_arm[arm] if item.task == task]) for arm in main]
        for task in tasks
    ]
    title = "Held-out tasks: gain after all edits"
    return plots.bars(tasks, main, values, None, title, "mean relative gain", percent=True)


def _ablations(by_arm: Mapping[str, Sequence[Outcome]], recipe: Recipe) -> str | None:
    """What every arm that is compared with `rl` gains as a share of it, least first; None where no ablation was played."""
    asked = dict.fromkeys(arm for pair in recipe.compare.pairs for arm in pair if "rl" in pair and arm != "rl")
    ours, arms = by_arm.get("rl", ()), [arm for arm in asked if arm in by_arm]
    if not ours or not set(arms).intersection(recipe.arms):
        return None
    found: dict[str, statistics.Ratio] = {}
    for arm in arms:
        if not {item.pair for item in ours}.isdisjoint(item.pair for item in by_arm[arm]):
            found[arm] = statistics.ratio(
                by_arm[arm], ours, lambda item: gain(item, recipe.eval.steps), recipe.compare.resamples
            )
    names = sorted(found, key=lambda arm: found[arm].value)
    return plots.bars(
        names,
        ["share of the gain of rl"],
        [[found[name].value] for name in names],
        [[(found[name].low, found[name].high)] for name in names],
        "Held-out tasks: gain after all edits, beside that of rl",
        "ratio of mean relative gains, 95 % over starts",
        percent=True,
    )


def _learning(learning: Logs, recipe: Recipe) -> str | None:
    """How good step-wise and episode-wise RL make the policy in how much time; other arms may have another reward."""
    arms = ["rl", *(name for name in recipe.arms if recipe.for_arm(name).rl.mode == "episode")]
    drawn = [_over_time(name, rows) for name, rows in learning.items() if name.rpartition("-")[0] in arms and len(rows) > 1]
    if not drawn:
        return None
    share = "share of the gap that one edit closes" if recipe.rl.reward == "kept" else "reward of one edit"
    return plots.lines(drawn, "Training: starts kept from RL, by time", "minutes", f"expected {share}", zero=True)


def _over_time(name: str, rows: Sequence[Mapping[str, Any]]) -> plots.Series:
    minutes, x, y = 0.0, list[float](), list[float]()
    for row in rows:
        minutes += (row.get("seconds") or 0.0) / 60
        if row.get("unseen_reward") is not None:
            x.append(minutes)
            y.append(row["unseen_reward"])
    return plots.Series(name, x, y)
