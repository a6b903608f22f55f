"""Log-probabilities of chosen tokens without the logits of a whole batch, which would be the largest tensor of all."""

from __future__ import annotations

from typing import Any, cast

import torch
import torch.utils.checkpoint
from torch import Tensor, nn

from training import algo
from training.answers import LOGIT_TOKENS


def chosen_log_probabilities(
    head: nn.Module, hidden: Tensor, chosen: Tensor, temperature: float, *, entropy: bool = False, parts: int | None = None
) -> tuple[Tensor, Tensor | None]:
    """log softmax(head(hidden) / temperature) at `chosen` [b, T], from hidden [b, T, H]; and the entropy [b, T] if asked for.

    Logits exist for one of `parts` parts at a time, by default of at most `LOGIT_TOKENS` tokens, and are made again in the
    backward pass. Where the head is sharded, all processes have to name the same number.
    """
    flat, targets = hidden.flatten(0, 1), chosen.flatten()
    count = parts or number_of_parts(len(targets))

    def part(some: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
        logp: Tensor = (head(some).float() / temperature).log_softmax(-1)  # [n, V]
        picked = logp.gather(-1, wanted.to(logp.device)[:, None]).squeeze(-1)
        return picked, algo.entropy(logp) if entropy else picked.detach()

    pairs = zip(flat.tensor_split(count), targets.tensor_split(count), strict=True)
    again = cast("Any", torch.utils.checkpoint).checkpoint
    found = [again(part, some, wanted, use_reentrant=False) for some, wanted in pairs]
    picked, spread = (torch.cat([pair[place] for pair in found]).reshape(chosen.shape) for place in (0, 1))
    return picked, spread if entropy else None


def number_of_parts(tokens: int) -> int:
    """How many parts keep the logits small."""
    return max(1, -(-tokens // LOGIT_TOKENS))
