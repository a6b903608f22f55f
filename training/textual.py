"""Step-wise PPO (paper, section 3.3, eq. 4 and 5) for a policy that writes free text, in the loop of `training.ppo`.

One action is an answer of T tokens. It is executed and rewarded as a whole (eq. 6); the reward stands at its last token, and
ratio, KL and value are per token. Actor, critic and reference are three models where all weights are trained; with LoRA they
are three adapters on one frozen base (`training.textmodels`).

Several processes (`training.ranks`) hold the same batch. Each draws, scores and learns its share of the answers; the first one
executes all of them.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import torch

from mlagent_app.agent.errors import UserError
from training import algo
from training.answers import TRAINED_TOKENS, Execution, Laid, Speech, chunks, draw, lay
from training.corpus import Corpus, Situation
from training.loop import GRADIENT_STEPS, read_checkpoint
from training.outcomes import Outcomes
from training.pool import WorkerPool
from training.ranks import ALONE, Ranks, clip
from training.recipe import Recipe
from training.states import balanced
from training.textbatch import TextBatch
from training.textmodels import ACTOR, CRITIC, REFERENCE, TextModels
from training.weights import replacing

# So many unseen states, with one answer each, say how good the policy is on what it is not trained on.
VALIDATED = 32


class TextLearner:
    """Actor, critic, reference, and one update of them; see `training.loop.Trained`."""

    def __init__(self, recipe: Recipe, read: Corpus, start: Path, seed: int, ranks: Ranks = ALONE) -> None:
        torch.manual_seed(seed)
        self.recipe, self.table, self.ranks = recipe, recipe.rl, ranks
        self.speech = Speech.of(recipe, read)
        self.models = TextModels(recipe, start, ranks)
        actor, critic = self.models.parameters(ACTOR), self.models.parameters(CRITIC)
        self._parts = (list(actor.values()), list(critic.values()))
        self._trained = actor | critic
        # The critic's head is never split: a group of its own keeps shards apart from it.
        body = [value for name, value in critic.items() if not name.startswith("head.")]
        groups = [
            {"params": self._parts[0], "lr": self.table.actor_lr},
            {"params": body, "lr": self.table.critic_lr},
            {"params": list(self.models.head.parameters()), "lr": self.table.critic_lr},
        ]
        self.optimizer = torch.optim.AdamW(groups, weight_decay=0.0, fused=self.models.device.type == "cuda")
        self.spent: dict[str, float] = {}

    def draw(self, situations: Sequence[Situation], seed: int) -> tuple[list[list[int]], list[list[float]]]:
        """An answer to each state by the current policy, and its tokens' log-probabilities; every process gets all."""
        self.models.use(ACTOR)
        ranks = self.ranks
        own = ranks.mine(range(len(situations)))
        prompts = [situations[row].prompt for row in own] or [situations[0].prompt]
        seed = seed * ranks.world + ranks.rank
        answers, logp = draw(
            self.models.actor, prompts, self.speech, self.recipe.model, seed, ranks if self.models.sharded else ALONE
        )
        told = sorted(ranks.gathered(list(zip(own, answers, logp, strict=False))), key=lambda found: found[0])
        return [answer for _, answer, _ in told], [row for _, _, row in told]

    @torch.no_grad()
    def advantage(self, batch: TextBatch) -> None:
        """Fill in values, the reference's log-probabilities, advantages (GAE over an answer's tokens) and returns, [A, T]."""
        values, batch.reference = torch.zeros_like(batch.old), torch.zeros_like(batch.old)
        batch.values = values
        self.models.train(False)
        for rows, own in self._chunks(batch, range(len(batch.answers))):
            laid = self._lay(batch, rows)
            width = laid.answered.shape[1]
            judged, scored = self.models.values(laid).cpu(), self.models.log_probabilities(laid, REFERENCE)[0].cpu()
            if own:
                values[rows, :width], batch.reference[rows, :width] = judged, scored
        self.ranks.total(values)
        self.ranks.total(batch.reference)
        if self.table.advantage == "group":
            grouped = algo.group_advantages(batch.rewards, batch.mask).reshape(-1, 1)
            advantages, batch.returns = grouped * batch.chosen, batch.rewards.reshape(-1, 1) * batch.chosen
        else:
            rewards = batch.token_rewards()
            advantages, batch.returns = algo.gae(rewards, values, batch.chosen, self.table.gamma, self.table.lam)
        batch.advantages = algo.normalise(advantages, batch.chosen)

    def update(self, batch: TextBatch, rng: random.Random) -> dict[str, float]:
        """`epochs` passes over the answers in minibatches, taken in parts that fit. Returns the last pass's diagnostics."""
        table, count = self.table, len(batch.answers)
        sums: Counter[str] = Counter()
        self.models.train(True)
        drift, steps = 0.0, 0
        for epoch in range(table.epochs):
            order = rng.sample(range(count), count)
            for at in range(0, count, table.minibatch):
                rows = order[at : at + table.minibatch]
                tokens = int(batch.chosen[rows].sum())
                if not tokens:
                    continue
                self.optimizer.zero_grad()
                told: Counter[str] = Counter()
                for part, own in self._chunks(batch, rows):
                    told.update(self._backward(batch, part, int(batch.chosen[part].sum()) / tokens if own else 0.0))
                self.models.gather_gradients(self._trained)
                told = _added(self.ranks.gathered([told]))
                for parameters in self._parts:
                    clip(parameters, table.max_grad_norm)
                if epoch == at == 0:
                    drift = told["drift"]  # nothing has been learned from the batch yet: it should be 0
                self.optimizer.step()
                steps += 1
                if epoch == table.epochs - 1:
                    sums.update({name: value * len(rows) / count for name, value in told.items()})
        self.models.train(False)
        apart = sums["kl_token"] * self._tokens_per_answer(batch)
        return {**sums, "kl_sft": apart, "drift": drift, GRADIENT_STEPS: steps}

    def _backward(self, batch: TextBatch, rows: list[int], share: float) -> dict[str, float]:
        """Gradients of some answers, which are `share` of a minibatch's tokens. Returns their part of its diagnostics.

        Actor before critic: on a shared base the gradients of one must be taken before the other's adapter is switched on.
        """
        table = self.table
        if not share and not self.models.sharded:
            return {}
        laid = self._lay(batch, rows)
        width = laid.answered.shape[1]
        mask, old, advantages, reference, returns = (
            tensor[rows, :width].to(self.models.device)
            for tensor in (batch.chosen, batch.old, batch.advantages, batch.reference, batch.returns)
        )
        new, spread = self.models.log_probabilities(laid, ACTOR, entropy=table.entropy != 0.0)
        policy = algo.clipped_policy_loss(new, old, advantages, mask, table.clip)
        # KL(pi || pi_SFT) per token from the drawn tokens: the estimate has its roles the other way round.
        divergence = algo.approximate_kl(reference, new, mask)
        loss = policy + table.kl * divergence
        if spread is not None:
            loss = loss - table.entropy * algo.masked_mean(spread, mask)
        (loss * share * self.models.scale).backward()
        critic = algo.value_loss(self.models.values(laid), returns, mask)
        (critic * share * self.models.scale).backward()
        with torch.no_grad():
            told = {
                "policy_loss": policy,
                "value_loss": critic,
                "kl_token": divergence,
                # Exact where it is part of the loss, else estimated from the drawn tokens.
                "entropy": algo.masked_mean(-new if spread is None else spread, mask),
                "approx_kl": algo.approximate_kl(new, old, mask),
                "clip_fraction": algo.clip_fraction(new, old, mask, table.clip),
                "drift": algo.masked_mean((new - old).abs(), mask),
            }
        return {name: float(value.detach()) * share for name, value in told.items()}

    def explained_variance(self, batch: TextBatch) -> float:
        """How well the critic, as it was before the update, explains the returns of the tokens."""
        return algo.explained_variance(batch.values, batch.returns, batch.chosen)

    def save_policy(self, place: Path) -> None:
        """The actor (with LoRA its adapter) and the tokenizer as transformers writes them, in the table's dtype.

        Whole or not at all.
        """
        self.models.use(ACTOR)
        actor, weights = self.models.actor, self.models.weights()
        if not self.ranks.first:
            return
        with replacing(place) as fresh:
            if self.models.shared:
                actor.save_pretrained(str(fresh), selected_adapters=[ACTOR])
            else:
                actor.generation_config.eos_token_id = list(self.speech.ends)  # what serves it stops where it learned to stop
                dtype = getattr(torch, self.recipe.model.dtype)
                actor.save_pretrained(str(fresh), state_dict={name: value.to(dtype) for name, value in weights.items()})
            self.speech.tokenizer.save_pretrained(str(fresh))

    def save(self, path: Path, update: int, best: float) -> None:
        """Everything that going on needs, whole or not at all; of several processes each writes what it holds."""
        path = self._own(path)
        trained = {name: value.detach() for name, value in self._trained.items()}
        scratch = path.with_suffix(".fresh")
        torch.save({"trained": trained, "optimizer": self.optimizer.state_dict(), "update": update, "best": best}, scratch)
        self.ranks.gathered([True])  # all have written before one replaces its last one
        scratch.replace(path)

    @torch.no_grad()
    def resume(self, path: Path) -> tuple[int, float]:
        """The number of the next update, and the best score so far; 0 and -inf where there is no checkpoint.

        Raises `UserError` where there are some that do not go together: they are not to be lost.
        """
        misfit = UserError(
            f"the checkpoints do not go together, or were not written by {self.ranks.world} process(es)",
            where=str(path.parent),
            how="start as many processes as before; or remove them, and the training starts anew",
        )
        found = any(self.ranks.gathered([any(path.parent.glob(f"{path.stem}*{path.suffix}"))]))
        path = self._own(path)
        if not all(self.ranks.gathered([path.exists()])):
            if found:
                raise misfit
            return 0, float("-inf")
        # A shard remembers the device that it belongs to.
        state = read_checkpoint(path, ("trained", "optimizer"), None if self.models.sharded else "cpu")
        if len(set(self.ranks.gathered([int(state["update"])]))) > 1:  # killed between two of them
            raise misfit
        for name, value in state["trained"].items():
            self._trained[name].copy_(value)
        self.optimizer.load_state_dict(state["optimizer"])
        return int(state["update"]), float(state["best"])

    def _own(self, path: Path) -> Path:
        """The checkpoint of this process: weights that are split differently are not read."""
        world = self.ranks.world
        return path if world == 1 else path.with_name(f"{path.stem}-{self.ranks.rank}-of-{world}{path.suffix}")

    def _lay(self, batch: TextBatch, rows: Sequence[int]) -> Laid:
        prompts, answers = [batch.situations[row].prompt for row in rows], [batch.answers[row] for row in rows]
        return lay(prompts, answers, self.speech.pad, self.models.device)

    def _chunks(self, batch: TextBatch, rows: Sequence[int]) -> list[tuple[list[int], bool]]:
        """This process's share of the rows, in parts that fit, and True.

        Shards are gathered in every pass, so all processes have to make the same number: who has fewer parts repeats an answer,
        with False, whose results must not count.
        """
        own = self.ranks.mine(rows)
        lengths = [len(batch.situations[row].prompt) + len(batch.answers[row]) for row in own]
        parts = [([own[at] for at in part], True) for part in chunks(lengths, TRAINED_TOKENS)]
        if self.models.sharded:
            parts += [([rows[0]], False)] * (self.ranks.most(len(parts)) - len(parts))
        return parts

    @staticmethod
    def _tokens_per_answer(batch: TextBatch) -> float:
        return float(batch.chosen.sum()) / max(1, int(batch.mask.sum()))


