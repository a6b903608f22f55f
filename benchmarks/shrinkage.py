"""How much a cookbook should believe few tries: `python -m benchmarks.shrinkage --run DIR [--recipe nano] [--folds 7]`.

DIR is a run of `mlagent-train experts`. Its tasks are parted into folds; what a cookbook of the other tasks expects of the
edits that were tried in a fold is compared with what they came to, for several strengths of shrinking (see
`mlagent_app.agent.cookbook`). Printed for all steps, and for first steps alone: the mean Poisson deviance as a ratio to that of
the mean over all edits, which is told nothing (below 1 is better), and the rank correlation within a task, averaged over tasks.
The first row believes an instruction's own mean nearly as it is, the last nearly nothing but that mean over all.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from mlagent_app.agent.cookbook import STRENGTH, Cookbook
from training import experts
from training.episodes import Step
from training.recipe import Recipe, load

STRENGTHS = (0.3, 1.0, 3.0, 10.0, 25.0, 50.0, 100.0, 300.0, 3000.0)
# Predictions are at least this: an expectation of nothing has no deviance.
LEAST = 1e-3
# (kind of task, step, reward), as `experts.rewarded_edits` has it.
Tried = tuple[str, Step, float]
Floats = np.ndarray[tuple[int], np.dtype[np.float64]]


def told(steps: Sequence[Tried], folds: int, tell: Callable[[Cookbook, str, Step], float]) -> Floats:
    """What cookbooks tell of steps whose tasks they have not seen, [N]; `tell` reads (cookbook, kind of task, step)."""
    tasks = sorted({step.task for _, step, _ in steps})
    found = np.zeros(len(steps))
    for fold in range(folds):
        apart = set(tasks[fold::folds])
        rows = [(kind, s.instruction, s.family, reward, s.longer) for kind, s, reward in steps if s.task not in apart]
        book = Cookbook.of(rows)
        for number, (kind, step, _) in enumerate(steps):
            if step.task in apart:
                found[number] = tell(book, kind, step)
    return found


def expected(steps: Sequence[Tried], folds: int, strength: float) -> Floats:
    """The rewards that are expected, [N]."""
    scores = told(steps, folds, lambda book, kind, s: book.score(kind, s.instruction, s.family, strength))
    return np.maximum(scores, LEAST)


def options(about: str | None) -> argparse.ArgumentParser:
    """What a benchmark of an expert's run is asked with."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, metavar="DIR")
    parser.add_argument("--recipe", default="nano")
    parser.add_argument("--folds", type=int, default=7)
    return parser


def tried(run: Path, recipe: Recipe) -> list[Tried]:
    """The expert's edits."""
    return list(experts.rewarded_edits(experts.played(experts.stage_of(run, recipe)), recipe.experts.book_reward))


def deviance(rewards: Floats, scores: Floats) -> float:
    """The mean Poisson deviance of rewards >= 0 from what was expected of them."""
    logs = np.log(np.where(rewards > 0, rewards / scores, 1.0))
    return float(2.0 * (rewards * logs - rewards + scores).mean())


def within(steps: Sequence[Tried], scores: Floats, rewards: Floats) -> float:
    """Spearman's rank correlation of scores and rewards within each task, averaged over tasks where both vary."""
    tasks = np.array([step.task for _, step, _ in steps])
    found: list[float] = []
    for task in np.unique(tasks):
        here = tasks == task
        if len(np.unique(scores[here])) > 1 and len(np.unique(rewards[here])) > 1:
            found.append(float(spearmanr(scores[here], rewards[here]).statistic))
    return float(np.mean(found)) if found else float("nan")


def main() -> None:
    parser = options(__doc__)
    given = parser.parse_args()
    steps = tried(given.run, load(given.recipe))
    if not steps:
        parser.error(f"{given.run} has no expert trajectories: run mlagent-train experts --out {given.run}")
    rewards = np.array([reward for *_, reward in steps])
    groups = {"all": np.ones(len(steps), bool), "first": np.array([step.index == 0 for _, step, _ in steps])}
    tasks = {step.task for _, step, _ in steps}
    print(f"{len(steps)} edits of {len(tasks)} tasks, {int(groups['first'].sum())} of them first")
    print(f"{'strength':>8s}" + "".join(f"{name + ': deviance':>18s}{'rank':>8s}" for name in groups))
    for strength in STRENGTHS:
        scores = expected(steps, given.folds, strength)
        cells = ""
        for chosen in groups.values():
            found, mean = deviance(rewards[chosen], scores[chosen]), np.full(int(chosen.sum()), rewards[chosen].mean())
            part = [step for step, here in zip(steps, chosen, strict=True) if here]
            cells += f"{found / deviance(rewards[chosen], mean):18.3f}{within(part, scores[chosen], rewards[chosen]):8.3f}"
        print(f"{strength:8g}{cells}{'   the cookbook' if strength == STRENGTH else ''}")


if __name__ == "__main__":
    main()
