"""Remembered actions, learnt from again: what was executed once need not be executed to be learnt from once more."""

from __future__ import annotations

import random
from collections.abc import Sequence

import torch
from torch import Tensor

from training.corpus import Situation
from training.outcomes import Outcomes
from training.recipe import Recipe


class Replay:
    """States in which two actions or more have a known reward, from the expert, from this run or from another seed's.

    The objective is the policy gradient over all known actions at once, without sampling:
    J(s) = sum_a p(a) (r(a) - mean r) / sd, with p the policy's distribution restricted to the known actions, and sd the
    deviation of all known rewards. It is step-wise RL with the memory as environment; KL to the SFT policy and entropy enter as
    in PPO.
    """

    def __init__(self, recipe: Recipe, situations: Sequence[Situation], outcomes: Outcomes) -> None:
        self._recipe = recipe
        self._outcomes = outcomes
        self._situations = {task: [s for s in situations if s.task == task] for task in sorted({s.task for s in situations})}

    def draw(self, rng: random.Random) -> list[tuple[Situation, list[tuple[int, float]]]]:
        """`replay_states` states, tasks in turn, each with its known (edit, reward) pairs; fewer where little is known yet."""
        wanted = self._recipe.rl.replay_states
        found: list[tuple[Situation, list[tuple[int, float]]]] = []
        tasks = [task for task, states in self._situations.items() if states]
        for _ in range(4):  # some tasks may have nothing to learn from
            for task in rng.sample(tasks, len(tasks)):
                situation = rng.choice(self._situations[task])
                known = self._outcomes.rewards(situation, self._recipe)
                if len({reward for _, reward in known}) > 1:
                    found.append((situation, known))
                if len(found) == wanted:
                    return found
        return found


def expected_advantage(logp: Tensor, known: Sequence[Sequence[tuple[int, float]]]) -> Tensor:
    """Mean J of the states, from their log-probabilities [N, C] and known (edit, reward) pairs; a scalar to be maximised."""
    rewards = torch.tensor([reward for pairs in known for _, reward in pairs])
    scale = rewards.std() + 1e-6
    total = torch.zeros(())
    for row, pairs in zip(logp, known, strict=True):
        given = torch.tensor([reward for _, reward in pairs])
        chances = row[[place for place, _ in pairs]].softmax(0)
        total = total + (chances * (given - given.mean()) / scale).sum()
    return total / len(known)
