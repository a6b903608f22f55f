"""What the processes of `test_ranks.py` run: step-wise PPO, in as many of them as torchrun starts."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from training import corpus
from training.episodes import ReplyJob, Step
from training.loop import loop
from training.outcomes import Outcomes
from training.ranks import NoWorkers, ranks
from training.recipe import load
from training.stage import Stage
from training.telling import silent
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


def main(recipe_file: str, corpus_place: str, start: str, run: str) -> None:
    """Train, and write what every process found to `run`."""
    recipe, together = load(recipe_file), ranks()
    read = corpus.read(Path(corpus_place), recipe.model.context)
    pool = Fixed() if together.first else NoWorkers()
    outcomes = Outcomes(Path(run) / "outcomes.jsonl")
    states = list(read.situations.values())
    learner = TextLearner(recipe, read, Path(start), 0, together)
    rollout = TextRollout(recipe, states, states[:1], pool, outcomes, 0, together)
    stage = Stage(Path(run), "rl-0", recipe, ("model", "rl"))
    results = loop(stage, learner, rollout, lambda: rollout.expected_reward(learner), outcomes, 0, silent, together)
    update, _ = learner.resume(stage.place / "logs" / "checkpoint.pt")
    told = {"sharded": learner.models.sharded, "resumed": update, "reward": results["reward_last"]}
    (Path(run) / f"told-{together.rank}.json").write_text(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
