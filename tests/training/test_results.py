"""What the page of results says beside its tables."""

from __future__ import annotations

from typing import Any

import pytest

from training.recipe import Recipe, checked
from training.results import kept_update, later_reward, page
from training.statistics import Outcome

OUTCOMES = [
    Outcome(arm, 0, "iris", 7, "weak", 0, "max", 0.5, 1.0, (0.5, best), 0.5, 0.1)
    for arm, best in (("random", 0.6), ("rl", 0.7))
]


def recipe() -> Recipe:
    return checked({"name": "tiny", "eval": {"steps": 1}, "compare": {"pairs": [["rl", "random"]]}}, "here")


def manifest(mode: str, states: int, each: int, rate: float, runs: int, remembered: int) -> dict[str, Any]:
    """Of ten updates."""
    told = {
        "updates": 10, "updates_per_hour": rate, "gradient_steps_per_hour": 2 * rate, "reward_first": 0.1, "reward_last": 0.2,
        "unseen_reward_start": None, "unseen_reward_best": 0.2, "kl_sft": 0.1, "executions": runs, "cache_hits": remembered,
    }  # fmt: skip
    table = {"mode": mode, "states": states, "rollouts_per_state": each, "keep": "best"}
    made = {"results": told, "recipe": {"rl": table}, "seconds": 60.0, "git_revision": "abc", "outputs_digest": "def"}
    return {"stage": mode, **made}


ROWS = [
    {"update": 0, "unseen_reward": 0.1}, {"update": 1, "seconds": 3.0}, {"update": 2, "unseen_reward": 0.2, "seconds": 3.0},
    {"update": 4, "unseen_reward": 0.2, "seconds": 3.0}, {"update": 6, "unseen_reward": 0.05, "seconds": 3.0},
]  # fmt: skip


def text(**manifests: dict[str, Any]) -> str:
    learning = {name: ROWS for name in manifests}
    return page(OUTCOMES, learning, manifests, recipe())


def test_updates_are_compared_at_equal_samples_and_at_equal_actions() -> None:
    step, episode = manifest("step", 6, 5, 600.0, 100, 200), manifest("episode", 4, 5, 100.0, 320, 0)
    found = text(**{"rl-0": step, "rl-1": manifest("step", 6, 5, 400.0, 300, 0), "episode-0": episode})
    # 500 updates of 30 samples, against 100 of 4 episodes; 30 actions against 32.
    assert "15,000 samples" in found and "whole episodes 400 (an episode)" in found
    assert "38 times as many updates an hour; at equal actions an update it is 4.7 times as many" in found
    assert "| rl-0 | 10 | 600 | 1200 |" in found


@pytest.mark.parametrize("mode", ["step", "episode"])
def test_one_way_of_training_is_compared_with_nothing(mode: str) -> None:
    assert "An hour of training" not in text(**{"rl-0": manifest(mode, 6, 5, 600.0, 100, 200)})


def test_the_page_says_after_which_update_the_policy_was_kept() -> None:
    found = text(**{"rl-0": manifest("step", 6, 5, 600.0, 100, 200)}).splitlines()
    heads, cells = (next(line for line in found if line.startswith(start)).split(" | ") for start in ("| Run", "| rl-0"))
    assert cells[heads.index("Kept after update")] == "2"
    assert cells[heads.index("Kept apart, later half")] == "0.125"
    assert later_reward([]) is None and later_reward(ROWS[1:2]) is None
    assert kept_update(ROWS, {"keep": "last"}) == 6
    assert kept_update(ROWS[:1], {"keep": "best"}) == 0
    assert kept_update([], {"keep": "best"}) is None


def test_the_page_counts_the_starts_that_did_not_run() -> None:
    made = manifest("step", 6, 5, 600.0, 100, 200)
    played = {
        name: {**made, "results": {"episodes": count, "failed_starts": failed}}
        for name, count, failed in (("eval/random-0", 88, 2), ("eval/rl-0", 44, 1), ("experts", 30, 4))
    }
    assert "before their first step: 3 of 132 of the evaluation, 4 of 30 of the expert." in text(**played)
    assert "before their first step" not in text(**{"rl-0": made})


def test_what_is_within_reach_is_the_best_of_all_arms() -> None:
    assert "up to 2 by all arms together, gained 40.0 % on average" in text()


def test_the_page_says_where_policies_were_played_as_they_had_been_made() -> None:
    made = manifest("step", 6, 5, 600.0, 100, 200)
    assert "--as-made" not in text(**{"rl-0": made})
    assert "--as-made" in text(**{"rl-0": {**made, "adopted": True}})
