"""Evaluation: every arm plays the same starts of tasks that training has never seen, at equal executions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mlagent_app.policies.embedded import shipped
from tasks.suite import suite
from training import experts, sft
from training.actors import ModelActor, OptunaActor, PolicyActor
from training.draws import evaluation_starts
from training.episodes import Actor, EpisodeJob, Step
from training.playing import episodes, play
from training.pool import WorkerPool
from training.recipe import Recipe
from training.stage import PLAYED, Stage, catalogue_digest, file_digest
from training.statistics import Outcome
from training.telling import Tell

# The weights that the package has: what a fresh clone can evaluate without training.
SHIPPED = "shipped"
# What no stage of the run has trained.
BASELINES = ("random", "bandit", "cookbook", "optuna", SHIPPED)
# What SFT made: with the prior that RL starts from, and the model alone, which has only imitated.
TUNED = ("sft", "sft-alone")
PREFIX = "episodes"
# So often a step is repeated that the infrastructure failed: it is no fault of the arm's.
REPEATS = 3


def trained_stage(arm: str, seed: int) -> str:
    """The stage whose weights an arm plays with; empty for a baseline."""
    if arm in BASELINES:
        return ""
    return "sft" if arm in TUNED else f"{arm}-{seed}"


def seeds_of(recipe: Recipe, arm: str) -> tuple[int, ...]:
    """The training seeds of an arm. Baselines, and SFT, have one."""
    return (0,) if arm in BASELINES or arm in TUNED else recipe.for_arm(arm).rl.seeds


def stage_of(run: Path, recipe: Recipe, arm: str, seed: int) -> Stage:
    trained = trained_stage(arm, seed)
    inputs = (trained,) if trained else ("experts",) if arm == "cookbook" else ()
    few = f"{_trajectories(recipe, arm)} of {recipe.tasks.run_seconds:g} s with {catalogue_digest()}"
    if recipe.eval.role == "validation":
        few += f" on {recipe.tasks.splits} {recipe.tasks.only} {recipe.tasks.most}"
    if arm == SHIPPED:
        few += "".join(file_digest(path) for path in sorted(shipped().iterdir()) if path.is_file())
    return Stage(run, f"{PLAYED}{arm}-{seed}", recipe, ("eval",), inputs, few)


def make(stage: Stage, pool: WorkerPool, arm: str, seed: int, tell: Tell) -> dict[str, Any]:
    """Play one arm with one training seed. Returns the results for the manifest."""
    recipe = stage.recipe
    actor = actor_of(stage.run, recipe, arm, seed)
    numbers = range(_trajectories(recipe, arm))
    jobs = [
        EpisodeJob(start, actor, recipe.eval.steps, number, recipe.tasks.run_seconds, test=True, repeats=REPEATS)
        for number in numbers
        for start in evaluation_starts(recipe)
    ]
    play(pool, jobs, stage.place, PREFIX, recipe.eval.shard_size, partial(_told, tell, arm, len(jobs)))
    found = list(episodes(stage.place, PREFIX))
    steps = [step for episode in found for step in episode["steps"]]
    return {
        "episodes": len(found),
        "lost": len(jobs) - len(found),
        "executions": sum(not step["cached"] for step in steps),
        "steps": len(steps),
        "infrastructure_failures": sum(step["case"] == "infrastructure" for step in steps),
        "failed_starts": sum(bool(episode["problem"]) for episode in found),
    }


def actor_of(run: Path, recipe: Recipe, arm: str, seed: int) -> Actor:
    """Who acts."""
    if arm == "optuna":
        return OptunaActor()
    if arm == SHIPPED:
        return ModelActor(str(shipped()), recipe.eval.temperature)
    if arm in BASELINES:
        return PolicyActor(arm, str((run / "experts" / experts.BOOK).resolve()))
    directory = str((run / trained_stage(arm, seed) / sft.MODEL).resolve())
    return ModelActor(directory, recipe.eval.temperature, alone=arm == "sft-alone")


def outcomes_of(stage: Stage, arm: str, seed: int) -> list[Outcome]:
    """What an arm's trajectories came to; those whose starter did not run are left out."""
    return [outcome_of(row, arm, seed) for row in episodes(stage.place, PREFIX) if row["values"]]


def outcome_of(row: dict[str, Any], arm: str, seed: int) -> Outcome:
    """From a row of a shard."""
    start = row["start"]
    first = Step(**row["steps"][0]) if row["steps"] else None
    return Outcome(
        arm=arm,
        seed=seed,
        task=start["task"],
        variant=start["variant"],
        starter=start["starter"],
        detune=start["detune"],
        trajectory=row["seed"],
        direction=suite()[start["task"]].metric.direction,
        m_init=row["m_init"],
        m_best=row["m_best"],
        values=tuple(row["values"]),
        first_reward=first.reward("v1") if first else None,
        first_scale=first.scale if first else None,
        test_start=row["test_start"],
        test=row["test"],
    )


def compact(outcomes: Sequence[Outcome]) -> str:
    """JSON lines, an outcome each, for the record that is committed beside the documents."""
    return "".join(json.dumps({name: getattr(item, name) for name in Outcome.__dataclass_fields__}) + "\n" for item in outcomes)


def _trajectories(recipe: Recipe, arm: str) -> int:
    # The cookbook is deterministic: a second trajectory would be the first once more.
    return 1 if arm == "cookbook" or arm in recipe.compare.few else recipe.eval.trajectories


def _told(tell: Tell, arm: str, total: int, done: int) -> None:
    tell(f"episodes of {arm}", done, total)


if __name__ == "__main__":
    from training.cli import stage_main

    stage_main("eval")
