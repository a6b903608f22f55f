"""The prior of the small model's policy in training: features of every state, and the policy that they make with the model."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import Qwen2ForCausalLM

from mlagent_app.agent.cookbook import Cookbook
from mlagent_app.agent.reward import Version
from mlagent_app.policies.prior import FEATURES, Prior, features
from training import algo, experts
from training.corpus import Situation
from training.model import log_probabilities, pack
from training.recipe import Recipe
from training.stage import Stage

# A situation's features phi, [C, F].
Looked = Callable[[Situation], Tensor]


class Priors:
    """phi of training's states. What a task's own episodes came to is never in the cookbook that its states are read with.

    On a task that training has not seen the cookbook knows nothing of the task either: so much can be made of it, and no more.
    """

    def __init__(self, stage: Stage, tasks: Collection[str]) -> None:
        """`stage`: the experts'; `tasks`: those that may be learnt from."""
        self._version: Version = stage.recipe.experts.book_reward
        self._tasks = sorted(tasks)
        self._episodes = [episode for episode in experts.played(stage) if episode["start"]["task"] in tasks]
        self.book = experts.book_of(self._episodes, self._version)
        self.look: Looked = remembered(self._without)

    def write(self, place: Path) -> None:
        """The cookbook of each task, as TASK.json in `place`: for who acts in a worker (`training.actors.ModelActor`)."""
        place.mkdir(parents=True, exist_ok=True)
        for task in self._tasks:
            (place / f"{task}.json").write_text(self._without(task).to_json(), "utf-8")

    def with_tries(self, tries: Iterable[tuple[str, str, str, float]]) -> Cookbook:
        """The cookbook of all episodes and of what the policy tried itself: (kind of task, instruction, family, reward).

        What looks good in few episodes is what the policy tries, so that its tries correct what luck made look good.
        """
        book = experts.book_of(self._episodes, self._version)
        for kind, instruction, family, reward in tries:
            book.add(kind, instruction, family, reward)
        return book

    def _without(self, task: str) -> Cookbook:
        return experts.book_of((episode for episode in self._episodes if episode["start"]["task"] != task), self._version)


def remembered(book: Callable[[str], Cookbook]) -> Looked:
    """phi by the cookbook for a situation's task; each cookbook is made, and each state looked at, once."""
    book = lru_cache(maxsize=None)(book)
    known: dict[str, Tensor] = {}

    def look(situation: Situation) -> Tensor:
        if situation.id not in known:
            edits = [(instruction, family) for instruction, _, family in situation.edits]
            phi = features(book(situation.task), situation.kind, situation.tries, edits, situation.room)
            known[situation.id] = torch.from_numpy(phi).float()
        return known[situation.id]

    return look


def start_of(recipe: Recipe) -> Prior:
    """The recipe's prior, before RL."""
    return Prior(recipe.prior.model, tuple(getattr(recipe.prior, name) for name in FEATURES))


class Policy(nn.Module):
    """The small model's policy: a Qwen2 with its prior, exact over the edits that apply."""

    def __init__(self, model: Qwen2ForCausalLM, prior: Prior, look: Looked | None, *, trained: bool = False) -> None:
        """`trained`: whether the prior's weights are to be learnt. Raises ValueError for a prior with nothing to look with."""
        super().__init__()
        if look is None and (trained or not prior.neutral):
            raise ValueError("a prior looks at features")
        self.model, self._share = model, prior.model
        self.weights = nn.Parameter(torch.tensor(prior.weights), requires_grad=trained)
        self._look = None if prior.neutral and not trained else look

    def forward(self, situations: Sequence[Situation]) -> Tensor:
        """log pi(edit | state), [N, C]; -inf where a state has no more edits."""
        logp = log_probabilities(self.model, pack([s.prompt for s in situations], [s.trie() for s in situations]))
        if self._look is None:
            return logp
        phi = [nn.functional.pad(row, (0, 0, 0, logp.shape[1] - len(row))) for row in map(self._look, situations)]
        return mixed(logp, torch.stack(phi), self._share, self.weights)

    def prior(self) -> Prior:
        """As it is now."""
        return Prior(self._share, tuple(float(weight) for weight in self.weights.detach()))


def mixed(logp: Tensor, phi: Tensor, share: float, weights: Tensor) -> Tensor:
    """log pi [N, C] from the model's log p [N, C], phi [N, C, F], m and w [F]; see `mlagent_app.policies.prior`."""
    logits = share * algo.finite(logp) + phi @ weights
    return logits.masked_fill(~torch.isfinite(logp), -torch.inf).log_softmax(-1)
