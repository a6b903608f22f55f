"""Where episodes start: chosen by the recipe alone."""

from __future__ import annotations

from collections import Counter

import pytest

from mlagent_app.agent.errors import UserError
from training.draws import evaluation_starts, next_variant, starts_of, training_starts, variant_of
from training.recipe import load

DETUNED = ["tasks.detune=[0, 6, 3]", "eval.detune=[0, 5]"]


def test_every_starter_is_played_with_every_count_in_turn() -> None:
    recipe = load("nano", DETUNED)
    starts = training_starts(recipe)
    assert {start.detune for start in starts} == {0, 6, 3}
    assert max(Counter(start.detune for start in starts).values()) <= len(starts) // 3 + 1
    for start in starts:
        rounds = [next_variant(recipe, start, times) for times in range(3)]
        assert rounds[0] == start and {one.detune for one in rounds} == {0, 6, 3}
        assert {(one.task, one.starter) for one in rounds} == {(start.task, start.starter)}


def test_every_start_of_the_evaluation_is_played_with_every_count() -> None:
    plain, both = evaluation_starts(load("nano", ["eval.detune=[0]"])), evaluation_starts(load("nano", DETUNED))
    assert {start for start in both if not start.detune} == set(plain) and len(both) == len(set(both)) == 2 * len(plain)


@pytest.mark.parametrize("value", ["[]", "[-1]", "[0, 1.5]"])
def test_counts_that_make_no_sense_are_one_line(value: str) -> None:
    with pytest.raises(UserError, match="detune"):
        load("nano", [f"tasks.detune={value}"])


@pytest.mark.parametrize(
    ("change", "how"),
    [
        ("tasks.only=['spaceship-titanik']", "did you mean 'spaceship-titanic'"),
        ("tasks.only=['spaceship-titanic', 'leaf-classification']", "no such task: 'leaf-classification'"),
        ("tasks.only=['spaceship-titanic']\ntasks.splits=['family']", "no such task: 'spaceship-titanic'"),
        ("eval.tasks=['leaf-clasification']", "did you mean 'leaf-classification'"),
        ("eval.tasks=['spaceship-titanic']", "no such task: 'spaceship-titanic'"),
    ],
)
def test_a_task_that_is_not_there_is_no_task_left_out(change: str, how: str) -> None:
    recipe = load("nano", change.split("\n"))
    with pytest.raises(UserError, match=how):
        (training_starts if change.startswith("tasks") else evaluation_starts)(recipe)


def test_the_variant_of_a_start_is_the_same_however_it_is_detuned() -> None:
    starts = training_starts(load("nano", DETUNED))
    assert len({variant_of(start) for start in starts}) == len({(s.task, s.variant, s.starter) for s in starts})
    some = {variant_of(start) for start in starts[::3]}
    assert starts_of(load("nano", DETUNED), some) == [start for start in starts if variant_of(start) in some]
