"""What a recipe needs, said before it starts: parameters, memory, updates, executions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import psutil

from mlagent_app.agent.errors import UserError
from training.recipe import Recipe

GIB = 2**30
# AdamW in mixed precision: weights and gradients in 2 bytes, master weights and two moments in 4 (16 bytes).
# In float32 it is 16 as well.
TRAINED_BYTES = 16
FROZEN_BYTES = {"float32": 4, "bfloat16": 2}


@dataclass(frozen=True, slots=True)
class Sizes:
    """The numbers of `config.json` that the size follows from."""

    vocabulary: int
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    intermediate: int
    tied: bool

    def parameters(self) -> int:
        """Of a Qwen2: embeddings, attention with biases, gated MLP, norms."""
        head = self.hidden // self.heads
        attention = self.hidden * head * (2 * self.heads + 2 * self.kv_heads) + head * (self.heads + 2 * self.kv_heads)
        layer = attention + 3 * self.hidden * self.intermediate + 2 * self.hidden
        return self.layers * layer + self.hidden + self.vocabulary * self.hidden * (1 if self.tied else 2)


def sizes_of(recipe: Recipe) -> Sizes | None:
    """From the recipe, or from the base's config where it is a directory here; None for one that would be downloaded.

    Raises `UserError` for a config that cannot be read.
    """
    table = recipe.model
    if table.base == "scratch":
        return Sizes(table.vocabulary, table.hidden, table.layers, table.heads, table.kv_heads, table.intermediate, False)
    path = Path(table.base) / "config.json"
    if not path.is_file():
        return QWEN_7B if "7b" in table.base.lower() else None
    try:
        data: dict[str, Any] = dict(json.loads(path.read_text("utf-8")))
        return Sizes(
            data["vocab_size"],
            data["hidden_size"],
            data["num_hidden_layers"],
            data["num_attention_heads"],
            data["num_key_value_heads"],
            data["intermediate_size"],
            bool(data.get("tie_word_embeddings")),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"the model's sizes cannot be read: {error}", where=str(path), how="name a model directory that is whole"
        ) from None


# config.json of Qwen2.5-7B.
QWEN_7B = Sizes(152_064, 3584, 28, 28, 4, 18_944, False)


def needed_bytes(recipe: Recipe, stage: str) -> int | None:
    """Weights, gradients and optimizer of what the stage holds at once, without activations. None where it is not known."""
    sizes = sizes_of(recipe)
    if sizes is None:
        return None
    count = sizes.parameters()
    frozen = FROZEN_BYTES[recipe.model.dtype]
    trained = int(count * 0.01) if recipe.model.adapter == "lora" else count
    one = count * frozen + trained * TRAINED_BYTES if recipe.model.adapter == "lora" else count * TRAINED_BYTES
    if stage.startswith("sft"):
        return one
    # Actor and critic are trained, the reference is frozen; with adapters all three share one base.
    return count * frozen + 2 * trained * TRAINED_BYTES if recipe.model.adapter == "lora" else 2 * one + count * frozen


def available() -> tuple[int, str]:
    """Bytes of memory, and of what: the GPUs' if there are any."""
    import torch

    if torch.cuda.is_available():
        cards = range(torch.cuda.device_count())
        return sum(cast("int", torch.cuda.get_device_properties(number).total_memory) for number in cards), "GPU memory"
    return psutil.virtual_memory().available, "memory"


def check(recipe: Recipe, stage: str) -> None:
    """Raises `UserError` when the stage cannot fit."""
    if not stage.startswith(("sft", "rl")) and stage.rpartition("-")[0] not in recipe.arms:
        return
    needed = needed_bytes(recipe, stage)
    if needed is None:
        return
    room, what = available()
    if needed > room:
        raise UserError(
            f"{stage} needs at least {needed / GIB:.1f} GiB, and there are {room / GIB:.1f} GiB of {what}",
            where=f"recipe {recipe.name}",
            how="set model.adapter = 'lora', choose a smaller model, or use a larger machine",
        )
