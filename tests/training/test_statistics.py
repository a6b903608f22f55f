"""Gains, avg@k and best@k, intervals and tables, on trajectories whose numbers are known."""

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlagent_app.agent.metrics import Direction
from training.statistics import (
    Outcome,
    arm_rows,
    at_k,
    at_k_by_task,
    first_edit_success,
    gap_closed,
    hidden_gain,
    learning_curve,
    markdown,
    mean_interval,
    ratio,
    ratio_rows,
    relative_gain,
    steps_to_reach,
    task_rows,
)


def outcome(values: Sequence[float], arm: str = "rl", task: str = "iris", trajectory: int = 0, seed: int = 0) -> Outcome:
    return Outcome(arm, seed, task, 7, "weak", trajectory, "max", values[0], 1.0, tuple(values), 0.5, 0.1)


def final(one: Outcome) -> float:
    return relative_gain(one, 10)


gains = st.floats(min_value=0.0, max_value=1.0)
# Some gains of replicates on some tasks.
arms = st.lists(st.lists(gains, min_size=1, max_size=5), min_size=1, max_size=4)


def arm_of(found: list[list[float]], arm: str = "rl", seed: int = 0) -> list[Outcome]:
    """A task each row, in which all gains are found from the same start."""
    return [
        outcome([0.5, 0.5 * (1 + gain)], arm, f"task{task}", trajectory, seed)
        for task, row in enumerate(found)
        for trajectory, gain in enumerate(row)
    ]


def starts_of(found: list[list[float]], arm: str = "rl", seed: int = 0) -> list[Outcome]:
    """The same, with a start of its own for each gain."""
    return [replace(one, starter=f"starter {one.trajectory}", trajectory=0) for one in arm_of(found, arm, seed)]


def test_the_gain_is_taken_after_so_many_steps_or_at_the_end() -> None:
    one = outcome([0.5, 0.6, 0.75])
    assert [relative_gain(one, steps) for steps in (0, 1, 2, 9)] == pytest.approx([0.0, 0.2, 0.5, 0.5])
    assert [gap_closed(one, steps) for steps in (0, 1, 2, 9)] == pytest.approx([0.0, 0.2, 0.5, 0.5])


@given(st.floats(min_value=-10, max_value=10), st.floats(min_value=-10, max_value=10))
def test_a_gain_is_positive_when_the_metric_moves_in_its_direction(before: float, after: float) -> None:
    higher = Outcome("rl", 0, "iris", 7, "weak", 0, "max", before, before + 1, (before, after))
    lower = replace(higher, direction="min", m_best=before - 1)
    for gain in (relative_gain, gap_closed):
        assert (gain(higher, 1) > 0) == (after > before)
        assert (gain(lower, 1) > 0) == (after < before)
        assert gain(higher, 1) == pytest.approx(-gain(lower, 1))


def test_a_baseline_of_zero_has_a_gain_and_a_cap_is_only_applied_when_asked_for() -> None:
    one = outcome([0.0, 0.5])
    assert relative_gain(one, 1) == pytest.approx(5e8)
    assert relative_gain(one, 1, cap=2.0) == 2.0
    assert relative_gain(outcome([0.5, 0.25]), 1, cap=2.0) == pytest.approx(-0.5)


@pytest.mark.parametrize(("direction", "best"), [("max", 0.5), ("max", 0.4), ("min", 0.6), ("min", math.nan)])
def test_a_reference_that_is_no_better_than_the_start_is_an_error(direction: Direction, best: float) -> None:
    with pytest.raises(ValueError, match="is not better than m_init"):
        gap_closed(replace(outcome([0.5, 0.6]), direction=direction, m_best=best), 1)


def test_a_starter_that_never_ran_has_no_gain() -> None:
    with pytest.raises(ValueError, match="no value after 3 steps"):
        relative_gain(replace(outcome([0.5]), values=()), 3)


def test_the_hidden_gain_needs_both_grades() -> None:
    one = replace(outcome([0.5, 0.6]), test_start=0.4, test=0.5)
    assert hidden_gain(one) == pytest.approx(0.25)
    assert hidden_gain(one, cap=0.1) == 0.1
    assert hidden_gain(replace(one, direction="min")) == pytest.approx(-0.25)
    assert hidden_gain(replace(one, test=None)) is None
    assert hidden_gain(replace(one, test_start=math.nan)) is None


