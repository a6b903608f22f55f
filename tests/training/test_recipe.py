"""Recipes: those of the package load, mistakes are named with what was meant, and stages depend on their own tables alone."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlagent_app.agent.errors import Exit, UserError
from training.recipe import Recipe, Rl, checked, load, names

TINY = 'name = "tiny"\n[rl]\nupdates = 7\n[arms.mine]\nrl = { clip = 0.3 }\n'


def refused(text: str | dict[str, object]) -> UserError:
    """The error that a recipe gives."""
    with pytest.raises(UserError) as caught:
        checked(tomllib.loads(text) if isinstance(text, str) else text, "here")
    assert caught.value.code == Exit.USAGE
    assert "\n" not in caught.value.line()
    return caught.value


@pytest.mark.parametrize("name", names())
def test_the_recipes_of_the_package_load(name: str) -> None:
    recipe = load(name)
    assert recipe.name == name
    known = {"random", "bandit", "cookbook", "optuna", "sft", "sft-alone", "shipped", "rl", *recipe.arms}
    assert set(recipe.compare.arms) <= known
    assert {arm for pair in recipe.compare.pairs for arm in pair} <= known
    for arm in recipe.arms:
        assert recipe.for_arm(arm).rl.seeds


def test_the_package_carries_what_the_documents_name() -> None:
    assert {"nano", "smoke", "qwen2.5-7b"} <= set(names())


def test_a_file_is_a_recipe_too(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(TINY, "utf-8")
    recipe = load(str(path))
    assert (recipe.name, recipe.rl.updates, recipe.rl.clip) == ("tiny", 7, Rl().clip)


@pytest.mark.parametrize(
    ("content", "said"), [(b"name = ", "cannot be read"), (b"\xff\xfe", "cannot be read"), (None, "no such")]
)
def test_a_file_that_cannot_be_read_is_named(content: bytes | None, said: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=said) as caught:
        load(str(path))
    assert str(path) in caught.value.line()


def test_an_unknown_recipe_is_answered_with_the_nearest() -> None:
    with pytest.raises(UserError, match="no recipe 'nanno'") as caught:
        load("nanno")
    assert caught.value.how == "did you mean nano?"
    with pytest.raises(UserError) as caught:
        load("zzz")
    assert "nano" in caught.value.how


@pytest.mark.parametrize(
    ("text", "key", "near"),
    [
        ('name = "x"\n[rl]\nlearning_rat = 1', "rl.learning_rat", ""),
        ('name = "x"\n[rl]\nactor_l = 1', "rl.actor_l", "actor_lr"),
        ('name = "x"\n[tasks]\nvariant = 1', "tasks.variant", "variants"),
        ('name = "x"\n[experrts]\nsteps = 1', "experrts", "experts"),
        ('name = "x"\nsead = 1', "sead", "seed"),
        ('name = "x"\n[arms.mine]\nheld = 1', "arms.mine.held", "held_in"),
        ('name = "x"\n"a.b" = 1', "a.b", ""),
        ('name = "x"\n[arms.mine]\nzzzzzz = 1', "arms.mine.zzzzzz", ""),
    ],
)
def test_an_unknown_key_is_answered_with_the_nearest(text: str, key: str, near: str) -> None:
    error = refused(text)
    assert f"unknown recipe key {key!r}" in error.what
    assert error.how == f"did you mean {near}?" if near else error.how.startswith(("known keys: ", "did you mean"))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[rl]\nupdates = 3", "name"),
        ('name = "x"\n[rl]\nupdates = "many"', "rl.updates"),
        ('name = "x"\n[rl]\nupdates = 0', "rl.updates"),
        ('name = "x"\n[rl]\nmode = "steps"', "rl.mode"),
        ('name = "x"\nrl = 3', "rl"),
        ('name = "x"\n[experts]\nsteps = 16', "experts.steps"),
        ('name = "x"\n[experts]\nwander = 1.5', "experts.wander"),
        ('name = "x"\n[prior]\nexpected = nan', "prior.expected"),
        ('name = "x"\n[prior]\nmodel = 0.0', "prior.model"),
        ('name = "x"\n[compare]\npairs = [["rl"]]', "compare.pairs.0.1"),
        ('name = "x"\n[arms]\nmine = 1', "arms.mine"),
    ],
)
def test_a_value_that_does_not_fit_is_named(text: str, key: str) -> None:
    assert refused(text).what.startswith(f"recipe key {key}: ")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*Recipe.model_fields, "a.b", ""]), inner),
    ),
    st.sampled_from([*Recipe.model_fields, "nonsense"]),
)
def test_any_value_is_taken_or_refused_in_one_line(value: object, key: str) -> None:
    try:
        checked({"name": "x", key: value}, "here")
    except UserError as error:
        assert "\n" not in error.line()


def test_changes_are_merged_over_the_file() -> None:
    plain = load("nano")
    changed = load("nano", ["rl.updates=3", "rl.seeds=[5, 6]", "name=other", "model.hidden = 32", "rl.minutes=1.5"])
    assert (changed.rl.updates, changed.rl.seeds, changed.name, changed.model.hidden) == (3, (5, 6), "other", 32)
    assert changed.rl.minutes == 1.5
    assert changed.rl.model_copy(update={"updates": 0, "seeds": (), "minutes": None}) == plain.rl.model_copy(
        update={"updates": 0, "seeds": (), "minutes": None}
    )
    assert changed.tasks == plain.tasks
    assert load("nano", ["rl.updates=3", "rl.updates=4"]).rl.updates == 4
    assert load("nano", ["arms.mine.start=scratch", "arms.mine.rl.clip=0.4"]).for_arm("mine").rl.clip == 0.4
    assert load("nano", ["arms.mine.prior.expected=3.5"]).for_arm("mine").prior == plain.prior.model_copy(
        update={"expected": 3.5}
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("rl.updates", "changes nothing"),
        ("=3", "changes nothing"),
        ("name.first=3", "'name' is no table"),
        ("rl.updats=3", "rl.updats"),
        ("rl.updates=x y", "rl.updates"),
    ],
)
def test_a_change_that_is_none_is_refused(change: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        load("nano", [change])


def test_a_digest_changes_with_its_tables_alone() -> None:
    recipe = load("nano")
    other = load("nano", ["rl.clip=0.3"])
    assert recipe.digest("rl") != other.digest("rl")
    assert recipe.digest("model", "rl") != other.digest("model", "rl")
    assert recipe.digest("model", "sft", "tasks") == other.digest("model", "sft", "tasks")
    assert recipe.digest("rl") == load("nano").digest("rl")
    assert recipe.digest("model") != load("nano", ["seed=1"]).digest("model")
    assert recipe.digest("model") == load("nano", ["name=other"]).digest("model")
    assert recipe.digest("model") != recipe.digest("rl")


def test_where_and_how_an_endpoint_is_asked_is_no_part_of_a_digest() -> None:
    changes = ["endpoint.url=http://localhost:1/v1", "endpoint.api_key_env=KEY", "endpoint.timeout_seconds=7.0"]
    plain, moved = load("qwen2.5-7b"), load("qwen2.5-7b", changes)
    assert moved.endpoint != plain.endpoint
    assert moved.digest("tasks", "endpoint") == plain.digest("tasks", "endpoint")
    for change in ("endpoint.model=other", "endpoint.temperature=0.5"):
        assert load("qwen2.5-7b", [change]).digest("tasks", "endpoint") != plain.digest("tasks", "endpoint")


def test_an_arm_is_the_recipe_with_other_values_of_rl() -> None:
    recipe = checked(tomllib.loads(TINY), "here")
    assert recipe.for_arm("rl") is recipe
    mine = recipe.for_arm("mine")
    assert (mine.rl.clip, mine.rl.updates) == (0.3, 7)
    assert mine.model_copy(update={"rl": recipe.rl}) == recipe
    with pytest.raises(UserError, match="no arm 'mime'") as caught:
        recipe.for_arm("mime")
    assert caught.value.how == "did you mean mine?"
    with pytest.raises(UserError, match=r"rl\.clipp") as caught:
        checked(tomllib.loads(TINY.replace("clip =", "clipp =")), "here").for_arm("mine")
    assert caught.value.how == "did you mean clip?"


@pytest.mark.parametrize(
    ("arm", "own"),
    [("start = 'scratch'", False), ("", False), ("held_in = 3", True), ("families = false", True), ("explore = false", True)],
)
def test_an_arm_that_learns_from_other_steps_has_an_sft_of_its_own(arm: str, own: bool) -> None:
    assert checked(tomllib.loads(f'name = "x"\n[arms.mine]\n{arm}'), "here").arms["mine"].own_sft is own
