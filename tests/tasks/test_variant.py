"""Variants: fixed by their seed, and never shared between training, validation and test."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import TaskError
from tasks.schema import TaskSpec
from tasks.suite import find
from tasks.variant import NOISE, ROLES, SEEDS_PER_ROLE, draw, first_seed, parse, role_of
from tests.tasks.tiny import tiny

SEEDS = st.integers(0, SEEDS_PER_ROLE * len(ROLES) - 1)
OTHER = st.integers().filter(lambda seed: not 0 <= seed < SEEDS_PER_ROLE * len(ROLES))


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> TaskSpec:
    return tiny(tmp_path_factory.mktemp("tasks"))


@given(seed=SEEDS)
def test_a_seed_always_draws_the_same_variant_within_the_bounds(seed: int) -> None:
    spec = find("spaceship-titanic")
    variant = draw(spec, seed)
    assert variant == draw(spec, seed)
    assert spec.size.smallest <= variant.size <= spec.size.largest
    assert NOISE[0] <= variant.noise <= NOISE[1]
    assert variant.starter in {starter.name for starter in spec.starters}
    assert variant.rng("data").integers(2**62) == draw(spec, seed).rng("data").integers(2**62)
    assert parse(spec, variant.id) == variant


@given(a=SEEDS, b=SEEDS)
def test_two_seeds_draw_other_random_numbers_and_roles_never_meet(a: int, b: int) -> None:
    spec = find("spaceship-titanic")
    one, other = draw(spec, a), draw(spec, b)
    if a != b:
        assert one.rng("data").integers(2**62) != other.rng("data").integers(2**62)
        assert one.id.rpartition(".")[0] != other.id.rpartition(".")[0]
    assert (one.role == other.role) == (a // SEEDS_PER_ROLE == b // SEEDS_PER_ROLE)
    assert ROLES.index(one.role) * SEEDS_PER_ROLE == first_seed(one.role) <= a < first_seed(one.role) + SEEDS_PER_ROLE


@given(seed=OTHER)
def test_other_numbers_are_no_seeds(seed: int) -> None:
    with pytest.raises(TaskError, match="is no variant seed"):
        role_of(seed)


@given(seed=SEEDS, starter=st.sampled_from(["mean", "half", "most"]))
def test_the_starter_changes_nothing_else(spec: TaskSpec, seed: int, starter: str) -> None:
    drawn, chosen = draw(spec, seed), draw(spec, seed, starter=starter)
    assert chosen.starter == starter
    assert (drawn.size, drawn.noise) == (chosen.size, chosen.noise)
    assert drawn.rng("data").integers(2**62) == chosen.rng("data").integers(2**62)
    assert re.fullmatch(r"[a-z0-9@._-]+", chosen.id)


@pytest.mark.parametrize(
    "name", ["", "tiny", "tiny@", "tiny@1", "other@1.mean", "tiny@-1.mean", "tiny@1.nobody", "tiny@9999999.mean"]
)
def test_what_names_no_variant_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(TaskError):
        parse(tiny(tmp_path), name)


def test_the_standard_variant_of_each_role_is_standard(spec: TaskSpec) -> None:
    for role in ROLES:
        variant = draw(spec, first_seed(role))
        assert (variant.size, variant.noise, variant.starter, variant.role) == (300, 1.0, "mean", role)
