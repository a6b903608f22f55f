"""Bytes that training a Qwen2 takes on one GPU, part by part, from its sizes alone.

Weights, gradients and optimizer states are counted exactly; activations follow what PyTorch keeps for the backward pass of one
decoder layer, and are meant to be right within a factor of 1.5. `tests/training/test_memory.py` holds all of it to real models.
"""

from __future__ import annotations

from dataclasses import dataclass

from mlagent_app.agent.errors import UserError
from training.answers import DRAWN_TOKENS, LOGIT_TOKENS, TRAINED_TOKENS
from training.fit import Sizes
from training.recipe import Recipe

# Weights that are trained are float32, as are their gradients and AdamW's two moments (Loshchilov and Hutter 2019).
MASTER, GRADIENT, MOMENTS = 4, 4, 8
BFLOAT16 = 2
# The CUDA context, NCCL's buffers, and what the allocator cannot use.
RESERVE = 3 * 2**30
# TRL makes the logits of so many tokens at a time.
TRL_LOGIT_TOKENS = 256


@dataclass(frozen=True, slots=True)
class Layout:
    """How many GPUs there are, and whether what is trained is split over them (FSDP2) or there whole on each."""

    gpus: int
    sharded: bool

    @classmethod
    def of(cls, recipe: Recipe, gpus: int) -> Layout:
        """As `recipe.distributed` says."""
        wanted = recipe.distributed.sharding
        whole = recipe.model.adapter == "none" and recipe.model.base != "scratch"
        return cls(gpus, gpus > 1 and (wanted == "shard" or (wanted == "auto" and whole)))

    @property
    def parts(self) -> int:
        """Of how many parts each GPU holds one."""
        return self.gpus if self.sharded else 1


def adapter_parameters(sizes: Sizes, rank: int) -> int:
    """Of a LoRA on all linear layers but the head (Hu et al. 2022): rank x (inputs + outputs) each."""
    hidden, narrow, wide = sizes.hidden, sizes.kv_heads * (sizes.hidden // sizes.heads), sizes.intermediate
    pairs = 2 * (hidden + hidden) + 2 * (hidden + narrow) + 3 * (hidden + wide)
    return sizes.layers * rank * pairs


def layer_activations(sizes: Sizes, tokens: int, *, stream: int, compute: int, adapters: bool = False) -> int:
    """Bytes that one decoder layer keeps for its backward pass. `stream`: of a number between layers, `compute`: within them.

    Without the square of the tokens: attention is fused (sdpa, flash), and keeps its inputs, its output and a sum a head.
    """
    hidden, narrow, wide = sizes.hidden, sizes.kv_heads * (sizes.hidden // sizes.heads), sizes.intermediate
    # Both norms compute in float32 and keep input and normalised value; what goes into the linear layers is cast.
    norms = 2 * hidden * (4 + 4 + stream + compute)
    # Queries, keys and values before and behind the rotation, the output, and keys and values repeated for all heads.
    attention = compute * (4 * hidden + 4 * narrow + 2 * hidden) + 4 * sizes.heads
    # gate, its activation, up, and their product.
    feed = 4 * compute * wide
    # The input of each adapter once more, and what it is multiplied by in between.
    more = compute * (4 * hidden + wide) if adapters else 0
    return tokens * (norms + attention + feed + more)


def activations(sizes: Sizes, tokens: int, *, stream: int, adapters: bool) -> int:
    """With gradient checkpointing: the input of every layer, and one layer made anew with the gradients of its parts."""
    kept = sizes.layers * tokens * sizes.hidden * stream
    gradients = tokens * BFLOAT16 * (2 * sizes.intermediate + 2 * sizes.hidden)
    return kept + layer_activations(sizes, tokens, stream=stream, compute=BFLOAT16, adapters=adapters) + gradients


def logits(sizes: Sizes, tokens: int) -> int:
    """A chunk of logits over the vocabulary, in bfloat16 and float32, with gradients of both."""
    return tokens * sizes.vocabulary * (2 * BFLOAT16 + 3 * 4)


def cache(sizes: Sizes, tokens: int) -> int:
    """Keys and values of so many tokens, when answers are drawn."""
    return 2 * sizes.layers * sizes.kv_heads * (sizes.hidden // sizes.heads) * BFLOAT16 * tokens


def _copies(sizes: Sizes, layout: Layout) -> int:
    """Weights in bfloat16 to compute with: all of them (autocast), or two gathered layers, the embeddings and the head."""
    table = sizes.vocabulary * sizes.hidden
    if not layout.sharded:
        return BFLOAT16 * (sizes.parameters() - table)
    layer = (sizes.parameters() - 2 * table) // sizes.layers
    return BFLOAT16 * (2 * layer + 2 * table) + GRADIENT * max(layer, table)


def _trained(count: int, layout: Layout) -> dict[str, int]:
    """Master weights, gradients and moments of `count` parameters, on one GPU."""
    parts = layout.parts
    each = {"weights": MASTER, "gradients": GRADIENT, "optimizer": MOMENTS}
    return {name: size * count // parts for name, size in each.items()}


def parts(recipe: Recipe, sizes: Sizes, stage: str, layout: Layout) -> dict[str, int]:
    """What one GPU holds at the stage's peak, by name, in bytes; `stage`: `sft` or `rl`."""
    lora, count = recipe.model.adapter == "lora", sizes.parameters()
    small = adapter_parameters(sizes, recipe.model.lora_rank) if lora else 0
    whole = 4 if recipe.model.dtype == "float32" else BFLOAT16
    found = _trained(small or count, layout)
    if lora:
        # Only when sharding is asked for is the frozen base split: it is read all the time, and fits.
        found = {"base": whole * count // layout.parts, **found}
    else:
        found["computed with"] = _copies(sizes, layout)
    # Between layers numbers have the dtype of the embeddings: float32 under autocast, bfloat16 in a shard or a frozen base.
    stream = BFLOAT16 if lora or layout.sharded else MASTER
    if stage == "sft":
        tokens = per_pass(recipe, layout.gpus)[0] * recipe.sft.max_length
        return found | {
            "activations": activations(sizes, tokens, stream=stream, adapters=lora),
            "logits": logits(sizes, TRL_LOGIT_TOKENS),
            "reserve": RESERVE,
        }
    # The critic has a head of its own instead of the one over the vocabulary.
    judged = small or count - sizes.vocabulary * sizes.hidden
    found["critic"] = sum(_trained(judged, layout).values())
    found["reference"] = MASTER * small if lora else whole * count // layout.parts
    tokens = max(TRAINED_TOKENS, recipe.model.context)
    drawing = cache(sizes, DRAWN_TOKENS)
    learning = activations(sizes, tokens, stream=stream, adapters=lora) + logits(sizes, LOGIT_TOKENS)
    # Answers are drawn before anything is learned from them: the larger of both counts.
    found |= {"activations or cache": max(drawing, learning), "reserve": RESERVE}
    return found


def per_pass(recipe: Recipe, gpus: int) -> tuple[int, int]:
    """(examples in a pass of one GPU, passes before an update), so that an update sees `sft.batch * sft.accumulate` in all."""
    batch, passes = recipe.sft.batch, recipe.sft.accumulate
    if passes % gpus == 0:
        return batch, passes // gpus
    whole = batch * passes
    if whole % gpus:
        how = f"set sft.batch and sft.accumulate so that their product divides by {gpus}"
        raise UserError(f"{whole} examples an update cannot be shared by {gpus} processes", where="sft.batch", how=how)
    share = whole // gpus
    fitting = next(size for size in range(min(batch, share), 0, -1) if share % size == 0)
    return fitting, share // fitting
