"""What can be known before anything is made, so that no mistake of the recipe or the machine is found after hours."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from mlagent_app.agent.errors import UserError
from training import budget, evaluate, fit, ppo, sft
from training.draws import evaluation_tasks, training_tasks
from training.endpoint import connect
from training.ranks import ranks
from training.recipe import Recipe
from training.stage import PLAYED, Stage


def adopts(stage: Stage, *, as_made: bool) -> bool:
    """Whether the stage is taken as it is where it is whole: what was trained, not what was played with it."""
    return as_made and not stage.name.startswith(PLAYED)


def unmade(stages: Sequence[Stage], *, as_made: bool) -> list[Stage]:
    """Those that will be made. What one reads that is made anew is taken for other data than there is now."""
    left: list[Stage] = []
    for stage in stages:
        fresh = {other.name for other in left}
        done = stage.is_done() and fresh.isdisjoint(stage.inputs)
        if not done and not (adopts(stage, as_made=as_made) and stage.is_whole()):
            left.append(stage)
    return left


def check(stages: Sequence[Stage], *, as_made: bool) -> None:
    """Raises `UserError` for the first of `stages`, in order, that will be made and cannot be."""
    together = ranks()
    names = together.from_first(lambda: [stage.name for stage in unmade(stages, as_made=as_made)])
    left = [stage for stage in stages if stage.name in names]
    for stage in left:
        if _is_rl(stage):
            ppo.check(stage.recipe)
        fit.check(stage.recipe, stage.name)
        budget.check_here(stage.recipe, stage.name)
    if together.first:
        _check_tasks(left)
        _check_base(left)
        _check_endpoint(left)


def _is_rl(stage: Stage) -> bool:
    return stage.name.rpartition("-")[0] in ("rl", *stage.recipe.arms)


def _check_tasks(stages: Sequence[Stage]) -> None:
    """A misspelt name of a task."""
    for stage in stages:
        if stage.name == "ideas":
            training_tasks(stage.recipe)
        if stage.name.startswith(PLAYED):
            evaluation_tasks(stage.recipe)


def _check_base(stages: Sequence[Stage]) -> None:
    """A base that is not there: its tokenizer is small, and the first that is needed of it."""
    for stage in stages:
        if stage.recipe.model.base != "scratch" and _reads_base(stage):
            from training.big import ChatWriter, load_tokenizer

            ChatWriter.of(load_tokenizer(stage.recipe.model.base), stage.recipe.model.context)
            return


def _reads_base(stage: Stage) -> bool:
    """RL that trains all weights goes on from those of SFT, with the tokenizer of the corpus."""
    name, recipe = stage.name.rpartition("-")[0], stage.recipe
    untrained = name in recipe.arms and recipe.arms[name].start == "scratch"
    adapted = _is_rl(stage) and recipe.model.adapter == "lora"
    return stage.name == "corpus" or stage.name.partition("-")[0] == "sft" or untrained or adapted


def _check_endpoint(stages: Sequence[Stage]) -> None:
    """Whether somebody is there."""
    for stage in stages:
        table = {"ideas": stage.recipe.ideas, "experts": stage.recipe.experts}.get(stage.name)
        if table is not None and table.source == "endpoint":
            connect(stage.recipe.endpoint).check()
            return


def is_played(recipe: Recipe, arm: str) -> bool:
    """Whether the evaluation can play an arm: baselines, and the small model; a language model is served in the app."""
    return arm in evaluate.BASELINES or sft.has_prior(recipe)


def check_arm(recipe: Recipe, arm: str, run: Path) -> None:
    """Raises `UserError` for an arm that the recipe does not have, or that writes free text."""
    seed = evaluate.seeds_of(recipe, arm)[0]
    if not is_played(recipe, arm):
        trained = evaluate.trained_stage(arm, seed)
        raise UserError(
            "a policy that writes text is not evaluated here", where=f"arm {arm}", how=how_to_play(recipe, run, trained)
        )


def how_to_play(recipe: Recipe, run: Path, trained: str) -> str:
    """How the app plays the weights of a stage on a task."""
    weights = shlex.quote(str((run / trained / sft.MODEL).resolve()))
    adapter, model = ("", weights)
    if recipe.model.adapter == "lora":
        adapter, model = f"MLAGENT_POLICY_ADAPTER={weights} ", shlex.quote(recipe.model.base)
    return f"the app plays it: {adapter}mlagent tasks run TASK --policy transformers --model {model} (or --policy vllm)"
