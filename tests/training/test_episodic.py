"""Episode-wise PPO on made-up episodes: what it learns from, what the infrastructure failed, and how it goes on when killed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

pytest.importorskip("torch")

import torch

from mlagent_app.agent.errors import UserError
from mlagent_app.agent.reward import Case
from mlagent_app.policies.writing import Writer
from training import experts, tokens
from training.actors import ModelActor
from training.corpus import Corpus, LookJob
from training.draws import training_starts, variant_of
from training.episodes import Episode, EpisodeJob, Step
from training.episodic import EpisodeWise
from training.loop import loop, read_log
from training.model import from_scratch
from training.outcomes import Outcomes
from training.pool import Lost
from training.ppo import Batch, Learner
from training.priors import Priors
from training.recipe import Recipe, checked
from training.rollouts import Recorded
from training.stage import Stage
from training.telling import silent

pytestmark = pytest.mark.torch

TASK, TEXT = "spaceship-titanic", "tabular accuracy"
EDITS = [[f"set C of SVC to {value}", "train.py", "argument"] for value in (1, 10)]
STEPS = 3


class Killed(BaseException):
    """As if the process had been killed."""


def recipe(**rl: object) -> Recipe:
    sizes = {"vocabulary": 300, "hidden": 16, "layers": 1, "heads": 2, "kv_heads": 1, "intermediate": 16, "context": 64}
    table = {"mode": "episode", "states": 2, "updates": 6, "save_every": 6, "reward": "v2", "actor_lr": 3e-3, **rl}
    return checked({"name": "tiny", "tasks": {"only": [TASK]}, "model": sizes, "rl": table}, "here")


@dataclass
class Pool:
    """Plays episodes of `STEPS` steps; `case` says what the step at an index came to. `played` are the weights that acted."""

    case: Callable[[int], Case] = lambda _: "edit"
    lost: bool = False
    played: list[str] = field(default_factory=list[str])

    def imap(self, jobs: Iterable[Any]) -> Iterator[tuple[int, Any]]:
        for index, job in enumerate(jobs):
            if isinstance(job, LookJob):
                yield index, [self._seen(state) for state in job.states]
            else:
                yield index, Lost("gone") if self.lost else self._episode(job)

    def _episode(self, job: EpisodeJob) -> Episode:
        assert isinstance(job.actor, ModelActor)
        there = Path(job.actor.directory)
        assert {"model.safetensors", "policy.json", "tokenizer.json"} <= {path.name for path in there.iterdir()}
        self.played.append(there.name)
        steps = tuple(self._step(job.seed, at) for at in range(STEPS))
        return Episode(job.start, job.seed, 0.5, 1.0, (0.5, *(0.6 for _ in steps)), steps)

    def _step(self, seed: int, at: int) -> Step:
        case = self.case(at)
        return Step(
            state=f"{seed}-{at}", next_state=f"{seed}-{at + 1}", task=TASK, variant="v", index=at, instruction=EDITS[1][0],
            file="train.py", family="argument", case=case, outcome="ok", before=0.5, value=0.6,
            scale=0.1 * (at + 1) if case == "edit" else None, kept=True, seconds=0.1, cached=False, logp=-0.7, candidates=2,
        )  # fmt: skip

    @staticmethod
    def _seen(state: str) -> dict[str, Any]:
        facts: dict[str, Any] = {
            "task": TASK,
            "variant": "v",
            "base": state,
            "depth": 0,
            "kind": "table clf",
            "tries": [],
            "room": None,
        }
        return {"state": state, "text": TEXT, "edits": EDITS, **facts}

    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...


@dataclass
class Bench:
    """What an update needs, in a directory of its own."""

    run: Path
    made: Recipe

    def __post_init__(self) -> None:
        self.run.mkdir(parents=True, exist_ok=True)
        path = self.run / "tokenizer.json"
        tokens.train([*(edit[0] for edit in EDITS), TEXT] * 3, 300).save(str(path))
        writer = Writer.load(path, 32)
        self.read = Corpus({}, [], writer, path)
        from_scratch(self.made.model, writer.tokenizer.get_vocab_size(), 0).save_pretrained(self.run / "start")
        self.stage = Stage(self.run, "rl-0", self.made, ("rl",))
        self.outcomes = Outcomes(self.run / "outcomes.jsonl")

    def learner(self) -> Learner:
        return Learner(self.made, self.run / "start", 0)

    def rollout(self, pool: Pool) -> Recorded:
        priors = Priors(experts.stage_of(self.run, self.made), {TASK})
        variants = {variant_of(start) for start in training_starts(self.made)}
        episodes = EpisodeWise(self.made, self.stage, pool, self.read, priors, self.outcomes, variants, 0)
        return Recorded(episodes, self.stage.place / "logs" / "rollouts.jsonl")

    def train(self, pool: Pool, kill_at: int = -1) -> Learner:
        learner, rollout = self.learner(), self.rollout(pool)
        collect = rollout.collect

        def killed(learner: Learner, update: int) -> Batch:
            batch = collect(learner, update)
            if update == kill_at:
                raise Killed
            return batch

        rollout.collect = killed
        loop(self.stage, learner, rollout, lambda: 0.0, self.outcomes, 0, silent)
        return learner


def test_what_was_killed_updates_past_its_checkpoint_goes_on_with_the_weights_that_it_writes(tmp_path: Path) -> None:
    bench = Bench(tmp_path, recipe(updates=6, save_every=2))
    with pytest.raises(Killed):
        bench.train(Pool(), kill_at=1)
    assert not (bench.stage.place / "logs" / "checkpoint.pt").exists()
    with pytest.raises(Killed):
        bench.train(Pool(), kill_at=3)
    weights = bench.stage.place / "logs" / "weights"
    (weights / "00005").mkdir()  # of an attempt that came further, and was killed in the midst of it
    pool = Pool()
    bench.train(pool)
    assert pool.played == [f"{update:05d}" for update in (2, 3, 4, 5) for _ in range(2)]
    assert [row["update"] for row in read_log(bench.stage.place)] == list(range(7))
    assert sorted(path.name for path in weights.iterdir()) == ["00004", "00005"]


def test_a_long_gap_between_checkpoint_and_kill_is_no_harm(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "killed", recipe())
    with pytest.raises(Killed):
        bench.train(Pool(), kill_at=4)
    pool = Pool()
    again = bench.train(pool)
    whole = Bench(tmp_path / "whole", recipe()).train(Pool())
    assert pool.played == [f"{update:05d}" for update in range(6) for _ in range(2)]
    for name, value in whole.actor.state_dict().items():
        assert torch.equal(value, again.actor.state_dict()[name]), name


@pytest.mark.parametrize("failed", [1, 2])
def test_a_failed_step_is_not_learnt_from_and_what_follows_it_counts_by_its_value(failed: int, tmp_path: Path) -> None:
    bench = Bench(tmp_path, recipe(reward="v2"))
    learner = bench.learner()
    pool = Pool(case=lambda at: "infrastructure" if at == failed else "edit")
    with torch.no_grad():
        learner.critic.head.bias.fill_(0.7)
    batch = bench.rollout(pool).collect(learner, 0)
    assert batch.mask[:, 0].tolist() == [at != failed for _ in range(2) for at in range(STEPS)]
    returns = {1: [0.1 + 0.7, 0.0, 0.3], 2: [0.1 + 0.2 + 0.7, 0.2 + 0.7, 0.0]}[failed]
    assert batch.returns[:, 0].tolist() == pytest.approx([*returns, *returns], abs=1e-6)
    assert not batch.advantages[~batch.mask].any()
    assert batch.values[:, 0].tolist() == pytest.approx([0.7] * 6, abs=1e-6)


def test_lost_episodes_are_no_crash_but_the_end_when_nothing_else_comes(tmp_path: Path) -> None:
    bench = Bench(tmp_path, recipe(updates=2))
    before = bench.learner()
    after = bench.train(Pool(lost=True))
    assert all(torch.equal(value, after.actor.state_dict()[name]) for name, value in before.actor.state_dict().items())
    assert [row.get("kl_sft") for row in read_log(bench.stage.place)] == [None] * 3
    more = Bench(tmp_path / "more", recipe(updates=9))
    with pytest.raises(UserError, match="3 batches in a row"):
        more.train(Pool(lost=True))
