"""The loop of every learner, killed at each place where it writes: what goes on from there is as if nothing had happened."""

from __future__ import annotations

import json
import random
import shutil
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor

from mlagent_app.agent.errors import Exit, UserError
from training import loop as loops
from training.loop import MODEL, Log, loop, read_checkpoint, read_log
from training.outcomes import Outcome, Outcomes
from training.recipe import checked
from training.stage import Stage
from training.telling import silent
from training.weights import replacing, settle

pytestmark = pytest.mark.torch

# What the policy is worth after so many updates: the best one is neither the first nor the last that is saved.
WORTH = [0.0, 0.1, 0.2, 0.3, 0.9, 0.1, 0.2, 0.1, 0.4]
UPDATES, SAVE_EVERY = 8, 2


class Killed(BaseException):
    """As if the process had been killed."""


@dataclass
class Batch:
    """One action, scored or not."""

    rewards: Tensor
    mask: Tensor
    outcomes: list[Outcome]


@dataclass
class Counter:
    """A learner whose policy is the number of its updates. It is killed at the call of `kill`, counted from 0."""

    kill: tuple[str, int] = ("", 0)
    made: int = 0
    spent: dict[str, float] = field(default_factory=dict[str, float])
    calls: dict[str, int] = field(default_factory=dict[str, int])

    def _call(self, name: str) -> None:
        number = self.calls.get(name, 0)
        self.calls[name] = number + 1
        if self.kill == (name, number):
            raise Killed

    def advantage(self, batch: Batch) -> None: ...

    def update(self, batch: Batch, rng: random.Random) -> dict[str, float]:
        del batch, rng
        self._call("update")
        self.made += 1
        return {"kl_sft": 0.1 * self.made, "gradient_steps": 1}

    def explained_variance(self, batch: Batch) -> float:
        del batch
        return 0.5

    def save_policy(self, place: Path) -> None:
        self._call("before the policy")
        with replacing(place) as fresh:
            (fresh / "weights").write_text(str(self.made))
            self._call("within the policy")
        self._call("behind the policy")

    def save(self, path: Path, update: int, best: float) -> None:
        self._call("before the checkpoint")
        path.write_text(json.dumps([self.made, update, best]))
        self._call("behind the checkpoint")

    def resume(self, path: Path) -> tuple[int, float]:
        if not path.exists():
            return 0, float("-inf")
        self.made, update, best = json.loads(path.read_text())
        return update, best


@dataclass
class Rollout:
    """Batches of one action; nothing of those in `unscored` was scored."""

    unscored: frozenset[int] = frozenset()

    def collect(self, learner: Counter, update: int) -> Batch:
        del learner
        scored = update not in self.unscored
        outcome = Outcome("edit", 0.1) if scored else Outcome("infrastructure", None)
        return Batch(torch.full((1, 1), 0.1 * scored), torch.full((1, 1), scored), [outcome])


def train(run: Path, learner: Counter, rollout: Rollout | None = None, **rl: object) -> dict[str, Any]:
    table = {"updates": UPDATES, "save_every": SAVE_EVERY, "keep": "best", **rl}
    stage = Stage(run, "rl-0", checked({"name": "tiny", "rl": table}, "here"), ("rl",))
    return loop(stage, learner, rollout or Rollout(), lambda: WORTH[learner.made], Outcomes(run / "o"), 0, silent)


def rows(run: Path) -> list[dict[str, Any]]:
    """The log, without what was measured."""
    return [{name: value for name, value in row.items() if "seconds" not in name} for row in read_log(run / "rl-0")]


def timeless(results: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in results.items() if "per_hour" not in name}


POINTS = ["update", *(f"{when} the {what}" for when in ("before", "behind") for what in ("policy", "checkpoint"))]


