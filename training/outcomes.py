"""What executed actions came to, by the files they were taken on: the same edit of the same files is not run again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlagent_app.agent.reward import Case, edit_scalar
from training.corpus import Situation
from training.episodes import ActionJob, Step, reward_of
from training.pool import Lost, WorkerPool
from training.recipe import Recipe
from training.stage import catalogue_digest


@dataclass(frozen=True, slots=True)
class Outcome:
    """Case and delta / span of eq. 6. `executed`: it was run now, not remembered. `seconds` of the run."""

    case: Case
    scale: float | None
    seconds: float = 0.0
    executed: bool = False

    def reward(self, recipe: Recipe) -> float | None:
        """Eq. 6, without the part that `rl.without` takes away; None where the infrastructure failed."""
        table = recipe.rl
        if table.without == "metric" and self.case == "edit":
            return edit_scalar(1.0, table.reward)
        case = "error" if table.without == "corner" and self.case == "corner" else self.case
        return reward_of(case, self.scale, table.reward)


Key = tuple[str, str, str]


def key_of(situation: Situation, instruction: str) -> Key:
    """What names an edit of the same files: variant, files, instruction."""
    return situation.variant, situation.base, instruction


def file_of(run: Path, recipe: Recipe) -> Path:
    """Where a run keeps them: runs that may take longer, or other edits of the same words, come to something else."""
    return run / "home" / f"outcomes-{recipe.tasks.run_seconds:g}-{catalogue_digest()}.jsonl"


# Out of time, memory or disk: that may be this machine's load, and is not remembered for other stages.
PASSING: Case = "corner"


class Outcomes:
    """A table in memory, kept in a file of JSON lines that several stages share. `hits` and `misses` count look-ups.

    What ran out of time, memory or disk is remembered here, not in the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[Key, Outcome] = {}
        self.hits = 0
        self.misses = 0
        if path.is_file():
            for line in path.read_text("utf-8").splitlines():
                try:
                    variant, base, instruction, case, scale = json.loads(line)
                except ValueError:  # a line that a killed process did not finish
                    continue
                if case != PASSING:  # older versions kept them
                    self._known[variant, base, instruction] = Outcome(case, scale)

    @property
    def counted(self) -> tuple[int, int]:
        """(misses, hits) so far."""
        return self.misses, self.hits

    def since(self, counted: tuple[int, int]) -> dict[str, int]:
        """What was executed, and what was looked up, since these counts."""
        return {"executions": self.misses - counted[0], "cache_hits": self.hits - counted[1]}

    def learn(self, steps: Iterable[tuple[Step, Situation]]) -> None:
        """Take in steps that were executed elsewhere; not what ran out of time, memory or disk there."""
        for step, situation in steps:
            if step.case not in ("infrastructure", PASSING):
                self._known[key_of(situation, step.instruction)] = Outcome(step.case, step.scale)

    def known(self, situation: Situation, place: int) -> Outcome | None:
        """What is remembered of that edit, if anything."""
        return self._known.get(key_of(situation, situation.edits[place][0]))

    def rewards(self, situation: Situation, recipe: Recipe) -> list[tuple[int, float]]:
        """(edit, reward) of all its edits that are remembered; without those that the infrastructure failed."""
        pairs = ((place, self.known(situation, place)) for place in range(len(situation.edits)))
        return [(place, reward) for place, o in pairs if o is not None and (reward := o.reward(recipe)) is not None]

    def of(self, pool: WorkerPool, wanted: Sequence[tuple[Situation, int]], run_seconds: float) -> list[Outcome]:
        """The outcome of each (situation, edit); what is not known is executed, each once. Lost ones are `infrastructure`."""
        missing: dict[Key, ActionJob] = {}
        for situation, place in wanted:
            instruction, file, _ = situation.edits[place]
            key = key_of(situation, instruction)
            if key in self._known or key in missing:
                self.hits += 1
            else:
                self.misses += 1
                missing[key] = ActionJob(situation.id, instruction, file, run_seconds)
        keys = list(missing)
        fresh: dict[Key, Outcome] = {}
        for index, step in pool.imap(missing.values()):
            if not isinstance(step, Lost):
                fresh[keys[index]] = Outcome(step.case, step.scale, step.seconds, executed=True)
        self._keep(fresh)
        return [self._now(fresh, key_of(s, s.edits[place][0])) for s, place in wanted]

    def _now(self, fresh: dict[Key, Outcome], key: Key) -> Outcome:
        return fresh.get(key) or self._known.get(key) or Outcome("infrastructure", None)

    def _keep(self, fresh: dict[Key, Outcome]) -> None:
        kept = {key: outcome for key, outcome in fresh.items() if outcome.case != "infrastructure"}
        self._known.update({key: Outcome(found.case, found.scale) for key, found in kept.items()})
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            lasting = {key: found for key, found in kept.items() if found.case != PASSING}
            file.writelines(json.dumps([*key, found.case, found.scale]) + "\n" for key, found in lasting.items())
