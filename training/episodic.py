"""Episode-wise PPO, for comparison: whole episodes with the current policy, advantages by GAE over their steps."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from training import algo
from training.actors import ModelActor
from training.corpus import Corpus, LookJob, Situation, situation
from training.draws import starts_of
from training.episodes import Episode, EpisodeJob
from training.outcomes import Outcome, Outcomes
from training.pool import Lost, WorkerPool, run_all
from training.ppo import Batch, Learner, scored
from training.priors import Priors
from training.recipe import Recipe
from training.stage import LOGS, Stage
from training.weights import complete


class EpisodeWise:
    """`states` episodes an update, from the starts of these variants. The weights are synced to the workers through files."""

    def __init__(
        self,
        recipe: Recipe,
        stage: Stage,
        pool: WorkerPool,
        read: Corpus,
        priors: Priors,
        counts: Outcomes,
        variants: set[str],
        seed: int,
    ) -> None:
        self._recipe = recipe
        self._pool = pool
        self._read = read
        self._book = priors.book
        self._counts = counts
        self._seed = seed
        self._weights, self._books = stage.place / LOGS / "weights", stage.place / LOGS / "books"
        priors.write(self._books)
        self._starts = starts_of(recipe, variants)

    def collect(self, learner: Learner, update: int) -> Batch:
        """Play, then lay every step out as a row with one action; advantages follow the episodes."""
        table = self._recipe.rl
        start = time.monotonic()
        actor = ModelActor(str(self._sync(learner, update)), 1.0, str(self._books))
        first = update * table.states
        starts = [self._starts[(first + number) % len(self._starts)] for number in range(table.states)]
        jobs = [
            EpisodeJob(
                begin, actor, self._recipe.experts.steps, self._seed * 100_003 + first + number, self._recipe.tasks.run_seconds
            )
            for number, begin in enumerate(starts)
        ]
        episodes = [episode for episode in run_all(self._pool, jobs) if not isinstance(episode, Lost) and episode.steps]
        learner.spent["execution_seconds"] = time.monotonic() - start
        for step in (step for episode in episodes for step in episode.steps):
            self._counts.hits += step.cached
            self._counts.misses += not step.cached
        return self._batch(learner, episodes)

    def _sync(self, learner: Learner, update: int) -> Path:
        """The current weights as files. A worker remembers models by their directory, so every update has its own."""
        place = self._weights / f"{update:05d}"
        before = self._weights / f"{update - 1:05d}"
        # Older ones are done with; later ones, and this one, are what a killed attempt left beyond its checkpoint.
        for other in self._weights.iterdir() if self._weights.is_dir() else ():
            if other != before:
                shutil.rmtree(other)
        learner.actor.model.save_pretrained(place)
        prior, most = learner.actor.prior(), self._read.writer.most
        complete(
            place, self._read.tokenizer, prompt_tokens=most, temperature=1.0, name="in training", prior=prior, book=self._book
        )
        return place

    def _batch(self, learner: Learner, episodes: Sequence[Episode]) -> Batch:
        ids = [step.state for episode in episodes for step in episode.steps]
        found = [rows for rows in run_all(self._pool, [LookJob(tuple(ids))]) if not isinstance(rows, Lost)]
        seen = {row["state"]: self._situation(row) for rows in found for row in rows}
        kept: list[tuple[Situation, int, int, int]] = []
        outcomes: list[Outcome] = []
        for number, episode in enumerate(episodes):
            for at, step in enumerate(episode.steps):
                there = seen.get(step.state)
                place = there.place(step.instruction, step.file) if there else None
                if there is not None and place is not None:
                    kept.append((there, place, number, at))
                    outcomes.append(Outcome(step.case, step.scale, step.seconds, executed=not step.cached))
        situations = [row[0] for row in kept]
        if not situations:  # all episodes failed
            nothing = torch.zeros(0, 1)
            return Batch([], nothing.long(), nothing, nothing, nothing.bool(), [], [])
        logp = learner.distributions(situations)
        actions = torch.tensor([[row[1]] for row in kept])
        batch = scored(self._recipe, learner, situations, actions, logp.gather(1, actions), outcomes)
        self._advantages(learner, batch, [(row[2], row[3]) for row in kept])
        return batch

    def _advantages(self, learner: Learner, batch: Batch, places: Sequence[tuple[int, int]]) -> None:
        """GAE along each episode [B, T], back to rows [N, 1].

        A step that the infrastructure failed at the end cuts the episode off there: what would have come is the critic's value.
        """
        table = self._recipe.rl
        values = learner.values(batch.situations)
        size = (max(b for b, _ in places) + 1, max(t for _, t in places) + 1)
        rewards, critic, mask = torch.zeros(size), torch.zeros(size), torch.zeros(size, dtype=torch.bool)
        after = torch.zeros(size[0])
        for row, (b, t) in enumerate(places):
            rewards[b, t], critic[b, t], mask[b, t] = batch.rewards[row, 0], values[row], bool(batch.mask[row, 0])
            after[b] = 0.0 if mask[b, t] else after[b] or values[row]
        advantages, returns = algo.gae(rewards, critic, mask, table.gamma, table.lam, after)
        batch.values = values[:, None]
        at = torch.tensor(places)
        batch.returns = returns[at[:, 0], at[:, 1]][:, None]
        batch.advantages = algo.normalise(advantages[at[:, 0], at[:, 1]][:, None], batch.mask)

    def _situation(self, row: dict[str, object]) -> Situation:
        edits: list[list[str]] = row["edits"]  # pyright: ignore[reportAssignmentType]
        writer = self._read.writer
        ids = writer.completions([edit[0] for edit in edits])
        return situation({**row, "prompt": writer.prompt(str(row["text"])), "completions": ids})
