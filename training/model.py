"""The policy and the critic in PyTorch: a Qwen2 of any size, and the packed pass for the exact distribution over edits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers.utils.logging
from torch import Tensor, nn
from transformers import Qwen2Config, Qwen2ForCausalLM, Qwen2Model

from mlagent_app.agent.errors import UserError, first_line
from mlagent_app.policies.trie import ROOT, Ints, Trie
from training.recipe import Model as ModelTable

# There is one bar, ours.
transformers.utils.logging.disable_progress_bar()


def from_scratch(table: ModelTable, vocabulary: int, seed: int) -> Qwen2ForCausalLM:
    """A Qwen2 with random weights. Untied embeddings: tied ones make vLLM's reloading of weights silently wrong."""
    torch.manual_seed(seed)
    config = Qwen2Config(
        vocab_size=vocabulary,
        hidden_size=table.hidden,
        num_hidden_layers=table.layers,
        num_attention_heads=table.heads,
        num_key_value_heads=table.kv_heads,
        intermediate_size=table.intermediate,
        max_position_embeddings=table.context,
        tie_word_embeddings=False,
        bos_token_id=None,
        eos_token_id=2,
        pad_token_id=0,
        attn_implementation="sdpa",  # pyright: ignore[reportCallIssue]
    )
    return Qwen2ForCausalLM(config)


def load(directory: Path) -> Qwen2ForCausalLM:
    """A saved policy, in float32. Raises `UserError` when it cannot be read."""
    try:
        return Qwen2ForCausalLM.from_pretrained(directory, dtype=torch.float32, attn_implementation="sdpa")
    except Exception as error:  # configuration and weights each have errors of their own
        how = "remove the stage that wrote them, and run it again"
        raise UserError(f"the weights cannot be read: {first_line(error)}", where=str(directory), how=how) from None


@dataclass(frozen=True, slots=True)
class Packed:
    """A batch of B prompts with their tries.

    L is the longest prompt plus trie, E the number of edges of all, C the most completions. tokens, positions [B, L]; mask
    [B, 1, L, L] (0 or a large negative number); row, at, choice, group [E]: where each edge's logit is read, its token, and
    the branch it belongs to; path [B, C, D] edges, E where there is none; real [B, C] completions.
    """

    tokens: Tensor
    positions: Tensor
    mask: Tensor
    row: Tensor
    at: Tensor
    choice: Tensor
    group: Tensor
    path: Tensor
    real: Tensor


def pack(prompts: Sequence[Ints], tries: Sequence[Trie]) -> Packed:
    """Lay prompts and tries side by side; see `Packed`."""
    width = max(len(prompt) + trie.size for prompt, trie in zip(prompts, tries, strict=True))
    most = max(len(trie.path) for trie in tries)
    deepest = max(trie.path.shape[1] for trie in tries)
    edges = sum(len(trie.choice) for trie in tries)
    tokens = np.zeros((len(tries), width), np.int64)
    positions = np.zeros((len(tries), width), np.int64)
    mask = np.broadcast_to(np.eye(width, dtype=bool), (len(tries), width, width)).copy()
    path = np.full((len(tries), most, deepest), edges, np.int64)
    real = np.zeros((len(tries), most), bool)
    row, at, choice, group = [np.zeros(edges, np.int64) for _ in range(4)]
    first = 0
    for number, (prompt, trie) in enumerate(zip(prompts, tries, strict=True)):
        start, end = len(prompt), len(prompt) + trie.size
        tokens[number, :start], tokens[number, start:end] = prompt, trie.token
        positions[number, :start], positions[number, start:end] = np.arange(start), start + trie.depth
        mask[number, :start, :start] |= np.tri(start, dtype=bool)
        mask[number, start:end, :start] = True
        mask[number, start:end, start:end] |= trie.ancestors()
        last = first + len(trie.choice)
        row[first:last], choice[first:last] = number, trie.choice
        at[first:last] = np.where(trie.source == ROOT, start - 1, start + trie.source)
        group[first:last] = number * width + at[first:last]
        found = trie.path
        path[number, : len(found), : found.shape[1]] = np.where(found == len(trie.choice), edges, found + first)
        real[number, : len(found)] = True
        first = last
    bias = np.where(mask, np.float32(0), np.float32(torch.finfo(torch.float32).min))[:, None]
    _, group = np.unique(group, return_inverse=True)
    return Packed(*(torch.from_numpy(part) for part in (tokens, positions, bias, row, at, choice, group, path, real)))


def log_probabilities(model: Qwen2ForCausalLM, batch: Packed) -> Tensor:
    """log pi(edit | state), [B, C]; -inf where there is no completion."""
    hidden: Any = model.model(
        input_ids=batch.tokens, attention_mask=batch.mask, position_ids=batch.positions, use_cache=False
    ).last_hidden_state
    chosen = hidden[batch.row, batch.at]  # [E, H]
    logits = (chosen * model.lm_head.weight[batch.choice]).sum(-1)
    groups = int(batch.group.max()) + 1 if len(batch.group) else 0
    top = torch.full((groups,), -torch.inf).scatter_reduce(0, batch.group, logits.detach(), "amax")
    shifted = logits - top[batch.group]
    total = torch.zeros(groups).index_add(0, batch.group, shifted.exp())
    edge = torch.cat([shifted - total.log()[batch.group], torch.zeros(1)])
    return edge[batch.path].sum(-1).masked_fill(~batch.real, -torch.inf)


class Critic(nn.Module):
    """V(s): a backbone of its own, and a linear head on the prompt's last token (paper: a separate value network)."""

    def __init__(self, policy: Qwen2ForCausalLM, start: float) -> None:
        """The backbone starts as the policy's, the head at `start`: the reward of an edit that changes nothing."""
        super().__init__()
        self.backbone = Qwen2Model(policy.config)
        self.backbone.load_state_dict(policy.model.state_dict())
        self.head = nn.Linear(policy.config.hidden_size, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.constant_(self.head.bias, start)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """Values [B] of prompts [B, P], padded on the right, of these lengths [B]."""
        mask = torch.arange(tokens.shape[1])[None] < lengths[:, None]
        hidden: Any = self.backbone(input_ids=tokens, attention_mask=mask.long(), use_cache=False).last_hidden_state
        return self.head(hidden[torch.arange(len(tokens)), lengths - 1]).squeeze(-1)


def padded(prompts: Sequence[Ints]) -> tuple[Tensor, Tensor]:
    """Prompts [B, P] padded with 0, and their lengths [B]."""
    lengths = torch.tensor([len(prompt) for prompt in prompts])
    tokens = torch.zeros((len(prompts), int(lengths.max())), dtype=torch.int64)
    for row, prompt in enumerate(prompts):
        tokens[row, : len(prompt)] = torch.from_numpy(np.asarray(prompt))
    return tokens, lengths
