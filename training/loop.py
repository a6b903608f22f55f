"""The loop of every reinforcement learner: collect, estimate advantages, update, log, keep the best, be ready to be killed."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from torch import Tensor

from training import algo
from training.outcomes import Outcome, Outcomes
from training.ranks import ALONE, Ranks
from training.stage import Stage
from training.telling import Tell

MODEL, CHECKPOINT, LOG = "model", "checkpoint.pt", "log.jsonl"
# How many steps of the optimizer an update made.
GRADIENT_STEPS = "gradient_steps"


class Scored(Protocol):
    """What the loop reads of a batch: `rewards` and `mask` of the actions, [N, K], and their outcomes in row order."""

    rewards: Tensor
    mask: Tensor
    outcomes: list[Outcome]


B = TypeVar("B", bound=Scored)
B_contra = TypeVar("B_contra", bound=Scored, contravariant=True)


class Trained(Protocol[B_contra]):
    """What the loop asks of a learner. `spent`: seconds of the last update, by what they went to."""

    spent: dict[str, float]

    def advantage(self, batch: B_contra) -> None: ...

    def update(self, batch: B_contra, rng: random.Random) -> dict[str, float]:
        """Learn from the batch; diagnostics, `GRADIENT_STEPS` among them."""
        ...

    def explained_variance(self, batch: B_contra) -> float: ...

    def save_policy(self, place: Path) -> None: ...

    def save(self, path: Path, update: int, best: float) -> None: ...

    def resume(self, path: Path) -> tuple[int, float]: ...


L_contra = TypeVar("L_contra", contravariant=True)
B_co = TypeVar("B_co", covariant=True)


class Rollout(Protocol[L_contra, B_co]):
    """Acts with the current policy, and executes. Step-wise and episode-wise training differ here alone."""

    def collect(self, learner: L_contra, update: int) -> B_co: ...


def loop(
    stage: Stage,
    learner: Trained[B],
    rollout: Rollout[Any, B],
    validate: Callable[[], float],
    outcomes: Outcomes,
    seed: int,
    tell: Tell,
    ranks: Ranks = ALONE,
) -> dict[str, Any]:
    """Updates until their number or the minutes are used up; the last policy is kept, or the best by `validate`.

    Of several processes the first one logs, and says when the time is up.
    """
    table, place = stage.recipe.rl, stage.place
    (place / "logs").mkdir(parents=True, exist_ok=True)
    first, best = learner.resume(place / "logs" / CHECKPOINT)
    log = Log(place, first, silent=not ranks.first)
    spent = log.seconds  # of earlier attempts, too: arms are compared at equal time
    if first == 0:
        best = validate()
        log.write(0, {"unseen_reward": best})
        learner.save_policy(place / MODEL)
    for update in range(first, table.updates):
        start, counted = time.monotonic(), outcomes.counted
        batch = rollout.collect(learner, update)
        learner.advantage(batch)
        after = time.monotonic()
        told = learner.update(batch, random.Random(f"order:{seed}:{update}"))
        row = {**told, **diagnostics(learner, batch), **learner.spent, "update_seconds": time.monotonic() - after}
        row |= {"seconds": time.monotonic() - start, **outcomes.since(counted)}
        spent += row["seconds"]
        enough = table.minutes is not None and ranks.from_first(lambda now=spent: now) > 60 * table.minutes
        if (update + 1) % table.save_every == 0 or update + 1 == table.updates or enough:
            row["unseen_reward"] = validate()
            if row["unseen_reward"] > best or np.isnan(best):
                best = row["unseen_reward"]
                if table.keep == "best":
                    learner.save_policy(place / MODEL)
            learner.save(place / "logs" / CHECKPOINT, update + 1, best)
        log.write(update + 1, row)
        tell(f"updates, reward {row['reward']:.3f}, KL {row['kl_sft']:.2f}, unseen {best:.3f}", update + 1, table.updates)
        if enough:
            break
    if table.keep == "last":
        learner.save_policy(place / MODEL)
    return log.results(best)


def diagnostics(learner: Trained[B], batch: B) -> dict[str, float]:
    """Mean reward, the shares of the cases, and how well the critic explains the returns."""
    cases = Counter(outcome.case for outcome in batch.outcomes)
    total = max(1, len(batch.outcomes))
    return {
        "reward": float(algo.masked_mean(batch.rewards, batch.mask)),
        "better": sum(1 for o in batch.outcomes if o.scale is not None and o.scale > 0) / total,
        "explained_variance": learner.explained_variance(batch),
        "executed": sum(outcome.executed for outcome in batch.outcomes) / total,
        **{f"case/{case}": cases[case] / total for case in ("edit", "error", "corner", "invalid", "infrastructure")},
    }


class Log:
    """Every update's numbers as JSON lines, and in TensorBoard; nothing is written when `silent`."""

    def __init__(self, place: Path, first: int, *, silent: bool = False) -> None:
        self._path = place / LOG
        self._rows: list[dict[str, Any]] = []
        self._board: Any = None
        if silent:
            return
        from torch.utils.tensorboard import SummaryWriter

        kept = [row for row in read_log(place) if row["update"] <= first] if first else []
        self._path.write_text("".join(json.dumps(row) + "\n" for row in kept), "utf-8")
        self._board = SummaryWriter(str(place / "logs" / "tensorboard"), purge_step=first or None)
        self._rows = kept

    @property
    def seconds(self) -> float:
        """What the updates so far have taken."""
        return sum(row.get("seconds") or 0.0 for row in self._rows)

    def write(self, update: int, row: dict[str, float]) -> None:
        """One update."""
        rounded = {"update": update, **{name: None if np.isnan(value) else round(value, 6) for name, value in row.items()}}
        self._rows.append(rounded)
        if self._board is None:
            return
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(rounded) + "\n")
        for name, value in row.items():
            self._board.add_scalar(f"rl/{name}", value, update)
        self._board.flush()

    def results(self, best: float) -> dict[str, Any]:
        """For the manifest."""
        rows = [row for row in self._rows if "reward" in row]
        seconds = sum(row["seconds"] for row in rows)
        return {
            "updates": len(rows),
            "updates_per_hour": 3600 * len(rows) / seconds if seconds else 0.0,
            "gradient_steps_per_hour": 3600 * sum(row.get(GRADIENT_STEPS, 0) for row in rows) / seconds if seconds else 0.0,
            "reward_first": float(np.mean([row["reward"] for row in rows[:10]])) if rows else 0.0,
            "reward_last": float(np.mean([row["reward"] for row in rows[-10:]])) if rows else 0.0,
            "unseen_reward_start": self._rows[0].get("unseen_reward"),
            "unseen_reward_best": best,
            "kl_sft": rows[-1]["kl_sft"] if rows else 0.0,
            "executions": sum(row["executions"] for row in rows),
            "cache_hits": sum(row["cache_hits"] for row in rows),
        }


def read_log(place: Path) -> list[dict[str, Any]]:
    """The rows of a log; an unfinished last line is left out."""
    rows: list[dict[str, Any]] = []
    path = place / LOG
    for line in path.read_text("utf-8").splitlines() if path.is_file() else ():
        try:
            rows.append(json.loads(line))
        except ValueError:
            break
    return rows
