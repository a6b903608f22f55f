"""The figures of the page of results show what was played and trained, and nothing that was not."""

from __future__ import annotations

from typing import Any

from training import figures
from training.recipe import Recipe, checked
from training.statistics import Outcome


def outcome(arm: str, best: float) -> Outcome:
    """One trajectory of one step."""
    return Outcome(arm, 0, "iris", 7, "weak", 0, "max", 0.5, 1.0, (0.5, best), 0.5, 0.1)


def recipe() -> Recipe:
    """With an ablation, one of whole episodes, and one with another reward."""
    arms: dict[str, Any] = {
        "scratch": {"start": "scratch"},
        "episode": {"rl": {"mode": "episode"}},
        "paper-reward": {"rl": {"reward": "v1"}},
    }
    pairs = [["rl", "random"], ["scratch", "rl"], ["episode", "rl"], ["scratch", "random"]]
    return checked({"name": "tiny", "eval": {"steps": 1}, "arms": arms, "compare": {"pairs": pairs}}, "here")


ROWS = [{"update": 0, "unseen_reward": 0.1}, {"update": 1, "seconds": 90.0, "unseen_reward": 0.11}]


def test_ablations_are_drawn_beside_what_was_not_trained_as_shares_of_the_policy() -> None:
    drawn = figures.all_of([outcome("random", 0.6), outcome("rl", 0.7), outcome("scratch", 0.65)], {}, recipe())
    assert set(drawn) == {"curve", "tasks", "ablations"}
    # (0.6 - 0.5) / (0.7 - 0.5), and (0.65 - 0.5) / (0.7 - 0.5).
    assert "random, share of the gain of rl: 0.5 [" in drawn["ablations"]
    assert "scratch, share of the gain of rl: 0.75 [" in drawn["ablations"]
    assert "episode" not in drawn["ablations"]


def test_without_an_ablation_there_is_no_figure_of_them() -> None:
    assert "ablations" not in figures.all_of([outcome("random", 0.6), outcome("rl", 0.7)], {}, recipe())
    assert "ablations" not in figures.all_of([outcome("random", 0.6), outcome("scratch", 0.7)], {}, recipe())


def test_training_is_drawn_of_both_modes_from_zero_and_of_no_other_reward() -> None:
    logs = {"rl-0": ROWS, "rl-1": ROWS[:1], "episode-0": ROWS, "paper-reward-0": ROWS}
    drawn = figures.all_of([outcome("rl", 0.7)], logs, recipe())["learning"]
    assert ">rl-0<" in drawn and ">episode-0<" in drawn
    assert "paper-reward" not in drawn and "rl-1" not in drawn
    assert ">0.00<" in drawn
