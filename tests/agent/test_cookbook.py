"""The cookbook: means that are drawn toward wider ones where little was tried, as one JSON text."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlagent_app.agent.cookbook import CUT_OFF, SHORTEST, STRENGTH, Cookbook, Mean, lengthened, recipe_of, target_of

KIND, OTHER = "table clf", "text clf"
Row = tuple[str, str, str, float]
WORDS = st.sampled_from(["set C of SVC to 1", "set C of SVC to 10", "add PCA before the model", "use Adam", ""]) | st.text()
ROWS = st.lists(st.tuples(st.sampled_from([KIND, OTHER]), WORDS, st.sampled_from(["a", "b"]), st.floats(0, 1)), max_size=20)


@pytest.mark.parametrize(
    ("instruction", "recipe", "target"),
    [
        ("set C of SVC to 10 in src/train.py", "set C of SVC to 10", "set C of SVC to ?"),
        ("set C of SVC to 10 #2 in train.py", "set C of SVC to 10", "set C of SVC to ?"),
        ("set C of SVC to 10 #2", "set C of SVC to 10", "set C of SVC to ?"),
        ("replace SGD with Adam using lr 0.001", "replace SGD with Adam using lr 0.001", "replace SGD with Adam using lr ?"),
        ("set betas of Adam to (0.9, 0.99)", "set betas of Adam to (0.9, 0.99)", "set betas of Adam to ?"),
        ("set a of T to (1, 2) and lr 1 in a.py", "set a of T to (1, 2) and lr 1", "set a of T to ? and lr ?"),
        ("add PCA before the model", "add PCA before the model", "add PCA before the model"),
        ("", "", ""),
    ],
)
def test_places_and_values_are_told_apart(instruction: str, recipe: str, target: str) -> None:
    assert recipe_of(instruction) == recipe
    assert target_of(instruction) == target
    assert recipe_of(recipe) == recipe


def test_nothing_known_is_one_half() -> None:
    assert Cookbook().score(KIND, "set C of SVC to 1", "a") == 0.5
    assert Cookbook().count(KIND, "set C of SVC to 1") == 0


def test_a_mean_is_drawn_toward_a_wider_one() -> None:
    mean = Mean(total=0.9 * 6, count=6)
    assert mean.shrunk(0.3) == pytest.approx((0.9 * 6 + STRENGTH * 0.3) / (6 + STRENGTH))
    assert Mean().shrunk(0.3) == pytest.approx(0.3)


def test_one_try_is_shrunk_through_all_levels_toward_the_mean_of_all() -> None:
    book = Cookbook.of([(KIND, "set C of SVC to 1", "a", 1.0), (OTHER, "use Adam", "b", 0.0)])
    expected = 0.5
    for _ in range(4):
        expected = (1.0 + STRENGTH * expected) / (1 + STRENGTH)
    assert book.score(KIND, "set C of SVC to 1", "a") == pytest.approx(expected)
    assert book.score(KIND, "use SGD", "c") == 0.5


def test_many_tries_are_believed_and_few_borrow_from_their_neighbours() -> None:
    rows: list[Row] = [(KIND, "set C of SVC to 1", "a", 0.9)] * 3000 + [(KIND, "use Adam", "b", 0.1)] * 3000
    book = Cookbook.of(rows)
    assert book.score(KIND, "set C of SVC to 1 in x.py", "a") == pytest.approx(0.9, abs=0.01)
    assert book.score(KIND, "use Adam", "b") == pytest.approx(0.1, abs=0.01)
    # Never tried: another value of the same setting, the same on another kind of task, the same family, and nothing like it.
    assert book.score(KIND, "set C of SVC to 5", "a") == pytest.approx(0.9, abs=0.05)
    assert book.score(OTHER, "use Adam", "b") == pytest.approx(0.1, abs=0.05)
    assert book.score(KIND, "add PCA before the model", "b") == pytest.approx(0.1, abs=0.05)
    assert book.score(KIND, "add PCA before the model", "c") == pytest.approx(0.5, abs=0.01)


def test_it_counts_tries_on_a_kind_of_task() -> None:
    book = Cookbook.of(
        [(KIND, "use Adam in a.py", "b", 0.5), (KIND, "use Adam in b.py", "b", 0.5), (OTHER, "use Adam", "b", 1)]
    )
    assert (book.count(KIND, "use Adam in c.py"), book.count(OTHER, "use Adam"), book.count(KIND, "use SGD")) == (2, 1, 0)


@given(ROWS, WORDS)
def test_a_score_lies_within_what_was_seen(rows: list[Row], instruction: str) -> None:
    book = Cookbook.of(rows)
    rewards = [0.5, *(reward for *_, reward in rows)]
    assert min(rewards) - 1e-9 <= book.score(KIND, instruction, "a") <= max(rewards) + 1e-9


@given(ROWS)
def test_it_does_not_depend_on_the_order(rows: list[Row]) -> None:
    first, second = Cookbook.of(rows), Cookbook.of(reversed(rows))
    for kind, instruction, family, _ in rows:
        assert first.score(kind, instruction, family) == pytest.approx(second.score(kind, instruction, family))


@given(ROWS)
def test_it_goes_through_json(rows: list[Row]) -> None:
    book = Cookbook.of(rows)
    again = Cookbook.from_json(book.to_json())
    for kind, instruction, family, _ in rows:
        assert again.score(kind, instruction, family) == pytest.approx(book.score(kind, instruction, family), abs=1e-4)
        assert again.count(kind, instruction) == book.count(kind, instruction)
    assert again.to_json() == book.to_json()
    again.add(KIND, "something new", "a", 1.0)  # it is still a table that can be added to
    assert again.count(KIND, "something new") == 1


@given(st.floats(0.01, 100), st.floats(0.01, 100))
def test_how_much_longer_a_run_takes_is_known_where_both_were_timed(before: float, after: float) -> None:
    longer = lengthened(before, after)
    assert longer is not None and longer == pytest.approx(math.log((after + SHORTEST) / (before + SHORTEST)))
    cut = lengthened(before, after, "timeout")
    assert cut is not None and longer < cut <= longer + math.log(CUT_OFF)
    assert lengthened(None, after) is None is lengthened(before, after, "crash")


def test_run_times_are_means_of_their_own() -> None:
    rows = [(KIND, "tune C of SVC", "tune", 0.2, math.log(8))] * 300 + [(KIND, "use Adam", "b", 0.2, 0.0)] * 300
    book = Cookbook.of(rows)
    assert book.longer(KIND, "tune C of SVC in a.py", "tune") == pytest.approx(math.log(8), abs=0.05)
    assert book.longer(OTHER, "tune gamma of SVC", "tune") == pytest.approx(math.log(8), abs=0.05)
    assert book.longer(KIND, "use Adam", "b") == pytest.approx(0.0, abs=0.05)
    again = Cookbook.from_json(book.to_json())
    assert again.longer(KIND, "tune C of SVC", "tune") == pytest.approx(book.longer(KIND, "tune C of SVC", "tune"), abs=1e-4)
    assert Cookbook.of([(KIND, "use Adam", "b", 0.5, None)]).longer(KIND, "use Adam", "b") == 0.0


NONE = "[{},{},{},{},{}]"
DAMAGED_MEANS = [
    "3", "null", "[]", "{}", '"text"', "[{},{},{},{}]", "[{},{},{},{},{},{}]", "[[],[],[],[],[]]",
    '[{"a":1},{},{},{},{}]', '[{"a":[1]},{},{},{},{}]', '[{"a":["x",1]},{},{},{},{}]', '[{"a":[1,null]},{},{},{},{}]',
    '[{"a":[1,Infinity]},{},{},{},{}]', '[{"a":[Infinity,1]},{},{},{},{}]', '[{"a":[1,-3]},{},{},{},{}]',
]  # fmt: skip
DAMAGED = [
    "", "{", "[" * 100_000, "3", "null", "[]", "{}", NONE, f'{{"rewards":{NONE}}}',
    f'{{"rewards":{NONE},"times":{NONE},"more":3}}',
    *(f'{{"rewards":{means},"times":{NONE}}}' for means in DAMAGED_MEANS),
    *(f'{{"rewards":{NONE},"times":{means}}}' for means in DAMAGED_MEANS),
]  # fmt: skip


@pytest.mark.parametrize("text", DAMAGED, ids=lambda text: str(text)[:30])
def test_a_damaged_one_is_refused(text: str) -> None:
    assert Cookbook.from_json(f'{{"rewards":{NONE},"times":{NONE}}}') == Cookbook()
    with pytest.raises(ValueError):
        Cookbook.from_json(text)


@given(st.recursive(st.none() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=6)))
def test_any_json_is_a_cookbook_or_refused(data: object) -> None:
    try:
        Cookbook.from_json(json.dumps(data))
    except ValueError:
        return
    pytest.fail("taken for a cookbook")
