"""Expert trajectories (paper, section 3.2): 1 to 3 ideas in the first prompt, then executed steps, kept where they help.

The search needs no language model: it draws from what earlier rounds found to pay (the cookbook), favours the ideas it was
given, and wanders on purpose. Every round's table is made from the rounds before, so that a resumed stage is the same.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from mlagent_app.agent.cookbook import Cookbook, recipe_of, target_of
from mlagent_app.agent.digest import task_kind
from mlagent_app.agent.reward import Version
from mlagent_app.environment.taskenv import Observation, Transition
from training import ideas
from training.draws import Start, next_variant, training_starts
from training.endpoint import EndpointActor, connect, patience
from training.episodes import Choice, EpisodeJob, Step, first_ideas
from training.playing import episodes, play
from training.pool import WorkerPool
from training.recipe import Recipe
from training.stage import Stage, catalogue_digest
from training.telling import Tell
from training.workbench import Workbench

BOOK = "cookbook.json"


def stage_of(run: Path, recipe: Recipe) -> Stage:
    form = f"{catalogue_digest()}, {BOOK} with times"  # one that another version wrote is made anew, not misread
    return Stage(run, "experts", recipe, ("tasks", "endpoint", "experts"), ("ideas",), form)


def make(stage: Stage, pool: WorkerPool, tell: Tell) -> dict[str, Any]:
    """Play all rounds; a shard that is there is not played again. Returns the results for the manifest."""
    recipe = stage.recipe
    table = recipe.experts
    if table.source == "endpoint":
        connect(recipe.endpoint)  # what is missing is said before workers are started
    wanted = 0
    for number in range(table.rounds):
        book = stage.place / f"cookbook-{number}.json"
        if not book.exists():
            write_book(book, _episodes(stage.place, number), table.reward)
        jobs = [_job(recipe, stage, start, number * table.episodes + times, book) for start, times in _starts(recipe, number)]
        past, total = number * len(jobs), table.rounds * len(jobs)
        play(pool, jobs, stage.place, f"round-{number}", table.shard_size, partial(_told, tell, past, total))
        wanted += len(jobs)
    found = played(stage)
    write_book(stage.place / BOOK, found, table.book_reward)
    steps = [step for episode in found for step in episode["steps"]]
    return {
        "episodes": len(found),
        "lost": wanted - len(found),
        "steps": len(steps),
        "states": len({step["state"] for step in steps}),
        "kept": sum(step["kept"] for step in steps) / max(1, len(steps)),
        "cached": sum(step["cached"] for step in steps) / max(1, len(steps)),
        "gap_closed": _mean(_closed(episode) for episode in found),
        "failed_starts": sum(bool(episode["problem"]) for episode in found),
    }


def read(stage: Stage) -> list[Step]:
    """All executed steps, in order."""
    return [Step(**step) for episode in played(stage) for step in episode["steps"]]


def played(stage: Stage) -> list[dict[str, Any]]:
    """All episodes, in order."""
    return list(_episodes(stage.place, stage.recipe.experts.rounds))


def _starts(recipe: Recipe, number: int) -> list[tuple[Start, int]]:
    """A round's starts, and which of the round's episodes from that starter it is."""
    starts = training_starts(recipe)
    each = recipe.experts.episodes
    return [(next_variant(recipe, start, number * each + times), times) for times in range(each) for start in starts]


def _job(recipe: Recipe, stage: Stage, start: Start, number: int, book: Path) -> EpisodeJob:
    """`number`: of all episodes from that starter, so that no two of them are the same where variants come again."""
    kept = ideas.read(ideas.stage_of(stage.run, recipe)).get(start.task, [])
    steps, seed, run_seconds = recipe.experts.steps, recipe.seed * 1000 + number, recipe.tasks.run_seconds
    if recipe.experts.source == "endpoint":
        asked = EndpointActor(tuple(kept), recipe)
        return EpisodeJob(start, asked, steps, seed, run_seconds, think_seconds=patience(recipe.endpoint))
    return EpisodeJob(start, ExpertActor(str(book), tuple(kept), recipe), steps, seed, run_seconds)


def _told(tell: Tell, past: int, total: int, done: int) -> None:
    tell("episodes", past + done, total)


def _episodes(place: Path, rounds: int) -> Iterator[dict[str, Any]]:
    """The episodes of the first `rounds` rounds."""
    for number in range(rounds):
        yield from episodes(place, f"round-{number}")


def book_of(episodes: Iterable[dict[str, Any]], version: Version) -> Cookbook:
    """The cookbook of these episodes: of what the catalogue can do, not of a language model's own patches and other actions."""
    return Cookbook.of(
        (kind, step.instruction, step.family, reward, step.longer) for kind, step, reward in rewarded_edits(episodes, version)
    )