def test_best_at_k_takes_the_maximum_of_each_start_and_seed() -> None:
    found = [*arm_of([[0.1, 0.3], [0.5, 0.1]]), *arm_of([[0.2, 0.2], [0.2, 0.6]], seed=1)]
    both = at_k(found, final)
    assert (both.average, both.best) == pytest.approx((0.275, (0.3 + 0.5 + 0.2 + 0.6) / 4))
    assert (both.k, both.starts) == (2, 4)
    first = at_k(found, final, k=1)
    assert first.average == first.best == pytest.approx((0.1 + 0.5 + 0.2 + 0.2) / 4)
    assert at_k_by_task(found, final)["rl", "task1"].best == pytest.approx(0.55)
    for some, k in ((found, 0), ([], 1), ([], None)):
        with pytest.raises(ValueError, match="no trajectories"):
            at_k(some, final, k)


@given(arms)
def test_best_at_k_is_never_below_avg_at_k(found: list[list[float]]) -> None:
    for at in (at_k(arm_of(found), final), *at_k_by_task(arm_of(found), final).values()):
        assert at.best >= at.average - 1e-12


@given(arms, st.integers(min_value=1, max_value=3))
def test_an_arm_is_exactly_as_good_as_itself(found: list[list[float]], seeds: int) -> None:
    arm = [one for seed in range(seeds) for one in arm_of([[gain + 0.01 for gain in row] for row in found], seed=seed)]
    same = ratio(arm, arm, final, resamples=100)
    assert (same.value, same.low, same.high, same.low_tasks, same.high_tasks) == (1.0,) * 5
    assert same.pairs == sum(map(len, found)) * seeds**2


def test_the_ratio_is_paired_over_seeds_and_leaves_out_what_one_arm_lacks() -> None:
    random = starts_of([[0.2, 0.4]], "random")
    ours = [*starts_of([[0.3, 0.5, 9.0]]), *starts_of([[0.5, 0.7, 9.0]], seed=1)]
    found = ratio(ours, random, final)
    assert found.value == pytest.approx(0.5 / 0.3)
    assert found.pairs == 4
    assert 0.6 / 0.4 - 1e-9 <= found.low < found.value < found.high <= 0.4 / 0.2 + 1e-9
    assert ratio(random, ours, final).value == pytest.approx(0.3 / 0.5)
    assert found == ratio(ours, random, final), "the same seed, the same interval"
    with pytest.raises(ValueError, match="share no trajectory"):
        ratio(ours, starts_of([[0.1]], "random")[1:], final)


def test_tasks_that_differ_widen_the_interval_over_tasks() -> None:
    flat = starts_of([[0.2] * 20, [0.2] * 20, [0.2] * 20], "random")
    ours = starts_of([[0.1] * 20, [0.3] * 20, [0.5] * 20])
    found = ratio(ours, flat, final)
    assert found.low_tasks < found.low < found.value < found.high < found.high_tasks
    assert (found.low_tasks, found.high_tasks) == pytest.approx((0.5, 2.5))


def test_more_seeds_on_the_same_trajectories_do_not_narrow_an_interval() -> None:
    random = starts_of([[0.1, 0.2, 0.4, 0.3]], "random")
    once = starts_of([[0.3, 0.2, 0.5, 0.9]])
    thrice = [replace(one, seed=seed) for seed in range(3) for one in once]
    one, three = ratio(once, random, final), ratio(thrice, random, final)
    assert (three.low, three.high) == pytest.approx((one.low, one.high))
    assert three.pairs == 3 * one.pairs


def test_more_trajectories_of_the_same_starts_do_not_narrow_an_interval() -> None:
    random = starts_of([[0.1, 0.2, 0.4, 0.3]], "random")
    once = starts_of([[0.3, 0.2, 0.5, 0.9]])
    twice, random_twice = ([replace(one, trajectory=n) for n in range(2) for one in arm] for arm in (once, random))
    one, two = ratio(once, random, final), ratio(twice, random_twice, final)
    assert (two.low, two.high) == pytest.approx((one.low, one.high))
    assert two.pairs == 2 * one.pairs


def test_a_ratio_to_nothing_is_unknown_and_a_doubtful_one_is_unbounded() -> None:
    nothing = ratio(starts_of([[0.1, 0.2]]), starts_of([[0.0, 0.0]], "random"), final)
    assert math.isnan(nothing.value)
    assert (nothing.low, nothing.high) == (-math.inf, math.inf)
    doubtful = ratio(starts_of([[0.1, 0.2]]), starts_of([[0.0, 0.2]], "random"), final)
    assert doubtful.value == pytest.approx(1.5)
    assert (doubtful.low, doubtful.high) == (-math.inf, math.inf)


@given(st.lists(gains, min_size=1, max_size=30), st.integers(min_value=0, max_value=9))
def test_an_interval_lies_within_the_values(values: list[float], seed: int) -> None:
    found = mean_interval(values, resamples=200, seed=seed)
    assert min(values) - 1e-12 <= found.low <= found.high <= max(values) + 1e-12
    assert found.value == pytest.approx(math.fsum(values) / len(values))
    assert found.count == len(values)


