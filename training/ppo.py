"""Step-wise PPO (paper, section 3.3, eq. 4 and 5): one loop that reads from top to bottom, and the learner of the exact policy.

States are drawn from the expert's trajectories; in each the policy takes a few single actions, which are executed and rewarded
by eq. 6; actor and critic are updated by the clipped surrogate with a KL penalty to the SFT policy. Nothing is ever unrolled:
that is what makes it step-wise. `training.episodic` plays whole episodes instead, for comparison; `training.textual` is the
same for a policy that writes free text, `training.grpo` another algorithm for it.
"""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mlagent_app.agent.cookbook import Cookbook
from mlagent_app.agent.errors import UserError
from mlagent_app.agent.reward import CONSTANT
from mlagent_app.policies.prior import Prior
from training import algo, corpus, experts, sft
from training.corpus import Corpus, Situation
from training.loop import GRADIENT_STEPS, MODEL, Rollout, loop, read_checkpoint
from training.model import Critic, from_scratch, load, padded
from training.outcomes import Outcome, Outcomes, file_of, key_of
from training.pool import WorkerPool
from training.priors import Looked, Policy, Priors, start_of
from training.ranks import ALONE, ranks
from training.recipe import Prior as PriorTable
from training.recipe import Recipe
from training.replay import Replay, expected_advantage
from training.rollouts import FILE, Recorded
from training.stage import LOGS, Stage, write_json
from training.states import balanced, judged, parted
from training.telling import Tell
from training.unseen import Unseen
from training.weights import complete, replacing

PRIOR = "prior.json"


def stage_of(run: Path, recipe: Recipe, seed: int, arm: str = "rl") -> Stage:
    start = sft.stage_name(recipe, arm)
    extra = recipe.arms[arm].model_dump_json(exclude={"rl", "prior"}) if arm != "rl" else ""
    sections, inputs = ("model", "rl"), ("corpus", start)
    if sft.has_prior(recipe):
        sections, inputs = (*sections, "prior"), ("experts", *inputs)
    return Stage(run, f"{arm}-{seed}", recipe.for_arm(arm), sections, inputs, extra)


@dataclass(slots=True)
class Batch:
    """N states with up to K scored actions each. tokens: for the packed pass; `actions`, `old`, `rewards`, `mask`: [N, K].

    `reference` holds the SFT policy's log-probabilities [N, C] of every state; `values` [N, K] what the critic says of them
    before the update: what advantages are made of.
    """

    situations: list[Situation]
    actions: Tensor
    old: Tensor
    rewards: Tensor
    mask: Tensor
    reference: list[Tensor]
    outcomes: list[Outcome]
    values: Tensor = field(default_factory=lambda: torch.zeros(0))
    advantages: Tensor = field(default_factory=lambda: torch.zeros(0))
    returns: Tensor = field(default_factory=lambda: torch.zeros(0))


