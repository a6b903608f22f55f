"""The loop of every reinforcement learner: collect, estimate advantages, update, log, keep the best, be ready to be killed."""

from __future__ import annotations

import json
import math
import pickle
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor

from mlagent_app.agent.errors import Exit, UserError, first_line
from training import algo
from training.outcomes import Outcome, Outcomes
from training.ranks import ALONE, Ranks
from training.stage import LOGS, Stage
from training.telling import Tell
from training.weights import settle

MODEL, CHECKPOINT, LOG = "model", "checkpoint.pt", "log.jsonl"
# How many steps of the optimizer an update made.
GRADIENT_STEPS = "gradient_steps"
# After so many batches in a row of which nothing was scored it is the sandbox that is broken, not the edits.
MOST_UNSCORED = 3


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

    Of several processes the first one logs, and says when the time is up. Raises `UserError` when nothing is executed any more.
    """
    table, place = stage.recipe.rl, stage.place
    (place / LOGS).mkdir(parents=True, exist_ok=True)
    if ranks.first:
        settle(place / MODEL)
    first, best = learner.resume(place / LOGS / CHECKPOINT)
    log, unscored = Log(place, first, silent=not ranks.first), Unscored(place)
    spent = log.seconds  # of earlier attempts, too: arms are compared at equal time
    if first == 0:
        best = validate()
        log.write(0, {"unseen_reward": best})
        learner.save_policy(place / MODEL)

    def over() -> bool:
        return table.minutes is not None and ranks.from_first(lambda: spent) > 60 * table.minutes

    # A run that was killed after its last update has nothing left to do.
    for update in range(first, table.updates if not over() else first):
        start, counted = time.monotonic(), outcomes.counted
        batch = rollout.collect(learner, update)
        unscored.see(scored=bool(batch.mask.any()))
        row = _learnt(learner, batch, random.Random(f"order:{seed}:{update}"))
        row |= {"seconds": time.monotonic() - start, **outcomes.since(counted)}
        spent += row["seconds"]
        enough = over()
        saving, better = (update + 1) % table.save_every == 0 or update + 1 == table.updates or enough, False
        if saving:
            row["unseen_reward"] = validate()
            better = bool(row["unseen_reward"] > best or np.isnan(best))
            best = row["unseen_reward"] if better else best
        # In this order, a killed run goes on from a checkpoint whose row was written and whose best policy was saved.
        log.write(update + 1, row)
        if better and table.keep == "best":
            learner.save_policy(place / MODEL)
        if saving:
            learner.save(place / LOGS / CHECKPOINT, update + 1, best)
        tell(f"updates, reward {row['reward']:.3f}, KL {row['kl_sft']:.2f}, unseen {best:.3f}", update + 1, table.updates)
        if enough:
            break
    if table.keep == "last":
        learner.save_policy(place / MODEL)
    return log.results(best)


def _learnt(learner: Trained[B], batch: B, rng: random.Random) -> dict[str, float]:
    """One update, and its row of the log. From a batch of which nothing was scored nothing is learnt."""
    if not batch.mask.any():
        nothing = {"reward": math.nan, "kl_sft": math.nan, GRADIENT_STEPS: 0, "update_seconds": 0.0}
        return {**diagnostics(batch), **learner.spent, **nothing}
    learner.advantage(batch)
    after = time.monotonic()
    told = learner.update(batch, rng)
    found = {**told, **diagnostics(batch), "explained_variance": learner.explained_variance(batch)}
    return {**found, **learner.spent, "update_seconds": time.monotonic() - after}


class Unscored:
    """Counts the batches in a row of which nothing was scored, since the infrastructure failed every action."""

    def __init__(self, place: Path) -> None:
        """`place`: the stage's directory."""
        self._place = place
        self._count = 0

    def see(self, *, scored: bool) -> None:
        """Take note of a batch. Raises `UserError` where it is one too many."""
        self._count = 0 if scored else self._count + 1
        if self._count == MOST_UNSCORED:
            raise UserError(
                f"the sandbox failed all actions of {MOST_UNSCORED} batches in a row, so that there is nothing to learn from",
                where=str(self._place),
                how="see: mlagent doctor; run the stage again then: it goes on from its last checkpoint",
                code=Exit.NO_SANDBOX,
            )


def diagnostics(batch: Scored) -> dict[str, float]:
    """Mean reward, and the shares of the cases."""
    cases = Counter(outcome.case for outcome in batch.outcomes)
    total = max(1, len(batch.outcomes))
    return {
        "reward": float(algo.masked_mean(batch.rewards, batch.mask)),
        "better": sum(1 for o in batch.outcomes if o.scale is not None and o.scale > 0) / total,
        "executed": sum(outcome.executed for outcome in batch.outcomes) / total,
        **{f"case/{case}": cases[case] / total for case in ("edit", "error", "corner", "invalid", "infrastructure")},
    }


class Log:
    """Every update's numbers as JSON lines, and in TensorBoard; nothing is written when `silent`."""

    def __init__(self, place: Path, first: int, *, silent: bool = False) -> None:
        self.place = place
        self._path = place / LOG
        self._rows: list[dict[str, Any]] = []
        self._board: Any = None
        if silent:
            return
        from torch.utils.tensorboard import SummaryWriter

        kept = [row for row in read_log(place) if row["update"] <= first] if first else []
        scratch = self._path.with_suffix(".fresh")
        scratch.write_text("".join(json.dumps(row) + "\n" for row in kept), "utf-8")
        scratch.replace(self._path)
        self._board = SummaryWriter(str(place / LOGS / "tensorboard"), purge_step=first + 1 if first else None)
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
        # Without those in which nothing was scored.
        rewards = [row["reward"] for row in rows if row["reward"] is not None]
        apart = [row["kl_sft"] for row in rows if row.get("kl_sft") is not None]
        return {
            "updates": len(rows),
            "updates_per_hour": 3600 * len(rows) / seconds if seconds else 0.0,
            "gradient_steps_per_hour": 3600 * sum(row.get(GRADIENT_STEPS, 0) for row in rows) / seconds if seconds else 0.0,
            "reward_first": float(np.mean(rewards[:10])) if rewards else 0.0,
            "reward_last": float(np.mean(rewards[-10:])) if rewards else 0.0,
            "unseen_reward_start": self._rows[0].get("unseen_reward") if self._rows else None,
            "unseen_reward_best": None if np.isnan(best) else best,
            "kl_sft": apart[-1] if apart else 0.0,
            "executions": sum(row["executions"] for row in rows),
            "cache_hits": sum(row["cache_hits"] for row in rows),
        }


def read_checkpoint(path: Path, names: Sequence[str], place: str | None = None) -> dict[str, Any]:
    """What a learner saved, on the device `place`. Raises `UserError` when it is damaged, or lacks one of `names`."""
    try:
        state: dict[str, Any] = torch.load(path, weights_only=True, map_location=place)
        lacking = [name for name in (*names, "update", "best") if name not in state]
        why = f"{lacking[0]} is missing" if lacking else ""
    except (OSError, EOFError, RuntimeError, ValueError, TypeError, KeyError, pickle.UnpicklingError) as error:
        state, why = {}, first_line(error)
    if why:
        raise UserError(
            f"the checkpoint cannot be read: {why}", where=str(path), how="remove it: the training then starts anew"
        )
    return state


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