def _added(told: Sequence[Counter[str]]) -> Counter[str]:
    """Sums by name; those of one row keep their signs, which `Counter`'s own addition would not."""
    found: Counter[str] = Counter()
    for row in told:
        found.update(row)
    return found


class TextRollout:
    """`states` expert states, `rollouts_per_state` answers in each; see `training.loop.Rollout`."""

    def __init__(
        self,
        recipe: Recipe,
        situations: Sequence[Situation],
        unseen: Sequence[Situation],
        pool: WorkerPool,
        outcomes: Outcomes,
        seed: int,
        ranks: Ranks = ALONE,
    ) -> None:
        self._recipe = recipe
        self._seed = seed
        self._ranks = ranks
        self._draws = balanced(situations, seed, fewest=0)
        self._drawn: list[list[Situation]] = []
        self._execution = Execution(recipe, pool, outcomes)
        found = balanced(unseen, seed, fewest=0)
        self._unseen = [next(found) for _ in range(min(VALIDATED, len(unseen)))]

    def collect(self, learner: TextLearner, update: int) -> TextBatch:
        """Draw states, write answers, execute them."""
        table = self._recipe.rl
        while len(self._drawn) <= update:  # a resumed run draws what it drew before
            self._drawn.append([next(self._draws) for _ in range(table.states)])
        situations = [s for s in self._drawn[update] for _ in range(table.rollouts_per_state)]
        return self._play(learner, situations, table.rollouts_per_state, self._seed * 1_000_003 + update)

    def expected_reward(self, learner: TextLearner) -> float:
        """The mean reward of one answer in each of some unseen states, always the same states; nan where nothing was scored."""
        if not self._unseen:
            return float("nan")
        batch = self._play(learner, self._unseen, 1, self._seed)
        return float(algo.masked_mean(batch.rewards, batch.mask)) if batch.mask.any() else float("nan")

    def _play(self, learner: TextLearner, situations: list[Situation], each: int, seed: int) -> TextBatch:
        start = time.monotonic()
        answers, logp = learner.draw(situations, seed)
        learner.spent["generation_seconds"] = time.monotonic() - start
        texts = [learner.speech.text(answer) for answer in answers]
        outcomes = self._ranks.from_first(lambda: self._execution.outcomes(list(zip(situations, texts, strict=True))))
        learner.spent["execution_seconds"] = self._execution.spent
        return TextBatch.of(self._recipe, situations, answers, logp, outcomes, each)
