"""The arithmetic of policy-gradient training against numbers worked out by hand, plain loops and `torch.distributions`."""

from __future__ import annotations

import math
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch")

import torch
from torch import Tensor
from torch.distributions import Categorical, kl_divergence

from training import algo

pytestmark = pytest.mark.torch

NUMBER = st.floats(-5, 5, width=32)
SHARE = st.floats(0, 1, width=32)
NOTHING = -torch.inf


def ones(like: Tensor) -> Tensor:
    return torch.ones_like(like, dtype=torch.bool)


def loop(rewards: list[float], values: list[float], gamma: float, lam: float) -> list[float]:
    """Advantages by the definition: sums of discounted one-step errors, no recursion."""
    ahead = [*values[1:], 0.0]
    deltas = [r + gamma * after - v for r, v, after in zip(rewards, values, ahead, strict=True)]
    return [sum((gamma * lam) ** (k - t) * deltas[k] for k in range(t, len(deltas))) for t in range(len(deltas))]


def test_gae_of_an_episode_worked_out_by_hand() -> None:
    rewards, values = torch.tensor([[1.0, 0.0, 2.0]]), torch.tensor([[0.5, 1.0, 1.5]])
    advantages, returns = algo.gae(rewards, values, ones(rewards), gamma=0.5, lam=0.5)
    # Errors: 1 + .5*1 - .5 = 1;  0 + .5*1.5 - 1 = -.25;  2 - 1.5 = .5.  Decay .25.
    assert advantages.tolist() == [[pytest.approx(1.0 - 0.0625 + 0.03125), pytest.approx(-0.25 + 0.125), pytest.approx(0.5)]]
    assert torch.allclose(returns, advantages + values)


def test_gae_without_discount_is_what_is_still_to_come_less_the_value() -> None:
    rewards, values = torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([[0.1, 0.2, 0.3]])
    advantages, returns = algo.gae(rewards, values, ones(rewards))
    assert torch.allclose(returns, torch.tensor([[6.0, 5.0, 3.0]]))
    assert torch.allclose(advantages, torch.tensor([[5.9, 4.8, 2.7]]))


def test_gae_cuts_a_trajectory_at_a_step_that_was_not_scored() -> None:
    rewards, values = torch.tensor([[1.0, 99.0, 2.0, 99.0]]), torch.tensor([[0.5, -77.0, 1.5, -77.0]])
    mask = torch.tensor([[True, False, True, False]])
    advantages, returns = algo.gae(rewards, values, mask, gamma=0.5, lam=0.5, after=torch.tensor([4.0]))
    # What follows the first step counts by the value of the third, what follows that by the value after the end.
    assert advantages.tolist() == [[1.0 + 0.5 * 1.5 - 0.5, 0.0, 2.0 + 0.5 * 4.0 - 1.5, 0.0]]
    assert returns.tolist() == [[1.75, 0.0, 4.0, 0.0]]
    advantages, _ = algo.gae(rewards, values, mask)
    assert advantages.tolist() == [[1.0 + 1.5 - 0.5, 0.0, 2.0 - 1.5, 0.0]]


@given(st.lists(st.lists(st.tuples(NUMBER, NUMBER), min_size=1, max_size=6), min_size=1, max_size=4), SHARE, SHARE)
def test_gae_is_the_plain_loop_whatever_the_padding_holds(
    episodes: list[list[tuple[float, float]]], gamma: float, lam: float
) -> None:
    width = max(map(len, episodes)) + 1
    rewards, values = torch.full((len(episodes), width), 99.0), torch.full((len(episodes), width), -77.0)
    mask = torch.zeros((len(episodes), width), dtype=torch.bool)
    for row, episode in enumerate(episodes):
        rewards[row, : len(episode)] = torch.tensor([r for r, _ in episode])
        values[row, : len(episode)] = torch.tensor([v for _, v in episode])
        mask[row, : len(episode)] = True
    advantages, returns = algo.gae(rewards, values, mask, gamma, lam)
    for row, episode in enumerate(episodes):
        expected = loop([r for r, _ in episode], [v for _, v in episode], gamma, lam)
        assert advantages[row, : len(episode)].tolist() == pytest.approx(expected, abs=1e-3)
        summed = [a + v for a, (_, v) in zip(expected, episode, strict=True)]
        assert returns[row, : len(episode)].tolist() == pytest.approx(summed, abs=1e-3)
    assert not advantages[~mask].any()
    assert not returns[~mask].any()


