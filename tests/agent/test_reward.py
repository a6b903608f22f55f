"""Eq. 6 in both versions, its parts, and the references it is measured against."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlagent_app.agent.errors import UserError
from mlagent_app.agent.metrics import MetricSpec
from mlagent_app.agent.reward import Case, Reference, Version, constant, edit_reward, reference, sigmoid

ACCURACY = MetricSpec("accuracy", "max")
RMSE = MetricSpec("rmse", "min")


@pytest.mark.parametrize(
    ("case", "v1", "v2"),
    [("invalid", 0.0, -1.0), ("error", 0.0, -1.0), ("no_edit", 0.5, 0.0), ("corner", 0.5, 0.0), ("infrastructure", None, None)],
)
def test_the_constant_cases(case: Case, v1: float | None, v2: float | None) -> None:
    assert constant(case, "v1").scalar == v1
    assert constant(case, "v2").scalar == v2
    assert constant(case, "clipped").scalar == v2
    assert constant(case, "kept").scalar == (None if v2 is None else 0.0)


def test_v1_is_the_sigmoid_of_the_scaled_difference() -> None:
    reward = edit_reward(ACCURACY, Reference(0.8, 1.0, "natural bound"), 0.9, 0.91)
    assert reward.delta == pytest.approx(0.01)
    assert reward.span == pytest.approx(0.2)
    assert reward.scale == pytest.approx(0.05)
    assert reward.scalar == pytest.approx(1 / (1 + math.exp(-5)))


def test_v2_is_the_scaled_difference_and_clipped_bounds_it() -> None:
    ref = Reference(10.0, 9.0, "target")
    assert edit_reward(RMSE, ref, 10.0, 7.0, "v2").scalar == pytest.approx(3.0)
    assert edit_reward(RMSE, ref, 10.0, 7.0, "clipped").scalar == 1.0
    assert edit_reward(RMSE, ref, 10.0, 14.0, "clipped").scalar == -1.0
    assert edit_reward(RMSE, ref, 10.0, 14.0, "kept").scalar == 0.0
    assert edit_reward(RMSE, ref, 10.0, 9.5, "kept").scalar == pytest.approx(0.5)


values = st.floats(min_value=0.01, max_value=0.99)


@given(values, values, values, st.sampled_from(["v1", "v2", "clipped", "kept"]))
def test_better_is_never_rewarded_less(before: float, after: float, better: float, version: Version) -> None:
    low, high = sorted((after, better))
    ref = Reference(0.5, 1.0, "natural bound")
    worse_reward = edit_reward(ACCURACY, ref, before, low, version).scalar
    better_reward = edit_reward(ACCURACY, ref, before, high, version).scalar
    assert worse_reward is not None and better_reward is not None
    assert better_reward >= worse_reward
    # The same numbers as errors to be lowered mirror the order.
    flipped = Reference(0.5, 0.0, "natural bound")
    assert edit_reward(RMSE, flipped, before, low, version).scalar >= edit_reward(RMSE, flipped, before, high, version).scalar  # type: ignore[operator]


@given(st.floats(min_value=-1e308, max_value=1e308))
def test_the_sigmoid_never_overflows(x: float) -> None:
    assert 0.0 <= sigmoid(x) <= 1.0


def test_a_metric_that_is_not_finite_is_an_error() -> None:
    ref = Reference(0.5, 1.0, "natural bound")
    assert edit_reward(ACCURACY, ref, 0.6, math.nan).case == "error"
    assert edit_reward(ACCURACY, ref, 0.6, math.inf).scalar == 0.0


def test_a_reference_on_the_wrong_side_is_refused() -> None:
    with pytest.raises(UserError, match=r"target 0.7 of accuracy is not better than its baseline 0.8"):
        reference(MetricSpec("accuracy", "max", target=0.7), 0.8)
    with pytest.raises(ValueError, match="not better"):
        edit_reward(RMSE, Reference(1.0, 2.0, "target"), 1.0, 1.0)


@pytest.mark.parametrize(
    ("spec", "m_init", "m_best", "source"),
    [
        (ACCURACY, 0.8, 1.0, "natural bound"),
        (ACCURACY, 80.0, 100.0, "natural bound"),
        (MetricSpec("r2", "max"), -0.3, 1.0, "natural bound"),
        (RMSE, 12.0, 0.0, "natural bound"),
        (MetricSpec("val_loss", "min", target=0.1), 0.4, 0.1, "target"),
        (MetricSpec("loss", "min"), -3.0, -6.0, "relative"),
        (MetricSpec("episode_return", "max"), 200.0, 400.0, "relative"),
    ],
)
def test_the_reference(spec: MetricSpec, m_init: float, m_best: float, source: str) -> None:
    assert reference(spec, m_init) == Reference(m_init, m_best, source)
