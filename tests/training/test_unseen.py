"""The reward of a policy on tasks kept apart: executed, at the temperature that it is played with."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

pytest.importorskip("torch")

import torch

from tests.training.test_ppo import EDITS, GOOD, TablePool, situations
from training.outcomes import Outcomes
from training.recipe import checked
from training.telling import Tell, silent
from training.unseen import Distributions, Unseen

pytestmark = pytest.mark.torch


# What the good edit and the others are rewarded with.
GAIN, LOSS = 0.5, -0.5


def judged(
    place: Path, pool: TablePool, *, temperature: float = 1.0, most: int = 3, tell: Tell = silent
) -> tuple[Unseen, Outcomes]:
    rl = {"reward": "v2", "rollouts_per_state": most}
    recipe = checked({"name": "x", "rl": rl, "publish": {"temperature": temperature}}, "here")
    outcomes = Outcomes(place / "outcomes.jsonl")
    return Unseen(recipe, situations(20), outcomes, pool, tell), outcomes


def always(*chances: float) -> Distributions:
    """A policy with these chances of the three edits in every state."""
    return lambda situations: torch.tensor(chances).log().expand(len(situations), -1)


@pytest.mark.parametrize(
    ("chances", "temperature", "expected"),
    [
        ((0.2, 0.3, 0.5), 1.0, 0.5 * GAIN + 0.5 * LOSS),
        # At a third of the temperature the least of the three is not among nine tenths of the policy any more.
        ((0.2, 0.3, 0.5), 1 / 3, (0.125 * GAIN + 0.027 * LOSS) / 0.152),
        ((0.2, 0.3, 0.5), 0.0, GAIN),
        ((0.5, 0.3, 0.2), 0.0, LOSS),
    ],
)
def test_rewards_are_weighted_as_the_policy_is_played(
    chances: tuple[float, ...], temperature: float, expected: float, tmp_path: Path
) -> None:
    unseen, _ = judged(tmp_path, TablePool(), temperature=temperature)
    assert unseen.expected_reward(always(*chances)) == pytest.approx(expected, abs=1e-6)


def test_what_the_policy_would_do_is_executed_once_and_not_more(tmp_path: Path) -> None:
    pool, told = TablePool(), list[str]()

    def tell(text: str, done: int = 0, total: int = 0) -> None:
        told.append(text if not total else f"{done} of {total}")

    unseen, outcomes = judged(tmp_path, pool, most=2, tell=tell)
    first = unseen.expected_reward(always(0.2, 0.3, 0.5))
    assert {job.instruction for job in pool.asked} == {EDITS[1][0], EDITS[GOOD][0]} and len(pool.asked) == 2 * 20
    assert first == pytest.approx((0.5 * GAIN + 0.3 * LOSS) / 0.8)
    assert unseen.expected_reward(always(0.1, 0.2, 0.7)) > first and len(pool.asked) == 2 * 20
    unseen.expected_reward(always(0.9, 0.06, 0.04))
    assert len(pool.asked) == 3 * 20 == outcomes.misses
    assert told == [
        "40 edits were executed on tasks that are kept apart",
        "20 edits were executed on tasks that are kept apart",
    ]


def test_what_the_infrastructure_failed_does_not_count(tmp_path: Path) -> None:
    unseen, _ = judged(tmp_path / "some", TablePool(broken=frozenset({EDITS[0][0]})))
    assert unseen.expected_reward(always(0.5, 0.25, 0.25)) == pytest.approx(0.5 * GAIN + 0.5 * LOSS, abs=1e-6)
    unseen, _ = judged(tmp_path / "all", TablePool(lost=True))
    assert math.isnan(unseen.expected_reward(always(0.5, 0.25, 0.25)))