@pytest.mark.parametrize("keep", ["best", "last"])
@pytest.mark.parametrize("point", [*POINTS, "within the policy"])
def test_a_run_that_is_killed_where_it_writes_ends_like_one_that_was_not(point: str, keep: str, tmp_path: Path) -> None:
    whole = timeless(train(tmp_path / "whole", Counter(), keep=keep))
    assert whole["unseen_reward_best"] == 0.9
    expected = "4" if keep == "best" else "8"
    for number in range(UPDATES):
        run = tmp_path / str(number)
        try:
            train(run, Counter(kill=(point, number)), keep=keep)
        except Killed:
            assert timeless(train(run, Counter(), keep=keep)) == whole
        place = run / "rl-0"
        assert rows(run) == rows(tmp_path / "whole")
        assert (place / MODEL / "weights").read_text() == expected
        assert {path.name for path in place.iterdir()} == {MODEL, "log.jsonl", "logs"}


def test_the_best_policy_outlives_a_kill_in_the_midst_of_a_better_one(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        train(tmp_path, Counter(kill=("within the policy", 2)))
    assert (tmp_path / "rl-0" / MODEL / "weights").read_text() == "2"


@pytest.mark.parametrize("renames", [0, 1])
def test_a_directory_is_replaced_whole_or_not_at_all(renames: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "model"
    for text in ("old", "older"):
        with replacing(place) as fresh:
            (fresh / text).touch()
    assert [path.name for path in place.iterdir()] == ["older"]
    rename, left = Path.rename, renames

    def killed(path: Path, target: Path) -> Path:
        nonlocal left
        left -= 1
        if left < 0:
            raise Killed
        return rename(path, target)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Path, "rename", killed)
        with replacing(place) as fresh:
            (fresh / "new").touch()
    settle(place)
    assert [path.name for path in tmp_path.rglob("*")] == ["model", "older"]
    shutil.rmtree(place)
    settle(place)
    assert not place.exists()


def test_a_sandbox_that_fails_everything_ends_the_training_and_the_checkpoint_stays(tmp_path: Path) -> None:
    broken = Rollout(frozenset(range(3, UPDATES)))
    with pytest.raises(UserError, match=r"3 batches in a row.*rl-0.*mlagent doctor") as caught:
        train(tmp_path, Counter(), broken)
    assert caught.value.code == Exit.NO_SANDBOX
    assert Counter().resume(tmp_path / "rl-0" / "logs" / "checkpoint.pt") == (4, 0.3), "nothing was learnt from the fourth"
    assert train(tmp_path, Counter())["updates"] == UPDATES


def test_now_and_then_a_batch_without_a_score_is_no_end_and_teaches_nothing(tmp_path: Path) -> None:
    learner = Counter()
    results = train(tmp_path, learner, Rollout(frozenset((0, 1, 3, 4, 7))))
    assert learner.made == 3 and results["updates"] == UPDATES
    assert results["kl_sft"] == pytest.approx(0.3), "of the last update in which something was learnt"
    assert "NaN" not in json.dumps(results)
    assert rows(tmp_path)[1]["kl_sft"] is rows(tmp_path)[1]["reward"] is None
    assert results["reward_first"] == results["reward_last"] == pytest.approx(0.1)


@pytest.mark.parametrize("silently", [False, True])
def test_a_run_that_was_killed_behind_its_last_checkpoint_has_nothing_left_to_do(
    silently: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(tmp_path, Counter())
    if silently:  # as of several processes the others are
        monkeypatch.setattr(loops, "Log", partial(Log, silent=True))
    again = Counter()
    found = train(tmp_path, again)
    assert again.calls == {}
    assert silently or timeless(found) == timeless(whole)


def test_time_that_was_used_up_before_a_kill_is_not_given_again(tmp_path: Path) -> None:
    train(tmp_path, Counter(), minutes=1e-9)
    again = Counter()
    results = train(tmp_path, again, minutes=1e-9)
    assert results["updates"] == 1 and again.calls == {}


def test_a_damaged_checkpoint_is_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    torch.save({"actor": {}, "update": 1, "best": 0.0}, path)
    assert read_checkpoint(path, ("actor",))["update"] == 1
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"not a checkpoint"):
        path.write_bytes(content)
        with pytest.raises(UserError, match=r"the checkpoint cannot be read: .*checkpoint\.pt.*remove it"):
            read_checkpoint(path, ("actor",))
    path.write_bytes(whole)
    with pytest.raises(UserError, match="critic is missing"):
        read_checkpoint(path, ("actor", "critic"))
