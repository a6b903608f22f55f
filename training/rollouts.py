"""What the policy tried in RL, kept update by update, so that the cookbook beside its weights knows of it, too."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlagent_app.agent.reward import Version
from training.episodes import reward_of
from training.loop import Rollout
from training.outcomes import Key

if TYPE_CHECKING:
    from training.ppo import Batch, Learner

FILE = "rollouts.jsonl"


class Recorded:
    """A rollout whose actions are written down, a JSON line an update. A resumed run's line of an update replaces the older."""

    def __init__(self, rollout: Rollout[Learner, Batch], path: Path) -> None:
        self._rollout, self._path = rollout, path
        path.parent.mkdir(parents=True, exist_ok=True)

    def collect(self, learner: Learner, update: int) -> Batch:
        """What the rollout collects."""
        batch = self._rollout.collect(learner, update)
        taken = [
            (there, there.edits[int(place)])
            for there, row in zip(batch.situations, batch.actions, strict=True)
            for place in row
        ]
        rows = [
            (there.variant, there.base, there.kind, *edit, outcome.case, outcome.scale)
            for (there, edit), outcome in zip(taken, batch.outcomes, strict=True)
        ]
        with self._path.open("a", encoding="utf-8") as file:
            file.write("\n" + json.dumps([update, rows]))  # so that no torn line takes the next one with it
        return batch

    def tries(self, version: Version, known: Collection[Key] = ()) -> list[tuple[str, str, str, float]]:
        """(kind of task, instruction, family, reward) of each edit of each state of the files; those `known` are left out.

        So is what the infrastructure failed.
        """
        updates: dict[int, list[list[Any]]] = {}
        for line in self._path.read_text("utf-8").splitlines() if self._path.is_file() else ():
            try:
                update, rows = json.loads(line)
            except ValueError:  # a line that a killed process did not finish
                continue
            updates[update] = rows
        found: dict[Key, tuple[str, str, str, float]] = {}
        for variant, base, kind, instruction, _, family, case, scale in (row for rows in updates.values() for row in rows):
            reward = reward_of(case, scale, version)
            if reward is not None and (variant, base, instruction) not in known:
                found[variant, base, instruction] = (kind, instruction, family, reward)
        return list(found.values())