class Learner:
    """Actor, critic, reference, and one update of them."""

    def __init__(self, recipe: Recipe, start: Path, seed: int, look: Looked | None = None) -> None:
        """`look`: the features of the prior, if the recipe has one."""
        torch.manual_seed(seed)
        self.recipe, self.table = recipe, recipe.rl
        self.actor = Policy(load(start), start_of(recipe), look, trained=recipe.prior.lr > 0)
        self.reference = Policy(load(start), start_of(recipe), look).eval().requires_grad_(False)
        self.critic = Critic(self.actor.model, CONSTANT[self.table.reward]["no_edit"])
        groups = [
            {"params": list(self.actor.model.parameters()), "lr": self.table.actor_lr},
            {"params": [self.actor.weights], "lr": recipe.prior.lr},
            {"params": list(self.critic.parameters()), "lr": self.table.critic_lr},
        ]
        self.optimizer = torch.optim.AdamW(groups, weight_decay=0.0)
        self._references: dict[str, Tensor] = {}
        self.spent: dict[str, float] = {}
        self.replay: Replay | None = None

    @torch.no_grad()
    def distributions(self, situations: Sequence[Situation]) -> Tensor:
        """log pi(. | s) of the current policy, [N, C]."""
        return self.actor(situations)

    @torch.no_grad()
    def references(self, situations: Sequence[Situation]) -> list[Tensor]:
        """log pi_SFT(. | s), each [C]; computed once a state."""
        fresh = list({s.id: s for s in situations if s.id not in self._references}.values())
        for at in range(0, len(fresh), 16):
            part = fresh[at : at + 16]
            rows = self.reference(part)
            self._references.update({s.id: row[: len(s.edits)] for s, row in zip(part, rows, strict=True)})
        return [self._references[s.id] for s in situations]

    @torch.no_grad()
    def values(self, situations: Sequence[Situation]) -> Tensor:
        """V(s) of the present critic, [N]."""
        return self.critic(*padded([s.prompt for s in situations]))

    def advantage(self, batch: Batch) -> None:
        """Fill in values, advantages and returns [N, K], unless the rollout did."""
        if batch.advantages.numel():
            return
        values = batch.values = self.values(batch.situations)[:, None].expand_as(batch.rewards)
        if self.table.advantage == "group":
            advantages = algo.group_advantages(batch.rewards, batch.mask)
            batch.returns = batch.rewards
        else:
            # T = 1: every action is a trajectory of its own, so that GAE is r - V(s).
            flat = [tensor.reshape(-1, 1) for tensor in (batch.rewards, values, batch.mask)]
            advantages, returns = algo.gae(flat[0], flat[1], flat[2], self.table.gamma, self.table.lam)
            advantages, batch.returns = advantages.reshape_as(batch.rewards), returns.reshape_as(batch.rewards)
        batch.advantages = algo.normalise(advantages, batch.mask)

    def update(self, batch: Batch, rng: random.Random) -> dict[str, float]:
        """`epochs` passes over the batch in minibatches of whole states, then replays. Returns the last pass's diagnostics."""
        table = self.table
        count, each = len(batch.situations), max(1, table.minibatch // batch.actions.shape[1])
        sums: Counter[str] = Counter()
        steps = 0
        for epoch in range(table.epochs):
            order = rng.sample(range(count), count)
            for at in range(0, count, each):
                rows = order[at : at + each]
                loss, told = self._loss(batch, rows)
                self.optimizer.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(self.actor.parameters(), table.max_grad_norm)
                torch.nn.utils.clip_grad_norm_(self.critic.parameters(), table.max_grad_norm)
                self.optimizer.step()
                steps += 1
                if epoch == table.epochs - 1:
                    sums.update({name: value * len(rows) / count for name, value in told.items()})
        told = self._replayed(rng)
        return {**sums, **({"replay_advantage": float(np.mean(told))} if told else {}), GRADIENT_STEPS: steps + len(told)}

    def _replayed(self, rng: random.Random) -> list[float]:
        """Learn from remembered outcomes; see `training.replay`. The objective at each gradient step."""
        told: list[float] = []
        for _ in range(self.table.replays if self.replay else 0):
            drawn = self.replay.draw(rng) if self.replay else []
            if not drawn:
                break
            situations = [situation for situation, _ in drawn]
            logp = self.actor(situations)
            gained = expected_advantage(logp, [known for _, known in drawn])
            divergence = algo.kl(logp, _stacked(self.references(situations), logp)).mean()
            loss = self.table.kl * divergence - self.table.entropy * algo.entropy(logp).mean() - gained
            self.optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.actor.parameters(), self.table.max_grad_norm)
            self.optimizer.step()
            told.append(float(gained.detach()))
        return told

    def _loss(self, batch: Batch, rows: list[int]) -> tuple[Tensor, dict[str, float]]:
        table = self.table
        situations = [batch.situations[row] for row in rows]
        actions, old, mask = batch.actions[rows], batch.old[rows], batch.mask[rows]
        logp = self.actor(situations)  # [n, C]
        new = logp.gather(1, actions)  # [n, K]
        policy = algo.clipped_policy_loss(new, old, batch.advantages[rows], mask, table.clip)
        reference = _stacked([batch.reference[row] for row in rows], logp)
        divergence, spread = algo.kl(logp, reference).mean(), algo.entropy(logp).mean()
        values = self.critic(*padded([s.prompt for s in situations]))[:, None].expand_as(actions)
        critic = algo.value_loss(values, batch.returns[rows], mask)
        loss = policy + table.kl * divergence - table.entropy * spread + critic
        with torch.no_grad():
            told = {
                "policy_loss": float(policy),
                "value_loss": float(critic),
                "kl_sft": float(divergence),
                "entropy": float(spread),
                "approx_kl": float(algo.approximate_kl(new, old, mask)),
                "clip_fraction": float(algo.clip_fraction(new, old, mask, table.clip)),
            }
        return loss, told

    def explained_variance(self, batch: Batch) -> float:
        """How well the critic, as it was before the update, explains the batch's returns."""
        return algo.explained_variance(batch.values, batch.returns, batch.mask)

    def save_policy(self, place: Path) -> None:
        """The weights as transformers writes them, and the prior beside them; whole or not at all."""
        with replacing(place) as fresh:
            self.actor.model.save_pretrained(fresh)
            write_json(fresh / PRIOR, self.actor.prior().to_json())

    def save(self, path: Path, update: int, best: float) -> None:
        """Everything that going on needs, whole or not at all."""
        parts = {"actor": self.actor, "critic": self.critic, "optimizer": self.optimizer}
        state = {name: part.state_dict() for name, part in parts.items()}
        scratch = path.with_suffix(".fresh")
        torch.save({**state, "update": update, "best": best}, scratch)
        scratch.replace(path)

    def resume(self, path: Path) -> tuple[int, float]:
        """The number of the next update, and the best score so far; 0 and -inf where there is no checkpoint."""
        if not path.exists():
            return 0, float("-inf")
        state = read_checkpoint(path, ("actor", "critic", "optimizer"))
        self.actor.load_state_dict(state["actor"])
        self.critic.load_state_dict(state["critic"])
        self.optimizer.load_state_dict(state["optimizer"])
        return int(state["update"]), float(state["best"])


