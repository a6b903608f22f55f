"""Publishing: weights, tokenizer, cookbook and card into the package, small enough for a wheel."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from mlagent_app.agent.errors import UserError
from mlagent_app.policies import embedded
from training import figures, ppo, results, sft, statistics
from training.recipe import Recipe
from training.stage import PLAYED, read_manifest
from training.telling import Tell
from training.weights import complete, replacing, settle

CARD = "card.md"


def is_published(recipe: Recipe) -> bool:
    """Whether the package can hold what the recipe trains: the small model, which needs no library for its base."""
    return recipe.model.base == "scratch"


def check(run: Path, recipe: Recipe, into: Path | None) -> Path:
    """Where the weights go, RUN/publish unless named. Raises `UserError` for what cannot be published, or not there."""
    target = into or run / "publish"
    if not is_published(recipe):
        raise UserError(
            f"the package holds only models from scratch, and this one is trained from {recipe.model.base}",
            where=f"recipe {recipe.name}",
            how=f"use its weights from {run / f'rl-{recipe.publish.seed}' / sft.MODEL}: policy vllm or transformers",
        )
    if target.is_dir() and any(target.iterdir()) and not (target / embedded.SETTINGS).is_file():
        raise UserError("the directory holds something else than weights", where=str(target), how="name a new one with --into")
    return target


def publish(run: Path, recipe: Recipe, into: Path | None, tell: Tell) -> Path:
    """Write the directory that the `embedded` policy reads, RUN/publish unless named, as a whole or not at all.

    Raises `UserError` when it would be too large, and as `check` does.
    """
    settle(into or run / "publish")
    target = check(run, recipe, into)
    name = f"rl-{recipe.publish.seed}"
    manifest = read_manifest(run / name)
    source = run / name / sft.MODEL
    weights = _weights(source, recipe.publish.dtype)
    from safetensors.numpy import save_file  # pyright: ignore[reportUnknownVariableType]

    label = f"{recipe.name} {name}, {manifest['git_revision']}"
    made = embedded.Settings.of(json.loads((source / embedded.SETTINGS).read_text("utf-8")))
    tokenizer, temperature = source / "tokenizer.json", recipe.publish.temperature
    with replacing(target) as fresh:
        save_file(weights, fresh / "model.safetensors", metadata={"format": "pt"})
        _config(source, fresh)
        complete(fresh, tokenizer, prompt_tokens=made.prompt_tokens, temperature=temperature, name=label, prior=made.prior)
        shutil.copyfile(source / embedded.BOOK, fresh / embedded.BOOK)
        (fresh / CARD).write_text(card(run, recipe, manifest, weights), "utf-8")
        embedded.EmbeddedModel.load(fresh)  # what was written can be read
        size = sum(path.stat().st_size for path in fresh.iterdir()) / 1e6
        if size > recipe.publish.max_mb:
            raise UserError(
                f"weights, tokenizer and cookbook take {size:.1f} MB, more than publish.max_mb = {recipe.publish.max_mb:g}",
                where=str(source),
                how="train a smaller model, or set publish.dtype = 'float16'",
            )
        for path in fresh.iterdir():
            path.chmod(0o644)
    tell(f"{size:.2f} MB are in {target}")
    return target


def _measured(run: Path, recipe: Recipe) -> str:
    """What the run's evaluation came to, if there was one."""
    place = run / PLAYED
    if not (place / results.OUTCOMES).is_file():
        return "Not evaluated."
    outcomes, steps = results.outcomes_in(place), recipe.eval.steps
    ours, drawn = ([item for item in outcomes if item.arm == arm] for arm in ("rl", "random"))
    if not ours or not drawn:
        return "Not evaluated beside random draws."
    gains = [statistics.mean([figures.gain(item, steps) for item in found]) for found in (ours, drawn)]
    graded = [[figures.hidden(item) for item in found if item.test is not None] for found in (ours, drawn)]
    hidden = " and ".join(statistics.percent(statistics.mean(found)) for found in graded)
    ratio = statistics.ratio(ours, drawn, lambda item: figures.gain(item, steps), recipe.compare.resamples)
    times = f": {ratio.value:.2f} times as much [{ratio.low:.2f}, {ratio.high:.2f}]" if isfinite(ratio.value) else ""
    tasks = len({item.task for item in outcomes})
    return (
        f"After {steps} edits on {tasks} task{'s' if tasks > 1 else ''} that training has not seen, the policies of all"
        f" seeds gained {statistics.percent(gains[0])} on average, random draws {statistics.percent(gains[1])}{times};"
        f" on the hidden test part {hidden}. The data is generated; {results.PAGE} beside the outcomes has all of it."
    )


def _trained_by(recipe: Recipe) -> str:
    mode = "on whole episodes" if recipe.rl.mode == "episode" else "step by step"
    return f"{recipe.rl.algorithm.upper()} {mode}{' on written text' if ppo.shared(recipe) else ''}"


def _tried(recipe: Recipe) -> str:
    return "" if ppo.shared(recipe) else ", and what RL tried itself"


def _weights(source: Path, dtype: str) -> dict[str, Any]:
    from safetensors.numpy import load_file  # pyright: ignore[reportUnknownVariableType]

    return {name: np.ascontiguousarray(value.astype(dtype)) for name, value in load_file(source / "model.safetensors").items()}


def _config(source: Path, target: Path) -> None:
    data: dict[str, Any] = json.loads((source / "config.json").read_text("utf-8"))
    data.pop("_name_or_path", None)
    (target / "config.json").write_text(json.dumps(data, indent=1, sort_keys=True) + "\n", "utf-8")


def card(run: Path, recipe: Recipe, manifest: dict[str, Any], weights: Mapping[str, Any]) -> str:
    """The model card: what it is, what it was made from, how good it is, and what it is not good for."""
    size = sum(value.nbytes for value in weights.values()) / 1e6
    corpus, sft_made = read_manifest(run / "corpus")["results"], read_manifest(run / "sft")["results"]
    trained = manifest["results"]
    packages = ", ".join(f"{name} {version}" for name, version in manifest["packages"].items())
    return f"""# The embedded policy

A Qwen2-architecture language model ({size:.2f} MB of weights) that proposes edit instructions from the catalogue, \
trained from random weights by
`mlagent-train all --recipe {recipe.name}` on this project's own task suite. It was given no text from anywhere else.

- Data: {corpus["steps"]:,} executed expert steps in {corpus["states"]:,} states, on generated data of the held-in tasks \
and the families.
- SFT: {sft_made["examples"]:,} examples, {sft_made["updates"]} updates. RL: {_trained_by(recipe)}, {trained["updates"]} \
updates, reward {recipe.rl.reward}, seed {recipe.publish.seed}.
- Mixed with a prior (policy.json): what the cookbook expects of an edit, what came of its like in the session, and \
how likely its run is to end in time. The cookbook holds the expert steps{_tried(recipe)}.
- Revision {manifest["git_revision"]}; {packages}.
- {_measured(run, recipe)}

Limits: it knows the catalogue's edits and nothing else; it reads a digest, not the whole code; it was trained on small data \
and short
runs, where importing a library or reading data takes no time, so that it foretells longer runs than yours may take; its
probabilities are not calibrated.
"""


if __name__ == "__main__":
    from training.cli import stage_main

    stage_main("publish")