@given(st.lists(st.tuples(NUMBER, NUMBER), min_size=1, max_size=8), SHARE, SHARE)
def test_a_single_step_s_advantage_is_its_reward_less_the_value(
    pairs: list[tuple[float, float]], gamma: float, lam: float
) -> None:
    rewards, values = torch.tensor([[r] for r, _ in pairs]), torch.tensor([[v] for _, v in pairs])
    advantages, returns = algo.gae(rewards, values, ones(rewards), gamma, lam)
    assert torch.equal(advantages, rewards - values)
    assert torch.allclose(returns, rewards, atol=1e-5)


def test_group_advantages_are_less_the_mean_of_the_scored_ones() -> None:
    rewards = torch.tensor([[1.0, 3.0, 50.0], [2.0, 2.0, 2.0], [9.0, 9.0, 9.0]])
    mask = torch.tensor([[True, True, False], [True, True, True], [False, False, False]])
    assert algo.group_advantages(rewards, mask).tolist() == [[-1.0, 1.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]


@given(st.lists(st.floats(-100, 100, width=32), min_size=2, max_size=12).filter(lambda row: max(row) - min(row) > 0.1))
def test_normalised_advantages_have_zero_mean_and_unit_deviation(row: list[float]) -> None:
    values = torch.tensor([*row, 1e6])
    mask = torch.tensor([True] * len(row) + [False])
    found = algo.normalise(values, mask)
    assert float(found[mask].mean()) == pytest.approx(0.0, abs=1e-3)
    assert float(found[mask].std()) == pytest.approx(1.0, abs=1e-3)
    assert float(found[-1]) == 0.0


def test_too_few_advantages_stay_and_equal_ones_vanish() -> None:
    values = torch.tensor([3.0, 5.0])
    assert torch.equal(algo.normalise(values, torch.tensor([True, False])), values)
    assert algo.normalise(torch.tensor([4.0, 4.0]), torch.tensor([True, True])).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("ratio", "advantage", "moves"),
    [
        (1.0, 1.0, True), (1.0, -1.0, True), (1.1, 1.0, True), (0.9, -1.0, True),
        (1.3, 1.0, False), (0.7, -1.0, False),  # already far enough in the good direction
        (1.3, -1.0, True), (0.7, 1.0, True),  # far in the wrong one: it must come back
    ],
)  # fmt: skip
def test_the_clipped_loss_has_no_gradient_outside_of_the_clip(ratio: float, advantage: float, moves: bool) -> None:
    old = torch.tensor([-1.5])
    new = (old + math.log(ratio)).requires_grad_()
    loss = algo.clipped_policy_loss(new, old, torch.tensor([advantage]), torch.tensor([True]), 0.2)
    [gradient] = torch.autograd.grad(loss, new)
    if moves:
        assert float(gradient) == pytest.approx(-ratio * advantage, rel=1e-4)
    else:
        assert float(gradient) == 0.0
    bounded = min(ratio * advantage, min(max(ratio, 0.8), 1.2) * advantage)
    assert float(loss.detach()) == pytest.approx(-bounded, rel=1e-4)


def test_at_the_old_policy_the_loss_is_the_policy_gradient() -> None:
    old, advantages = torch.tensor([-0.3, -2.0, -1.0]), torch.tensor([1.0, -2.0, 7.0])
    new = old.clone().requires_grad_()
    mask = torch.tensor([True, True, False])
    [gradient] = torch.autograd.grad(algo.clipped_policy_loss(new, old, advantages, mask, 0.2), new)
    assert gradient.tolist() == pytest.approx([-0.5, 1.0, 0.0])


def test_the_value_loss_is_half_the_squared_error() -> None:
    values, returns = torch.tensor([1.0, 2.0, 100.0]), torch.tensor([0.0, 4.0, 0.0])
    assert float(algo.value_loss(values, returns, torch.tensor([True, True, False]))) == pytest.approx(0.5 * (1 + 4) / 2)


LOGITS = st.lists(st.lists(st.floats(-8, 8, width=32), min_size=4, max_size=4), min_size=1, max_size=4)


