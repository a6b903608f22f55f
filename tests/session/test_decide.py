"""What `auto` keeps: gains beyond the noise, nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlagent_app.agent.metrics import MetricSpec
from mlagent_app.session.decide import confidence, noise_of, objection, repeats, suggestion

ACCURACY, RMSE = MetricSpec("accuracy", "max"), MetricSpec("rmse", "min")


@pytest.mark.parametrize(
    ("spec", "before", "value", "noise", "decision", "why"),
    [
        (ACCURACY, 0.90, 0.95, 0.01, "accept", "5.0 x the noise"),
        (ACCURACY, 0.90, 0.915, 0.01, "refuse", "within the noise"),
        (ACCURACY, 0.90, 0.89, 0.01, "refuse", "no gain"),
        (ACCURACY, 0.90, 0.90, 0.0, "refuse", "no gain"),
        (ACCURACY, 0.90, 0.901, 0.0, "accept", "repeated runs gave the same value"),
        (ACCURACY, 0.90, 0.901, None, "accept", "not known from one baseline run"),
        (RMSE, 3.0, 2.0, 0.1, "accept", "10.0 x the noise"),
        (RMSE, 3.0, 3.5, 0.0, "refuse", "no gain"),
        (ACCURACY, 0.9, float("nan"), 0.0, "refuse", "no gain"),
    ],
)
def test_suggestion(spec: MetricSpec, before: float, value: float, noise: float | None, decision: str, why: str) -> None:
    kind, text = suggestion(spec, before, value, noise)
    assert kind == decision
    assert why in text


@given(st.floats(0.1, 1e6), st.floats(0.1, 1e6), st.floats(0, 10))
def test_maximising_and_minimising_mirror_each_other(before: float, value: float, noise: float) -> None:
    assert suggestion(ACCURACY, before, value, noise)[0] == suggestion(RMSE, value, before, noise)[0]


def test_noise_and_confidence_are_unknown_where_they_cannot_be_known() -> None:
    assert noise_of([0.9]) is None
    assert noise_of([0.9, 0.9, 0.9]) == 0.0
    assert confidence(0.1, None) is None
    assert confidence(0.1, 0.0) is None
    assert confidence(0.1, 0.05) == pytest.approx(2.0)


def test_every_flag_is_an_objection_but_that_of_a_new_package() -> None:
    seed, package = "seed: touches the seed (SEED)", "dependency: needs a package that the project does not use yet (xgboost)"
    assert objection((seed, package)) == seed
    assert objection((package,)) == ""


def test_only_cheap_runs_are_repeated() -> None:
    assert [repeats(seconds) for seconds in (1, 20, 60, 180, 600)] == [3, 3, 2, 2, 1]
