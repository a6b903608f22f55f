"""Step-wise PPO (paper, section 3.3, eq. 4 and 5) for a policy that writes free text, in the loop of `training.ppo`.

One action is an answer of T tokens. It is executed and rewarded as a whole (eq. 6); the reward stands at its last token, and
ratio, KL and value are per token. Actor, critic and reference are three models where all weights are trained; with LoRA they
are three adapters on one frozen base.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from training import algo
from training.answers import TRAINED_TOKENS, Execution, Laid, Speech, chunks, draw, lay, precision
from training.big import load_policy
from training.corpus import Corpus, Situation
from training.outcomes import Outcome, Outcomes
from training.pool import WorkerPool
from training.ppo import balanced
from training.recipe import Recipe

ACTOR, REFERENCE, CRITIC = "default", "reference", "critic"
# So many unseen states, with one answer each, say how good the policy is on what it is not trained on.
VALIDATED = 32


class TextModels:
    """Actor, reference and critic that start from the same weights."""

    def __init__(self, recipe: Recipe, start: Path) -> None:
        self._table, self._temperature = recipe.model, recipe.rl.temperature
        self.actor: Any = load_policy(self._table, start, trained=True)
        self.device: torch.device = self.actor.device
        self.shared = hasattr(self.actor, "peft_config")
        if self.shared:
            for name in (REFERENCE, CRITIC):
                self.actor.load_adapter(str(start), name, is_trainable=name == CRITIC)
            self._reference = self._judge = self.actor
        else:
            self._reference: Any = load_policy(self._table, start, trained=False).requires_grad_(False).eval()
            self._judge: Any = load_policy(self._table, start, trained=True)
            self._judge.requires_grad_(False)  # without the head over the vocabulary, which a critic has no use for
            self._judge.base_model.requires_grad_(True)
        # It begins at one half, the reward of an edit that changes nothing.
        self.head = nn.Linear(int(self.actor.config.hidden_size), 1).to(self.device)
        nn.init.zeros_(self.head.weight)
        nn.init.constant_(self.head.bias, 0.5)
        if self.device.type == "cuda":
            for model in {id(model): model for model in (self.actor, self._judge)}.values():
                model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        self.use(ACTOR)

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
        width = laid.answered.shape[1]
        with precision(self._table, self.device):
            # The token at t is predicted at t - 1: one position more than there are tokens, and the last one not used.
            out = (self.actor if role == ACTOR else self._reference)(
                input_ids=laid.tokens, attention_mask=laid.attention, position_ids=laid.positions, use_cache=False,
                logits_to_keep=width + 1,
            )  # fmt: skip
        logp: Tensor = (out.logits[:, :-1].float() / self._temperature).log_softmax(-1)  # [b, T, V]
        return logp.gather(-1, laid.chosen[..., None]).squeeze(-1), algo.entropy(logp) if entropy else None

    def values(self, laid: Laid) -> Tensor:
        """V of the state before each token of the answers, [b, T]."""
        self.use(CRITIC)
        width = laid.answered.shape[1]
        causal: Any = self._judge.get_base_model() if self.shared else self._judge
        with precision(self._table, self.device):
            hidden: Tensor = causal.base_model(
                input_ids=laid.tokens, attention_mask=laid.attention, position_ids=laid.positions, use_cache=False
            ).last_hidden_state
        return self.head(hidden[:, -width - 1 : -1].float().to(self.device)).squeeze(-1)

    def train(self, training: bool) -> None:
        """Training mode turns on gradient checkpointing on a GPU."""
        self.actor.train(training)
        self._judge.train(training)


@dataclass(slots=True)
class TextBatch:
    """A = N * K answers, K to each of N states, row by row; T is the longest answer.

    `rewards` and `mask` (scored) [N, K] are by action, as in `training.ppo.Batch`. By token, [A, T]: `chosen` (of a scored
    answer), `old` (sampled log-probabilities), `reference`, `advantages`, `returns`; 0 where not chosen.
    """

    situations: list[Situation]
    answers: list[list[int]]
    rewards: Tensor
    mask: Tensor
    outcomes: list[Outcome]
    chosen: Tensor
    old: Tensor
    reference: Tensor = field(default_factory=lambda: torch.zeros(0))
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


class TextLearner:
    """Actor, critic, reference, and one update of them; see `training.loop.Trained`."""

    def __init__(self, recipe: Recipe, read: Corpus, start: Path, seed: int) -> None:
        torch.manual_seed(seed)
        self.recipe, self.table = recipe, recipe.rl
        self.speech = Speech.of(recipe, read)
        self.models = TextModels(recipe, start)
        actor, critic = self.models.parameters(ACTOR), self.models.parameters(CRITIC)
        self._parts = (list(actor.values()), list(critic.values()))
        self._trained = actor | critic
        groups = [
            {"params": self._parts[0], "lr": self.table.actor_lr},
            {"params": self._parts[1], "lr": self.table.critic_lr},
        ]
        self.optimizer = torch.optim.AdamW(groups, weight_decay=0.0)
        self.spent: dict[str, float] = {}

    def draw(self, situations: Sequence[Situation], seed: int) -> tuple[list[list[int]], list[list[float]]]:
        """An answer to each state by the current policy, and its tokens' log-probabilities."""
        self.models.use(ACTOR)
        return draw(self.models.actor, [s.prompt for s in situations], self.speech, self.recipe.model, seed)

    @torch.no_grad()
    def advantage(self, batch: TextBatch) -> None:
        """Fill in the reference's log-probabilities, advantages (GAE over the tokens of an answer) and returns, [A, T]."""
        values, batch.reference = torch.zeros_like(batch.old), torch.zeros_like(batch.old)
        self.models.train(False)
        for rows in self._chunks(batch, range(len(batch.answers))):
            laid = self._lay(batch, rows)
            width = laid.answered.shape[1]
            values[rows, :width] = self.models.values(laid).cpu()
            batch.reference[rows, :width] = self.models.log_probabilities(laid, REFERENCE)[0].cpu()
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
        drift = 0.0
        for epoch in range(table.epochs):
            order = rng.sample(range(count), count)
            for at in range(0, count, table.minibatch):
                rows = order[at : at + table.minibatch]
                tokens = int(batch.chosen[rows].sum())
                if not tokens:
                    continue
                self.optimizer.zero_grad()
                told: Counter[str] = Counter()
                for part in self._chunks(batch, rows):
                    told.update(self._backward(batch, part, int(batch.chosen[part].sum()) / tokens))
                for parameters in self._parts:
                    torch.nn.utils.clip_grad_norm_(parameters, table.max_grad_norm)
                if epoch == at == 0:
                    drift = told["drift"]  # nothing has been learned from the batch yet: it should be 0
                self.optimizer.step()
                if epoch == table.epochs - 1:
                    sums.update({name: value * len(rows) / count for name, value in told.items()})
        self.models.train(False)
        return {**sums, "kl_sft": sums["kl_token"] * self._tokens_per_answer(batch), "drift": drift}

    def _backward(self, batch: TextBatch, rows: list[int], share: float) -> dict[str, float]:
        """Gradients of some answers, which are `share` of a minibatch's tokens. Returns their part of its diagnostics.

        Actor before critic: on a shared base the gradients of one must be taken before the other's adapter is switched on.
        """
        table = self.table
        if not share:
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
        (loss * share).backward()
        critic = algo.value_loss(self.models.values(laid), returns, mask)
        (critic * share).backward()
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

    @torch.no_grad()
    def explained_variance(self, batch: TextBatch) -> float:
        """How well the critic, as it is now, explains the returns of the tokens."""
        values = torch.zeros_like(batch.old)
        for rows in self._chunks(batch, range(len(batch.answers))):
            laid = self._lay(batch, rows)
            values[rows, : laid.answered.shape[1]] = self.models.values(laid).cpu()
        return algo.explained_variance(values, batch.returns, batch.chosen)

    def save_policy(self, place: Path) -> None:
        """The actor (with LoRA its adapter) and the tokenizer as transformers writes them, in the table's dtype."""
        self.models.use(ACTOR)
        actor = self.models.actor
        if self.models.shared:
            actor.save_pretrained(str(place), selected_adapters=[ACTOR])
        else:
            actor.generation_config.eos_token_id = list(self.speech.ends)  # what serves it stops where it learned to stop
            dtype = getattr(torch, self.recipe.model.dtype)
            actor.save_pretrained(str(place), state_dict={name: value.to(dtype) for name, value in actor.state_dict().items()})
        self.speech.tokenizer.save_pretrained(str(place))

    def save(self, path: Path, update: int, best: float) -> None:
        """Everything that going on needs, whole or not at all."""
        trained = {name: value.detach() for name, value in self._trained.items()}
        scratch = path.with_suffix(".fresh")
        torch.save({"trained": trained, "optimizer": self.optimizer.state_dict(), "update": update, "best": best}, scratch)
        scratch.replace(path)

    @torch.no_grad()
    def resume(self, path: Path) -> tuple[int, float]:
        """The number of the next update, and the best score so far; 0 and -inf where there is no checkpoint."""
        if not path.exists():
            return 0, float("-inf")
        state = torch.load(path, weights_only=True, map_location="cpu")
        for name, value in state["trained"].items():
            self._trained[name].copy_(value)
        self.optimizer.load_state_dict(state["optimizer"])
        return int(state["update"]), float(state["best"])

    def _lay(self, batch: TextBatch, rows: Sequence[int]) -> Laid:
        prompts, answers = [batch.situations[row].prompt for row in rows], [batch.answers[row] for row in rows]
        return lay(prompts, answers, self.speech.pad, self.models.device)

    def _chunks(self, batch: TextBatch, rows: Sequence[int]) -> list[list[int]]:
        lengths = [len(batch.situations[row].prompt) + len(batch.answers[row]) for row in rows]
        return [[rows[at] for at in part] for part in chunks(lengths, TRAINED_TOKENS)]

    @staticmethod
    def _tokens_per_answer(batch: TextBatch) -> float:
        return float(batch.chosen.sum()) / max(1, int(batch.mask.sum()))


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
    ) -> None:
        self._recipe = recipe
        self._seed = seed
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
        outcomes = self._execution.outcomes(list(zip(situations, texts, strict=True)))
        learner.spent["execution_seconds"] = self._execution.spent
        return TextBatch.of(self._recipe, situations, answers, logp, outcomes, each)
