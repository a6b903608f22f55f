"""Actor, reference and critic of a policy that writes text: three models, or three adapters on one frozen base."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mlagent_app.agent.reward import CONSTANT
from training.answers import Laid, precision
from training.big import load_policy
from training.logits import chosen_log_probabilities, number_of_parts
from training.memory import Layout
from training.ranks import ALONE, Ranks, shard, whole_weights
from training.recipe import Recipe

ACTOR, REFERENCE, CRITIC = "default", "reference", "critic"


class TextModels:
    """Actor, reference and critic that start from the same weights.

    With several processes each holds a part of every weight, gradient and moment (FSDP2) where all weights are trained, or
    its own copy where a frozen base carries adapters; see `training.memory.Layout`.
    """

    def __init__(self, recipe: Recipe, start: Path, ranks: Ranks = ALONE) -> None:
        self._table, self._temperature, self._ranks = recipe.model, recipe.rl.temperature, ranks
        self.sharded = Layout.of(recipe, ranks.world).sharded
        self.actor: Any = self._placed(load_policy(self._table, start, trained=True))
        self.device: torch.device = self.actor.device
        self.shared = hasattr(self.actor, "peft_config")
        if self.shared:
            for name in (REFERENCE, CRITIC):
                self.actor.load_adapter(str(start), name, is_trainable=name == CRITIC)
            self._reference = self._judge = self.actor
        else:
            frozen = load_policy(self._table, start, trained=False).requires_grad_(False).eval()
            self._reference: Any = self._placed(frozen)
            # Without the head over the vocabulary, which a critic has no use for.
            self._judge: Any = self._placed(load_policy(self._table, start, trained=True).base_model)
        # It begins at the reward of an edit that changes nothing.
        self.head = nn.Linear(int(self.actor.config.hidden_size), 1).to(self.device)
        nn.init.zeros_(self.head.weight)
        nn.init.constant_(self.head.bias, CONSTANT[recipe.rl.reward]["no_edit"])
        if self.device.type == "cuda":
            for model in {id(model): model for model in (self.actor, self._judge)}.values():
                model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        self.use(ACTOR)

    def _placed(self, model: nn.Module) -> nn.Module:
        if self.sharded:
            shard(model, compute=self._table.dtype)
        return model

    def parameters(self, role: str) -> dict[str, nn.Parameter]:
        """What is trained of the actor or the critic, by name."""
        self.use(role)
        model = self.actor if role == ACTOR else self._judge
        found: dict[str, nn.Parameter] = {
            f"{role}.{name}": value for name, value in model.named_parameters() if value.requires_grad
        }
        head = {f"head.{name}": value for name, value in self.head.named_parameters()}
        return found if role == ACTOR else found | head

    def use(self, role: str) -> None:
        """Switch a shared base to an adapter. It freezes the others: gradients of what ran before must be taken first."""
        if self.shared:
            self.actor.set_adapter(role, inference_mode=role == REFERENCE)

    def log_probabilities(self, laid: Laid, role: str, *, entropy: bool = False) -> tuple[Tensor, Tensor | None]:
        """log pi of each token of the answers at the temperature of the draw, and the entropy there if asked for; [b, T]."""
        self.use(role)
        model = self.actor if role == ACTOR else self._reference
        causal: Any = model.get_base_model() if self.shared else model
        width = laid.answered.shape[1]
        parts = number_of_parts(laid.answered.numel())
        with precision(self._table, self.device):
            # The token at t is predicted at t - 1.
            hidden = self._hidden(causal.base_model, laid)[:, -width - 1 : -1]  # [b, T, H]
            found, spread = chosen_log_probabilities(
                causal.get_output_embeddings(), hidden, laid.chosen, self._temperature, entropy=entropy,
                parts=self._ranks.most(parts) if self.sharded else parts,
            )  # fmt: skip
        return found.to(self.device), None if spread is None else spread.to(self.device)

    def values(self, laid: Laid) -> Tensor:
        """V of the state before each token of the answers, [b, T]."""
        self.use(CRITIC)
        width = laid.answered.shape[1]
        with precision(self._table, self.device):
            hidden = self._hidden(self._judge.get_base_model().base_model if self.shared else self._judge, laid)
        return self.head(hidden[:, -width - 1 : -1].float().to(self.device)).squeeze(-1)

    def train(self, training: bool) -> None:
        """Training mode turns on gradient checkpointing on a GPU."""
        self.actor.train(training)
        self._judge.train(training)

    @property
    def scale(self) -> int:
        """What a loss is multiplied by so that the gradients of all processes add up: shards average theirs."""
        return self._ranks.world if self.sharded else 1

    def gather_gradients(self, parameters: dict[str, nn.Parameter]) -> None:
        """Add up what the processes have for weights of which each has a copy; a shard has seen all gradients already."""
        if self._ranks.world == 1:
            return
        for name, value in sorted(parameters.items()):
            if not self.sharded or name.startswith("head."):
                value.grad = torch.zeros_like(value) if value.grad is None else value.grad
                self._ranks.total(value.grad).div_(self.scale)

    def weights(self) -> dict[str, Tensor]:
        """The actor's, whole, in the first process; every process has to ask."""
        return whole_weights(self.actor, sharded=self.sharded)

    @staticmethod
    def _hidden(body: nn.Module, laid: Laid) -> Tensor:
        """The last layer's output, [b, P + T, H]."""
        found: Tensor = body(
            input_ids=laid.tokens, attention_mask=laid.attention, position_ids=laid.positions, use_cache=False
        ).last_hidden_state
        return found
