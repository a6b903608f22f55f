"""The batch of `training.textual`: answers in free text with what they came to, by action and by token."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from training.corpus import Situation
from training.outcomes import Outcome
from training.recipe import Recipe


@dataclass(slots=True)
class TextBatch:
    """A = N * K answers, K to each of N states, row by row; T is the longest answer.

    `rewards` and `mask` (scored) [N, K] are by action, as in `training.ppo.Batch`. By token, [A, T]: `chosen` (of a scored
    answer), `old` (sampled log-probabilities), `reference`, `advantages`, `returns`; 0 where not chosen. `values`: the critic's
    before the update.
    """

    situations: list[Situation]
    answers: list[list[int]]
    rewards: Tensor
    mask: Tensor
    outcomes: list[Outcome]
    chosen: Tensor
    old: Tensor
    reference: Tensor = field(default_factory=lambda: torch.zeros(0))
    values: Tensor = field(default_factory=lambda: torch.zeros(0))
    advantages: Tensor = field(default_factory=lambda: torch.zeros(0))
    returns: Tensor = field(default_factory=lambda: torch.zeros(0))

    @classmethod
    def of(
        cls,
        recipe: Recipe,
        situations: list[Situation],
        answers: list[list[int]],
        logp: list[list[float]],
        outcomes: list[Outcome],
        each: int,
    ) -> TextBatch:
        """From answers in row order, `each` a state; what the infrastructure failed is masked."""
        rewards = [outcome.reward(recipe) for outcome in outcomes]
        width = max(len(answer) for answer in answers)
        chosen = torch.zeros((len(answers), width), dtype=torch.bool)
        old = torch.zeros((len(answers), width))
        for row, (numbers, reward) in enumerate(zip(logp, rewards, strict=True)):
            if reward is not None:
                chosen[row, : len(numbers)] = True
                old[row, : len(numbers)] = torch.tensor(numbers)
        mask = torch.tensor([reward is not None for reward in rewards]).reshape(-1, each)
        values = torch.tensor([reward or 0.0 for reward in rewards], dtype=torch.float32).reshape(-1, each)
        return cls(situations, answers, values, mask, outcomes, chosen, old)

    def token_rewards(self) -> Tensor:
        """[A, T]: the step's reward at the last token of its answer, 0 before."""
        rewards = torch.zeros_like(self.old)
        last = self.chosen.sum(1) - 1
        rows = (last >= 0).nonzero().squeeze(1)
        rewards[rows, last[rows]] = self.rewards.reshape(-1)[rows]
        return rewards
