"""What a recipe comes to before anything is run: the resolved values, and how much of everything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

import tomlkit

from training import budget, fit, preflight
from training.devices import device
from training.draws import evaluation_starts, training_starts, training_tasks
from training.recipe import Recipe
from training.stage import made


def describe(recipe: Recipe, place: Path) -> str:
    """The recipe as TOML, and the plan as comments behind it."""
    lines = [tomlkit.dumps(_without_none(recipe.model_dump(mode="json"))).rstrip(), ""]
    lines += [f"# {line}" for line in [f"run directory: {place}", *_plan(recipe, place), *_done(place)]]
    return "\n".join(lines)


def asked_for(recipe: Recipe, place: Path, *, arm: str, seeds: Iterable[int], arms: Iterable[str]) -> Recipe:
    """The recipe as a command with these options takes it. Raises `UserError` as the command would."""
    planned = recipe.for_arm(arm)
    if seeds := tuple(seeds):
        planned = planned.model_copy(update={"rl": planned.rl.model_copy(update={"seeds": seeds})})
    for name in (arms := tuple(arms)):
        preflight.check_arm(recipe, name, place)
    return planned.model_copy(update={"compare": planned.compare.model_copy(update={"arms": arms})}) if arms else planned


def _plan(recipe: Recipe, place: Path) -> list[str]:
    starts, table = training_starts(recipe), recipe.experts
    episodes = len(starts) * table.rounds * table.episodes
    updates, each = recipe.rl.updates, recipe.rl.states * recipe.rl.rollouts_per_state
    played = len(evaluation_starts(recipe)) * recipe.eval.trajectories * recipe.eval.steps
    lines = [
        f"training: {len(training_tasks(recipe))} tasks, {len(starts)} starts",
        f"experts: {episodes} episodes of up to {table.steps} steps, at most {episodes * table.steps:,} executions",
        f"rl: {updates} updates of {each} actions for each of {len(recipe.rl.seeds)} seeds, "
        f"at most {updates * each:,} executions a seed",
        f"eval: up to {played:,} executions an arm; arms {', '.join(recipe.compare.arms)}",
        *_memory(recipe, place),
    ]
    return lines


def _memory(recipe: Recipe, place: Path) -> list[str]:
    if recipe.distributed.device:
        return on_device(recipe, place)
    sizes = fit.sizes_of(recipe)
    if sizes is None:
        return [f"model: {recipe.model.base}, whose size is not known before it is loaded"]
    room, what = fit.available()
    here = f"here are {room / fit.GIB:.1f} GiB of {what}"
    lines = [f"model: {sizes.parameters():,} parameters ({recipe.model.base}, {recipe.model.adapter}); {here}"]
    for stage in ("sft", "rl"):
        needed = fit.needed_bytes(recipe, stage)
        if needed is not None:
            verdict = "fits" if needed <= room else "does NOT fit here"
            taken = f"weights, gradients and optimizer take {needed / fit.GIB:.2f} GiB"
            lines.append(f"{stage}: {taken}, which {verdict}; activations come on top")
    return lines


def on_device(recipe: Recipe, place: Path | None) -> list[str]:
    """The table of `training.budget` for the device that the recipe names."""
    chosen, sizes, table = device(recipe.distributed.device), fit.sizes_of(recipe), recipe.distributed
    made = [budget.budget(recipe, chosen, stage, place) for stage in budget.STAGES]
    count = f"{sizes.parameters():,} parameters" if sizes else "unknown"
    return [
        f"device: {chosen.line()}",
        f"model: {count} ({recipe.model.base}, {recipe.model.adapter}); memory for {recipe.sft.max_length:,} tokens,",
        f"  hours for {table.tokens:,} on average, or what the corpus of this run has, at an MFU of {table.mfu:.0%}",
        *budget.table(made),
    ]


def refuse(recipe: Recipe, stage: str) -> None:
    """Raises `UserError` when a stage that the command `stage` would make does not fit the device that the recipe names."""
    if not recipe.distributed.device:
        return
    chosen = device(recipe.distributed.device)
    for name in budget.STAGES[: 1 if stage == "sft" else 2] if stage not in ("ideas", "experts") else ():
        budget.check(recipe, chosen, name)


def _done(place: Path) -> list[str]:
    names = ", ".join(path.relative_to(place).as_posix() for path in made(place))
    return [f"made before in this directory: {names or 'nothing'}"]


def _without_none(table: Mapping[str, Any]) -> dict[str, Any]:
    """TOML knows no null: what is None is left out."""
    kept: dict[str, Any] = {}
    for name, value in table.items():
        if value is not None:
            kept[name] = _without_none(cast("dict[str, Any]", value)) if isinstance(value, dict) else value
    return kept