def _stacked(rows: Sequence[Tensor], like: Tensor) -> Tensor:
    """Rows of different lengths as one tensor of the shape of `like`, -inf where they end."""
    stacked = torch.full_like(like, -torch.inf)
    for number, row in enumerate(rows):
        stacked[number, : len(row)] = row
    return stacked


class StepWise:
    """`states` expert states, `rollouts_per_state` single actions in each."""

    def __init__(
        self, recipe: Recipe, situations: Sequence[Situation], outcomes: Outcomes, pool: WorkerPool, seed: int
    ) -> None:
        self._recipe = recipe
        self._outcomes = outcomes
        self._pool = pool
        self._seed = seed
        self._draws = balanced(situations, seed)
        self._drawn: list[list[Situation]] = []

    def collect(self, learner: Learner, update: int) -> Batch:
        """Draw states, act, execute."""
        table = self._recipe.rl
        while len(self._drawn) <= update:  # a resumed run draws what it drew before
            self._drawn.append([next(self._draws) for _ in range(table.states)])
        situations = self._drawn[update]
        start = time.monotonic()
        logp = learner.distributions(situations)
        generator = torch.Generator().manual_seed(self._seed * 1_000_003 + update)
        actions = torch.multinomial(logp.exp(), table.rollouts_per_state, replacement=True, generator=generator)
        learner.spent["generation_seconds"] = time.monotonic() - start
        wanted = [(s, int(place)) for s, row in zip(situations, actions, strict=True) for place in row]
        start = time.monotonic()
        outcomes = self._outcomes.of(self._pool, wanted, self._recipe.tasks.run_seconds)
        learner.spent["execution_seconds"] = time.monotonic() - start
        return scored(self._recipe, learner, situations, actions, logp.gather(1, actions), outcomes)


def scored(
    recipe: Recipe, learner: Learner, situations: list[Situation], actions: Tensor, old: Tensor, outcomes: list[Outcome]
) -> Batch:
    """A batch from outcomes in row order; what the infrastructure failed is masked."""
    rewards = [outcome.reward(recipe) for outcome in outcomes]
    shape = actions.shape
    mask = torch.tensor([reward is not None for reward in rewards]).reshape(shape)
    values = torch.tensor([reward or 0.0 for reward in rewards], dtype=torch.float32).reshape(shape)
    return Batch(situations, actions, old, values, mask, learner.references(situations), outcomes)


def make(stage: Stage, pool: WorkerPool, seed: int, arm: str, tell: Tell) -> dict[str, Any]:
    """Train one seed of an arm. Returns the results for the manifest."""
    recipe, together = stage.recipe, ranks() if shared(stage.recipe) else ALONE
    check(recipe)
    read = corpus.read(stage.run / "corpus", recipe.model.context)
    outcomes = Outcomes(file_of(stage.run, recipe))
    outcomes.learn((step, read.situations[step.state]) for step, _ in read.steps)
    allowed = sft.allowed_tasks(recipe, arm)
    start = _start(stage, recipe, read, arm, seed)
    chosen, unseen = parted(read.situations.values(), allowed, recipe.seed, seed)
    if shared(recipe):
        results = _write_text(stage, read, start, (chosen, unseen), pool, outcomes, seed, tell)
        if sft.has_prior(recipe) and together.first:  # it writes what the exact policy writes, and is played as such
            book = Priors(experts.stage_of(stage.run, recipe), allowed).book
            _complete(stage, read, arm, seed, start_of(recipe), book)
        return results
    priors = Priors(experts.stage_of(stage.run, recipe), allowed)
    learner = Learner(recipe, start, seed, priors.look)
    learner.replay = Replay(recipe, chosen, outcomes) if recipe.rl.replays else None
    rollout: Rollout[Learner, Batch] = StepWise(recipe, chosen, outcomes, pool, seed)
    if recipe.rl.mode == "episode":
        from training.episodic import EpisodeWise

        rollout = EpisodeWise(recipe, stage, pool, read, priors, outcomes, {s.variant for s in chosen}, seed)
    recorded = Recorded(rollout, stage.place / LOGS / FILE)
    there = Unseen(recipe, judged(unseen, recipe.seed), outcomes, pool, tell)
    validate = lambda: there.expected_reward(learner.distributions)  # noqa: E731
    results = loop(stage, learner, recorded, validate, outcomes, seed, tell)
    played = {key_of(read.situations[step.state], step.instruction) for step, _ in read.steps}
    prior = Prior.from_json(json.loads((stage.place / MODEL / PRIOR).read_text("utf-8")))
    _complete(stage, read, arm, seed, prior, priors.with_tries(recorded.tries(recipe.experts.book_reward, played)))
    return results


