"""The stages in their order. A stage that was finished for the same recipe and inputs is not made again."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlagent_app.agent.errors import UserError
from training import budget, corpus, evaluate, experts, fit, ideas, ppo, preflight, publish, sft
from training.pool import WorkerPool, open_pool
from training.ranks import NoWorkers, ranks
from training.recipe import Recipe
from training.stage import Stage
from training.telling import Tell, Telling, clock, silent
from training.workbench import Site

STAGES = ("ideas", "experts", "sft", "rl", "eval", "publish")
Make = Callable[[Tell], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Work:
    """A stage and what makes it; `shared`: by all processes together."""

    stage: Stage
    make: Make
    shared: bool = False


@dataclass
class Run:
    """A training run in a directory. Used as a context manager; only one process, or one launch of several, may work on it.

    Of several (`training.ranks`) the first one makes the stages; the others join it in those that are shared.
    `as_made`: what was trained already is taken as it is, also where the recipe or the catalogue has changed since.
    """

    recipe: Recipe
    place: Path
    as_made: bool = False
    _stack: ExitStack = field(default_factory=ExitStack)
    _pool: WorkerPool | None = None

    def __enter__(self) -> Run:
        self.place.mkdir(parents=True, exist_ok=True)
        if not ranks().first:
            return self
        lock = self._stack.enter_context((self.place / ".lock").open("w"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UserError(
                "another mlagent-train works on this run", where=str(self.place), how="wait for it, or give another --out"
            ) from None
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        self._pool = None

    @property
    def pool(self) -> WorkerPool:
        """The workers, started when they are needed first; only the first process has any."""
        if not ranks().first:
            return NoWorkers()
        if self._pool is None:
            self._pool = self._stack.enter_context(open_pool(self.recipe.pool, Site.of(self.recipe, self.place / "home")))
        return self._pool

    def ideas(self) -> None:
        """>= 100 ideas a task, the most diverse kept."""
        self._make_all(self._ideas())

    def experts(self) -> None:
        """Expert trajectories, and the same as token ids."""
        self._make_all(self._experts())

    def sft(self, arm: str = "rl") -> None:
        """Exploration-enriched fine-tuning."""
        self._make_all(self._sft(arm))

    def rl(self, arm: str = "rl", seeds: Iterable[int] = ()) -> None:
        """Step-wise RL, a stage for each training seed."""
        self._make_all(self._rl(arm, seeds))

    def eval(self, arms: Iterable[str] = ()) -> None:
        """Play the arms, then write tables and plots. Raises `UserError` for an arm that cannot be played here."""
        chosen = tuple(arms) or self.recipe.compare.arms
        for arm in chosen:
            preflight.check_arm(self.recipe, arm, self.place)
        self._make_all(self._eval(chosen))
        self._tables()

    def all(self, into: Path | None = None) -> None:
        """Every stage. What the package cannot hold stays in the run, and policies that write text are not evaluated."""
        if publish.is_published(self.recipe):
            self.publish(into)
            return
        if into is not None:
            publish.check(self.place, self.recipe, into)
        played = tuple(arm for arm in self.recipe.compare.arms if preflight.is_played(self.recipe, arm))
        self._make_all([*self._rl(), *self._eval(played)])
        if played:
            self._tables()
        if ranks().first:
            trained = f"rl-{self.recipe.rl.seeds[0]}"
            Telling("all")(
                f"a policy that writes text is not evaluated here; {preflight.how_to_play(self.recipe, self.place, trained)}"
            )

    def publish(self, into: Path | None = None) -> None:
        """Weights, tokenizer, cookbook and card, as the package has them. Raises `UserError`."""
        publish.check(self.place, self.recipe, into)
        self._make_all([*self._rl(seeds=(self.recipe.publish.seed,)), *self._eval(self.recipe.compare.arms)])
        self._tables()
        if ranks().first:
            with Telling("publish") as tell:
                publish.publish(self.place, self.recipe, into, tell)

    def _ideas(self) -> list[Work]:
        stage = ideas.stage_of(self.place, self.recipe)
        return [Work(stage, lambda tell: ideas.make(stage, tell))]

    def _experts(self) -> list[Work]:
        stage, ids = experts.stage_of(self.place, self.recipe), corpus.stage_of(self.place, self.recipe)
        played = Work(stage, lambda tell: experts.make(stage, self.pool, tell))
        return [*self._ideas(), played, Work(ids, lambda tell: corpus.make(ids, self.pool, tell))]

    def _sft(self, arm: str = "rl") -> list[Work]:
        self.recipe.for_arm(arm)  # an unknown one is said before anything is made
        stage = sft.stage_of(self.place, self.recipe, arm)
        taught = "rl" if stage.name == sft.stage_name(self.recipe, "rl") else arm  # several arms start from the same
        return [*self._experts(), Work(stage, lambda tell: sft.make(stage, taught, tell), shared=True)]

    def _rl(self, arm: str = "rl", seeds: Iterable[int] = ()) -> list[Work]:
        works = self._sft(arm)
        for seed in seeds or self.recipe.for_arm(arm).rl.seeds:
            stage = ppo.stage_of(self.place, self.recipe, seed, arm)
            works.append(Work(stage, _trainer(stage, self, seed, arm), shared=ppo.shared(stage.recipe)))
        return works

    def _eval(self, arms: Iterable[str]) -> list[Work]:
        works: list[Work] = []
        for arm in arms:
            played = [
                (evaluate.stage_of(self.place, self.recipe, arm, seed), seed) for seed in evaluate.seeds_of(self.recipe, arm)
            ]
            if arm in evaluate.TUNED:
                works += self._sft()
            elif arm not in evaluate.BASELINES:
                works += self._rl(arm)
            elif any(stage.inputs for stage, _ in played):
                works += self._experts()
            works += [Work(stage, _player(stage, self, arm, seed)) for stage, seed in played]
        return works

    def _tables(self) -> None:
        if ranks().first:
            from training import results

            results.write(self.place, self.recipe, Telling("eval"))

    def _make_all(self, works: Iterable[Work]) -> None:
        """Each stage once, in order, after all that can be known before was checked."""
        once = {work.stage.name: work for work in works}
        preflight.check([work.stage for work in once.values()], as_made=self.as_made)
        for work in once.values():
            self._make(work.stage, work.make, shared=work.shared)

    def _make(self, stage: Stage, make: Make, *, shared: bool = False) -> None:
        together = ranks()
        adopting = preflight.adopts(stage, as_made=self.as_made)
        if together.from_first(lambda: stage.is_done() or (adopting and stage.adopt())):
            if together.first:
                with Telling(stage.name) as tell:
                    tell("made already")
            return
        fit.check(self.recipe, stage.name)
        budget.check_here(self.recipe, stage.name)
        if not together.first:
            together.wait()  # until the stage is entered
            if shared:
                make(silent)
            together.wait()  # until it is finished
            return
        with Telling(stage.name) as tell:
            progress = stage.begin(tell)
            together.wait()

            def telling(text: str, done: int = 0, total: int = 0) -> None:
                progress.save()
                tell(text, done, total)

            results = make(telling)
            manifest = stage.finish(progress, results=results)
            told = ", ".join(
                f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}" for name, value in results.items()
            )
            tell(f"made in {clock(manifest['seconds'])}: {told}")
            together.wait()


def _trainer(stage: Stage, run: Run, seed: int, arm: str) -> Make:
    return lambda tell: ppo.make(stage, run.pool, seed, arm, tell)


def _player(stage: Stage, run: Run, arm: str, seed: int) -> Make:
    return lambda tell: evaluate.make(stage, run.pool, arm, seed, tell)
