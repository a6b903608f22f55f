"""What the processes of `test_ranks.py` run: step-wise PPO, in as many of them as torchrun starts."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import safetensors.torch
import torch

from training import corpus
from training.answers import lay
from training.corpus import Situation
from training.episodes import ReplyJob, Step
from training.loop import loop
from training.outcomes import Outcome, Outcomes
from training.ranks import NoWorkers, ranks
from training.recipe import load
from training.stage import Stage
from training.telling import silent
from training.textbatch import TextBatch
from training.textmodels import ACTOR, CRITIC
from training.textual import TextLearner, TextRollout


@dataclass
class Fixed:
    """A pool without workers: every action has the same outcome. `asked` counts them."""

    asked: list[ReplyJob] = field(default_factory=list[ReplyJob])

    def imap(self, jobs: Iterable[Any]) -> Iterator[tuple[int, Any]]:
        for index, job in enumerate(jobs):
            self.asked.append(job)
            yield index, Step(
                state=job.state, next_state="", task="toy", variant="toy/0", index=0, instruction="", file="train.py",
                family="", case="edit", outcome="ok", before=0.6, value=0.7, scale=0.02, kept=True, seconds=0.1, cached=False,
                logp=None, candidates=2, reply=job.reply,
            )  # fmt: skip

    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...


def fixed_update(learner: TextLearner, states: list[Situation], run: Path) -> dict[str, float]:
    """One update on the expert's own answers with given rewards: its numbers; its gradients go to `gradients.safetensors`."""
    answers = [list(state.completions[0]) for state in states]
    outcomes = [Outcome("edit", 0.01 * number) for number in range(len(states))]
    laid = lay([state.prompt for state in states], answers, 0, learner.models.device)
    batch = TextBatch.of(learner.recipe, states, answers, [[0.0] * len(answer) for answer in answers], outcomes, 1)
    with torch.no_grad():
        batch.old = learner.models.log_probabilities(laid, ACTOR)[0] * batch.chosen
    learner.advantage(batch)
    learner.table = learner.table.model_copy(update={"minibatch": len(states)})
    told = learner.update(batch, random.Random(0))
    named = {**learner.models.parameters(ACTOR), **learner.models.parameters(CRITIC)}
    found: dict[str, Any] = {name: value.grad for name, value in named.items() if value.grad is not None}
    whole = {name: grad.full_tensor() if hasattr(grad, "full_tensor") else grad for name, grad in found.items()}
    run.mkdir(parents=True, exist_ok=True)
    if learner.ranks.first:
        safetensors.torch.save_file(whole, run / "gradients.safetensors")
    return told


def main(recipe_file: str, corpus_place: str, start: str, run: str) -> None:
    """Train, and write what every process found to `run`."""
    recipe, together = load(recipe_file), ranks()
    read = corpus.read(Path(corpus_place), recipe.model.context)
    pool = Fixed() if together.first else NoWorkers()
    outcomes = Outcomes(Path(run) / "outcomes.jsonl")
    states = list(read.situations.values())
    learner = TextLearner(recipe, read, Path(start), 0, together)
    told = {"fixed": fixed_update(learner, states, Path(run))}
    learner = TextLearner(recipe, read, Path(start), 0, together)
    rollout = TextRollout(recipe, states, states[:1], pool, outcomes, 0, together)
    stage = Stage(Path(run), "rl-0", recipe, ("model", "rl"))
    results = loop(stage, learner, rollout, lambda: rollout.expected_reward(learner), outcomes, 0, silent, together)
    update, _ = learner.resume(stage.place / "logs" / "checkpoint.pt")
    told |= {"sharded": learner.models.sharded, "resumed": update, "reward": results["reward_last"]}
    (Path(run) / f"told-{together.rank}.json").write_text(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