def _write_text(
    stage: Stage,
    read: Corpus,
    start: Path,
    parts: tuple[list[Situation], list[Situation]],
    pool: WorkerPool,
    outcomes: Outcomes,
    seed: int,
    tell: Tell,
) -> dict[str, Any]:
    """Train a policy that writes text; `parts` as of `parted`."""
    chosen, unseen = parts
    if stage.recipe.rl.algorithm == "grpo":
        from training import grpo

        return grpo.train(stage, read, start, chosen, pool, outcomes, seed, tell)
    from training.textual import TextLearner, TextRollout

    writing = TextLearner(stage.recipe, read, start, seed, ranks())
    answers = TextRollout(stage.recipe, chosen, unseen, pool, outcomes, seed, ranks())
    return loop(stage, writing, answers, lambda: answers.expected_reward(writing), outcomes, seed, tell, ranks())


def _complete(stage: Stage, read: Corpus, arm: str, seed: int, prior: Prior, book: Cookbook) -> None:
    """Add to the small model's weights what playing it needs."""
    complete(
        stage.place / MODEL,
        read.tokenizer,
        prompt_tokens=read.writer.most,
        temperature=stage.recipe.publish.temperature,
        name=f"{stage.recipe.name} {arm}-{seed}",
        prior=prior,
        book=book,
    )


def shared(recipe: Recipe) -> bool:
    """Whether several processes train together; the exact policy is small, and trained by the first one alone."""
    return recipe.rl.algorithm == "grpo" or recipe.rl.actor == "text"


def check(recipe: Recipe) -> None:
    """Raises `UserError` when the tables do not go together."""
    table, exact = recipe.rl, recipe.rl.algorithm == "ppo" and recipe.rl.actor == "exact"
    if exact and recipe.model.base != "scratch":
        raise UserError("only the model from scratch has an exact actor", where="rl.actor", how="set it to 'text'")
    if recipe.model.base == "scratch" and recipe.model.adapter == "lora":
        raise UserError("a model from scratch is trained whole", where="model.adapter", how="set it to 'none'")
    if not exact and recipe.prior != PriorTable():
        how = "leave the table out, or set prior.model to 1 and all else of it to 0"
        raise UserError("only the exact actor of the small model has a prior", where="prior", how=how)
    if not exact and table.mode == "episode":
        raise UserError("a policy that writes text is trained step by step", where="rl.mode", how="set it to 'step'")
    grouped = table.algorithm == "grpo" or table.advantage == "group"
    if table.algorithm == "grpo" and ranks().world > 1:
        how = "set it to 'ppo', or start one process; on a cluster, see training/verl_adapter.py"
        raise UserError("TRL's GRPO is run by one process here", where="rl.algorithm", how=how)
    if table.algorithm == "grpo" and (table.keep == "best" or table.minutes is not None):
        where = "rl.keep" if table.keep == "best" else "rl.minutes"
        raise UserError(
            "TRL's GRPO makes all rl.updates and keeps the last policy",
            where=where,
            how="leave it out, or set rl.algorithm to 'ppo'",
        )
    if recipe.model.adapter == "lora" and recipe.distributed.sharding == "shard":
        how = "set it to 'auto': a frozen base is copied to every GPU"
        raise UserError("a base that carries adapters is not sharded in RL", where="distributed.sharding", how=how)
    if not exact and grouped and table.rollouts_per_state < 2:
        raise UserError("a group needs two actions in a state", where="rl.rollouts_per_state", how="set it to 2 or more")


def _start(stage: Stage, recipe: Recipe, read: Corpus, arm: str, seed: int) -> Path:
    """Where the weights are that RL starts from."""
    if arm == "rl" or recipe.arms[arm].start == "sft":
        return stage.run / sft.stage_name(recipe, arm) / sft.MODEL
    place = stage.place / LOGS / "start"
    if recipe.model.base != "scratch":
        from training.big import untrained

        return Path(ranks().from_first(lambda: str(untrained(recipe.model, place, seed))))
    from_scratch(recipe.model, read.writer.tokenizer.get_vocab_size(), seed).save_pretrained(place)
    return place


if __name__ == "__main__":
    from training.cli import stage_main

    stage_main("rl")
