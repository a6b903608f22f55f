"""What the small model's policy does on tasks kept apart from its training. It is executed there, not only looked up.

Edits that the expert measured are no sample of what a policy would choose. What it would do itself is executed, as it is
played: at `publish.temperature`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mlagent_app.policies.embedded import sharpened
from training.corpus import Situation
from training.outcomes import Outcomes
from training.pool import WorkerPool
from training.recipe import Recipe
from training.telling import Tell

# In each state the likeliest edits that make up this share of the policy.
SHARE = 0.9
# So many states are read, and executed, at a time.
BATCH = 16

# log pi(. | s) of situations, [N, C].
Distributions = Callable[[Sequence[Situation]], Tensor]


class Unseen:
    """The mean reward that a policy is to expect of one step in the same states each time.

    Of each state the likeliest edits are executed, up to `SHARE` of the policy and to `rl.rollouts_per_state` edits; their
    rewards are weighted by its probabilities. What was executed before is not run again, so that a policy that differs little
    from an earlier one costs little.
    """

    def __init__(
        self, recipe: Recipe, situations: Sequence[Situation], outcomes: Outcomes, pool: WorkerPool, tell: Tell
    ) -> None:
        self._recipe, self._situations = recipe, situations
        self._outcomes, self._pool, self._tell = outcomes, pool, tell

    def expected_reward(self, distributions: Distributions) -> float:
        """By `rl.reward`; nan where nothing was scored."""
        found: list[float] = []
        before = self._outcomes.misses
        for at in range(0, len(self._situations), BATCH):
            part = self._situations[at : at + BATCH]
            shares = [self._shares(row[: len(s.edits)]) for s, row in zip(part, distributions(part), strict=True)]
            wanted = [(s, place) for s, chances in zip(part, shares, strict=True) for place in chances]
            outcomes = iter(self._outcomes.of(self._pool, wanted, self._recipe.tasks.run_seconds))
            for chances in shares:
                rewards = {place: next(outcomes).reward(self._recipe) for place in chances}
                known = {place: reward for place, reward in rewards.items() if reward is not None}
                if known:
                    total = sum(chances[place] for place in known)
                    found.append(sum(chances[place] * reward for place, reward in known.items()) / total)
        executed = self._outcomes.misses - before
        if executed:
            self._tell(f"{executed} edits were executed on tasks that are kept apart")
        return float(np.mean(found)) if found else float("nan")

    def _shares(self, logp: Tensor) -> dict[int, float]:
        """Edit -> its probability, the likeliest first."""
        chances: NDArray[np.float64] = sharpened(logp.double().numpy(), self._recipe.publish.temperature)
        order = np.argsort(-chances, kind="stable")[: self._recipe.rl.rollouts_per_state]
        enough = int(np.searchsorted(chances[order].cumsum(), SHARE)) + 1
        return {int(place): float(chances[place]) for place in order[:enough]}