@given(LOGITS, LOGITS, st.integers(0, 3))
def test_entropy_and_kl_are_those_of_the_distributions(
    first: list[list[float]], second: list[list[float]], masked: int
) -> None:
    rows = min(len(first), len(second))
    new, reference = torch.tensor(first[:rows]).log_softmax(-1), torch.tensor(second[:rows]).log_softmax(-1)
    p, q = Categorical(logits=new), Categorical(logits=reference)
    assert torch.allclose(algo.entropy(new), p.entropy(), atol=1e-4)
    assert torch.allclose(algo.kl(new, reference), kl_divergence(p, q), atol=1e-4)
    assert torch.allclose(algo.kl(new, new), torch.zeros(rows))
    # Edits that are not there (probability 0) change nothing, in value and in gradient.
    gap = torch.full((rows, masked), NOTHING)
    wide = torch.cat([new, gap], 1).requires_grad_()
    assert torch.allclose(algo.entropy(wide), algo.entropy(new))
    assert torch.allclose(algo.kl(wide, torch.cat([reference, gap], 1)), algo.kl(new, reference), atol=1e-5)
    [gradient] = torch.autograd.grad((algo.entropy(wide) + algo.kl(wide, torch.cat([reference, gap], 1))).sum(), wide)
    assert torch.isfinite(gradient).all()
    assert not gradient[:, 4:].any()


@given(st.lists(st.tuples(NUMBER, NUMBER, st.booleans()), min_size=1, max_size=10), st.floats(-50, 50, width=32))
def test_masked_entries_never_matter(rows: list[tuple[float, float, bool]], junk: float) -> None:
    mask = torch.tensor([scored for _, _, scored in rows])
    new, old = -torch.tensor([a for a, _, _ in rows]).abs(), -torch.tensor([b for _, b, _ in rows]).abs()
    wild = torch.where(mask, new, torch.full_like(new, junk))
    for one, other in (
        (algo.clipped_policy_loss(new, old, old, mask, 0.2), algo.clipped_policy_loss(wild, old, old, mask, 0.2)),
        (algo.value_loss(new, old, mask), algo.value_loss(wild, old, mask)),
        (algo.approximate_kl(new, old, mask), algo.approximate_kl(wild, old, mask)),
        (algo.clip_fraction(new, old, mask, 0.2), algo.clip_fraction(wild, old, mask, 0.2)),
        (algo.masked_mean(new, mask), algo.masked_mean(wild, mask)),
        (algo.normalise(new, mask)[mask], algo.normalise(wild, mask)[mask]),
    ):
        assert torch.equal(one, other)


def test_nothing_scored_is_zero_not_nan() -> None:
    none = torch.tensor([False, False])
    values = torch.tensor([1.0, NOTHING])
    assert float(algo.masked_mean(values, none)) == 0.0
    assert float(algo.clipped_policy_loss(values, values.clone(), values, none, 0.2)) == 0.0


def test_the_estimate_of_the_kl_is_never_negative_and_right_on_average() -> None:
    torch.manual_seed(0)
    old = Categorical(logits=torch.tensor([0.1, 0.7, -0.5]))
    new = Categorical(logits=torch.tensor([0.3, 0.2, -0.1]))
    drawn = old.sample(torch.Size([20_000]))
    after, before = cast("Tensor", new.log_prob(drawn)), cast("Tensor", old.log_prob(drawn))
    told = algo.approximate_kl(after, before, ones(drawn))
    assert float(told) == pytest.approx(float(kl_divergence(old, new)), abs=5e-3)
    assert float(algo.approximate_kl(torch.tensor([-3.0]), torch.tensor([-1.0]), torch.tensor([True]))) > 0


def test_the_clip_fraction_counts_both_sides() -> None:
    old = torch.zeros(4)
    new = torch.tensor([0.0, math.log(1.1), math.log(1.3), math.log(0.7)])
    assert float(algo.clip_fraction(new, old, ones(old), 0.2)) == 0.5


def test_explained_variance() -> None:
    returns = torch.tensor([1.0, 2.0, 3.0, 99.0])
    mask = torch.tensor([True, True, True, False])
    assert algo.explained_variance(returns, returns, mask) == pytest.approx(1.0)
    assert algo.explained_variance(torch.full((4,), 2.0), returns, mask) == pytest.approx(0.0)
    # A constant error is none of the variance's, an opposite one is worse than nothing.
    assert algo.explained_variance(returns + 5, returns, mask) == pytest.approx(1.0)
    assert algo.explained_variance(-returns, returns, mask) == pytest.approx(-3.0)
    assert math.isnan(algo.explained_variance(returns, torch.ones(4), mask))
    assert math.isnan(algo.explained_variance(returns, returns, torch.tensor([True, False, False, False])))