def test_an_interval_has_the_width_that_theory_says() -> None:
    values = [0.0, 1.0] * 200
    alone, together = mean_interval(values), mean_interval(values, [place // 40 for place in range(400)])
    assert alone.low == pytest.approx(0.5 - 1.96 * 0.5 / 20, abs=0.01)
    assert alone.high == pytest.approx(0.5 + 1.96 * 0.5 / 20, abs=0.01)
    assert (together.low, together.high) == (0.5, 0.5), "the units do not differ"
    with pytest.raises(ValueError, match="no trajectories"):
        mean_interval([])


def test_the_learning_curve_is_the_gain_after_each_step() -> None:
    curve = learning_curve([outcome([0.5, 0.6]), outcome([0.5, 0.5, 0.7], task="digits")], 3)
    assert curve.steps == (0, 1, 2, 3)
    assert curve.mean == pytest.approx((0.0, 0.1, 0.3, 0.3))
    assert curve.low == pytest.approx((0.0, 0.0, 0.2, 0.2))
    assert curve.high == pytest.approx((0.0, 0.2, 0.4, 0.4))
    with pytest.raises(ValueError, match="no trajectories"):
        learning_curve([], 3)


def test_the_steps_to_a_level_are_counted_on_the_mean() -> None:
    found = [outcome([0.5, 0.6, 0.75]), outcome([0.5, 0.5, 0.5, 0.75], trajectory=1)]
    assert [steps_to_reach(found, level) for level in (0.0, 0.1, 0.2, 0.5, 0.6)] == [0, 1, 2, 3, None]
    assert steps_to_reach([], 0.0) is None


@given(st.lists(st.lists(gains, min_size=2, max_size=5), min_size=1, max_size=4), gains, gains)
def test_a_higher_level_never_takes_fewer_steps(found: list[list[float]], level: float, other: float) -> None:
    arm = [outcome([0.5, *row], trajectory=place) for place, row in enumerate(found)]
    near, far = (steps_to_reach(arm, each) for each in sorted((level, other)))
    assert far is None or (near is not None and near <= far)


def test_the_first_edit_succeeds_when_it_raised_the_score() -> None:
    won, lost = outcome([0.5, 0.6]), replace(outcome([0.5, 0.5]), first_scale=-0.1)
    failed, no_step = replace(lost, first_scale=None), replace(lost, first_reward=None, first_scale=None)
    assert first_edit_success([won, lost, failed, no_step]) == pytest.approx(1 / 3)
    assert first_edit_success([no_step]) is None


def test_the_tables_hold_what_the_functions_say() -> None:
    ours = [replace(one, test_start=0.4, test=0.5) for one in arm_of([[0.2, 0.4], [0.3, 0.5]])]
    random = arm_of([[0.1, 0.2], [0.3, 0.2]], "random")
    everything = [*ours, *random]
    head, first, second = arm_rows(everything, 10)
    assert head[3:6] == ["Gain after 10 steps", "Gap closed", "Best@2 gain"]
    assert len(head) == len(first) == len(second)
    assert first[:2] == ["rl", "4"]
    assert first[3].startswith("35.0 % [")
    assert first[4:] == ["35.0 %", "45.0 %", "100.0 %", "1", "35.0 %", "25.0 %"]
    assert second[-2:] == ["–", "–"]  # noqa: RUF001
    assert arm_rows(ours, 10)[1][7] == "–"  # noqa: RUF001
    assert task_rows([*everything, *arm_of([[0.7]], "sft")], 10) == [
        ["Task", "rl (avg / best@2)", "random (avg / best@2)", "sft"],
        ["task0", "30.0 % / 40.0 %", "15.0 % / 20.0 %", "70.0 %"],
        ["task1", "40.0 % / 50.0 %", "25.0 % / 30.0 %", "–"],  # noqa: RUF001
    ]
    assert arm_rows([*everything, *arm_of([[0.7]], "sft")], 10)[3][5] == "–", "nor has it beside arms that have"  # noqa: RUF001
    assert arm_rows(arm_of([[0.7]], "sft"), 10)[0][5] == "First edit helps", "one trajectory has no best of several"
    rows = ratio_rows(everything, [("rl", "random"), ("rl", "unknown")], 10)
    assert [rows[1][0], rows[1][1], rows[1][4]] == ["rl / random", "1.75", "4"]
    assert rows[2] == ["rl / unknown", "–", "–", "–", "0"]  # noqa: RUF001
    assert markdown([["Arm", "Gain"], ["a|b", "1"]]) == "| Arm | Gain |\n|---|---:|\n| a\\|b | 1 |\n"