def rewarded_edits(episodes: Iterable[dict[str, Any]], version: Version) -> Iterator[tuple[str, Step, float]]:
    """(kind of task, step, reward) of all edits of the catalogue; not of those that the infrastructure failed."""
    for episode in episodes:
        for step in (Step(**data) for data in episode["steps"]):
            reward = step.reward(version)
            if reward is not None and step.is_catalogue_edit:
                yield episode["kind"], step, reward


def write_book(path: Path, episodes: Iterable[dict[str, Any]], version: Version) -> None:
    """`book_of` these episodes, as a file."""
    scratch = path.with_name(f".{path.name}.fresh")  # a cookbook that is there is whole
    scratch.write_text(book_of(episodes, version).to_json(), "utf-8")
    scratch.replace(path)


def _closed(episode: dict[str, Any]) -> float:
    if not episode["values"]:
        return 0.0
    return share(episode["values"][-1], episode)


def share(value: float, episode: dict[str, Any]) -> float:
    """The share of the span from an episode's start to its reference that `value` has closed: no unit, 1 = as good as that."""
    return (value - episode["m_init"]) / (episode["m_best"] - episode["m_init"])


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found) if found else 0.0


@lru_cache(maxsize=4)
def _book(path: str) -> Cookbook:
    return Cookbook.from_json(Path(path).read_text("utf-8"))


@dataclass(slots=True)
class ExpertActor:
    """The search. Its distribution: `wander` uniform, the rest a softmax of expected reward plus the bonus of an idea."""

    book: str
    ideas: tuple[str, ...]
    recipe: Recipe
    _mine: list[str] = field(default_factory=list[str])

    def begin(self, bench: Workbench, start: Start, seed: int) -> None:
        """Draw 1 to 3 ideas for the first prompt."""
        del bench
        self._mine = first_ideas(self.ideas, self.recipe.experts.ideas, start, seed)

    def choose(self, seen: Observation, rng: random.Random) -> Choice | None:
        """Draw from the mixture."""
        if not seen.candidates:
            return None
        table = self.recipe.experts
        book, kind = _book(self.book), task_kind(seen.state)
        scores = [book.score(kind, item.instruction, item.family) + self._bonus(item.instruction) for item in seen.candidates]
        best = max(scores)
        weights = [math.exp((score - best) / table.temperature) for score in scores]
        total, uniform = sum(weights), table.wander / len(weights)
        shares = [uniform + (1.0 - table.wander) * weight / total for weight in weights]
        index = rng.choices(range(len(shares)), shares)[0]
        return Choice(seen.candidates[index], math.log(shares[index]))

    def learn(self, choice: Choice, moved: Transition) -> None:
        """An idea that was tried is done with."""
        del moved
        done = "" if choice.candidate is None else target_of(choice.candidate.instruction)
        self._mine = [idea for idea in self._mine if target_of(idea) != done]

    def _bonus(self, instruction: str) -> float:
        bonus = self.recipe.experts.idea_bonus
        if any(recipe_of(idea) == recipe_of(instruction) for idea in self._mine):
            return bonus
        return bonus / 2 if any(target_of(idea) == target_of(instruction) for idea in self._mine) else 0.0


if __name__ == "__main__":
    from training.cli import stage_main

    stage_main("experts")
