"""What SFT and RL of a language model take on given GPUs, before anything starts: memory a GPU, updates, tokens, FLOPs, hours.

FLOPs are the model's own, without what gradient checkpointing computes twice, as the model FLOPs utilisation counts them
(Chowdhery et al. 2022, appendix B).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlagent_app.agent.errors import UserError
from training import memory
from training.answers import DRAWN_TOKENS
from training.devices import GIB, KNOWN, Device, here, several
from training.draws import training_starts
from training.fit import Sizes, sizes_of
from training.memory import Layout
from training.ranks import ranks
from training.recipe import Recipe
from training.telling import clock

STAGES = ("sft", "rl")
# A step of transformers' `generate` takes this long at least, whatever the GPU: its Python, and the kernels' launches.
TOKEN_SECONDS = 0.025
# Of a memory's bandwidth, reading weights reaches about this share.
BANDWIDTH_SHARE = 0.6
# Sharded weights come from the other GPUs for every token that is drawn, at about this many bytes a second (NVLink).
LINK_BYTES = 200e9


@dataclass(frozen=True, slots=True)
class Budget:
    """One stage on one device: `parts` bytes of one GPU by name, and the work of all GPUs; `seconds` by what they go to."""

    stage: str
    device: Device
    layout: Layout
    parts: dict[str, int]
    updates: int
    examples: int
    tokens: int
    flops: float
    seconds: dict[str, float]

    @property
    def needed(self) -> int:
        """Bytes of one GPU."""
        return sum(self.parts.values())

    @property
    def fits(self) -> bool:
        return self.needed <= self.device.memory


def budget(recipe: Recipe, device: Device, stage: str, place: Path | None = None) -> Budget:
    """The plan of `sft` or `rl`; a corpus below `place`, once made, tells the numbers of steps and tokens.

    Raises `UserError` for a base of unknown sizes, and for a batch that cannot be shared by the GPUs.
    """
    sizes = sizes_of(recipe)
    if sizes is None:
        how = "set model.base to its directory: hf download NAME --local-dir DIR"
        raise UserError("the size of the base is not known", where=recipe.model.base, how=how)
    layout = Layout.of(recipe, device.count)
    found = memory.parts(recipe, sizes, stage, layout)
    known = _corpus(place)
    work = _sft if stage == "sft" else _rl
    updates, examples, tokens, flops, seconds = work(recipe, sizes, device, known)
    return Budget(stage, device, layout, found, updates, examples, tokens, flops, seconds)


def check(recipe: Recipe, device: Device, stage: str) -> None:
    """Raises `UserError` that says what to change when the stage does not fit."""
    made = budget(recipe, device, stage)
    if made.fits:
        return
    raise UserError(
        f"{stage} needs {made.needed / GIB:.1f} GiB on each GPU, and there are {device.memory / GIB:.1f} GiB "
        f"of {device.count} x {device.name}",
        where=f"recipe {recipe.name}",
        how=_way_out(recipe, device, stage),
    )


def check_here(recipe: Recipe, stage: str) -> None:
    """The same for this launch, a GPU for each process. One process on several GPUs spreads the layers, and is not asked."""
    import torch

    name = "sft" if stage.startswith("sft") else "rl"
    found, learns = here(ranks().world), stage.startswith(STAGES) or stage.rpartition("-")[0] in recipe.arms
    if found is None or not learns or recipe.model.base == "scratch" or sizes_of(recipe) is None:
        return
    if found.count > 1 or torch.cuda.device_count() == 1:
        check(recipe, found, name)


def flops_of_pass(sizes: Sizes, length: int) -> float:
    """Of a forward pass over one sequence: 2 for each weight that multiplies, 2 x layers x hidden x length for attention."""
    weights = sizes.parameters() - sizes.vocabulary * sizes.hidden
    return length * (2.0 * weights + 2.0 * sizes.layers * sizes.hidden * length)


def training_flops(sizes: Sizes, length: int, *, adapters: bool) -> float:
    """Of forward and backward: three forward passes; two where the base is frozen, which needs no gradients of its weights."""
    return (2 if adapters else 3) * flops_of_pass(sizes, length)


def table(budgets: list[Budget]) -> list[str]:
    """The plan for people, line by line."""
    names = list(dict.fromkeys(name for one in budgets for name in one.parts))
    lines = [f"{'GiB on each GPU':<22}" + "".join(f"{one.stage:>10}" for one in budgets)]
    for name in names:
        cells = [f"{one.parts[name] / GIB:10.2f}" if name in one.parts else f"{'-':>10}" for one in budgets]
        lines.append(f"{name:<22}" + "".join(cells))
    lines.append(f"{'needed':<22}" + "".join(f"{one.needed / GIB:10.2f}" for one in budgets))
    lines.append(f"{'there':<22}" + "".join(f"{one.device.memory / GIB:10.2f}" for one in budgets))
    lines.append(f"{'fits':<22}" + "".join(f"{'yes' if one.fits else 'NO':>10}" for one in budgets))
    for one in budgets:
        spread = "sharded (FSDP2)" if one.layout.sharded else "a copy on each" if one.layout.gpus > 1 else "on one GPU"
        split = ", ".join(f"{name} {clock(seconds)}" for name, seconds in one.seconds.items())
        lines += [
            f"{one.stage}: {one.updates:,} updates, {one.examples:,} examples, {one.tokens / 1e6:,.0f} million tokens, "
            f"{one.flops:.1e} FLOPs; weights {spread}",
            f"{one.stage}: {clock(sum(one.seconds.values()))} ({split})",
        ]
    return lines


def _corpus(place: Path | None) -> dict[str, Any]:
    """What the corpus of a run has come to; empty where there is none yet."""
    path = place / "corpus" / "manifest.json" if place else None
    try:
        return dict(json.loads(path.read_text("utf-8"))["results"]) if path else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _length(recipe: Recipe, known: dict[str, Any]) -> int:
    """The mean length of a prompt with its answer, in tokens."""
    told = float(known.get("prompt_tokens", 0)) + float(known.get("completion_tokens", 0))
    return int(told) or min(recipe.distributed.tokens, recipe.model.context)


Work = tuple[int, int, int, float, dict[str, float]]


def _rate(recipe: Recipe, device: Device) -> float:
    return device.count * device.flops * recipe.distributed.mfu


def _sft(recipe: Recipe, sizes: Sizes, device: Device, known: dict[str, Any]) -> Work:
    experts, sft = recipe.experts, recipe.sft
    steps = len(training_starts(recipe)) * experts.rounds * experts.episodes * experts.steps
    examples = int(int(known.get("steps", steps)) * sft.epochs)
    length = _length(recipe, known)
    flops = examples * training_flops(sizes, length, adapters=recipe.model.adapter == "lora")
    seconds = {"training": flops / _rate(recipe, device)}
    return -(-examples // (sft.batch * sft.accumulate)), examples, examples * length, flops, seconds


def _rl(recipe: Recipe, sizes: Sizes, device: Device, known: dict[str, Any]) -> Work:
    table, lora = recipe.rl, recipe.model.adapter == "lora"
    each, length = table.states * table.rollouts_per_state, _length(recipe, known)
    examples = table.updates * each
    # Read once by the actor, to draw; by reference and critic, to estimate advantages.
    flops = examples * (3 * flops_of_pass(sizes, length) + 2 * table.epochs * training_flops(sizes, length, adapters=lora))
    together = max(1, DRAWN_TOKENS // (length + table.max_new_tokens))
    turns = -(-each // (together * device.count))
    # One token of each answer at a time: all weights are read, or gathered, for it.
    sharded = Layout.of(recipe, device.count).sharded
    rate = LINK_BYTES if sharded else device.bandwidth * BANDWIDTH_SHARE
    token = max(TOKEN_SECONDS, memory.BFLOAT16 * sizes.parameters() / rate)
    executed = each / recipe.pool.workers * recipe.tasks.run_seconds
    seconds = {
        "drawing at most": table.updates * turns * table.max_new_tokens * token,
        "execution at most": table.updates * executed,
        "learning": flops / _rate(recipe, device),
    }
    return table.updates, examples, examples * length, flops, seconds


def _way_out(recipe: Recipe, device: Device, stage: str) -> str:
    """The smallest change that makes it fit: more of these GPUs, adapters, shorter examples, or larger GPUs."""
    for count in (2, 4, 8, 16):
        if count > device.count and _fits(recipe, several(device, count), stage):
            many = f"take {count} of these GPUs"
            lora = _with(recipe, "model", adapter="lora")
            if recipe.model.adapter == "none" and _fits(lora, device, stage):
                return f"{many}, or set model.adapter = 'lora' (recipe {recipe.name}-lora)"
            return many
    changed = _with(recipe, "model", adapter="lora")
    if recipe.model.adapter == "none" and _fits(changed, device, stage):
        return "set model.adapter = 'lora'"
    shorter = _with(_with(recipe, "sft", batch=1, max_length=4096), "model", context=4096)
    if recipe.sft.max_length > 4096 and _fits(shorter, device, stage):
        return "set sft.batch = 1, sft.max_length = 4096 and model.context = 4096"
    larger = next((name for name, gpu in KNOWN.items() if gpu.memory > device.memory), None)
    return f"choose a smaller model, or GPUs with more memory ({larger})" if larger else "choose a smaller model"


def _fits(recipe: Recipe, device: Device, stage: str) -> bool:
    try:
        return budget(recipe, device, stage).fits
    except UserError:
        return False


def _with(recipe: Recipe, section: str, **values: object) -> Recipe:
    changed: Any = getattr(recipe, section).model_copy(update=values)
    return recipe.model_copy(update={section: changed})
