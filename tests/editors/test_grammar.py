"""Instructions are written and read by one table; values keep their meaning on the way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlagent_app.editors.catalogue.grammar import FORMS, Instruction, Phrase, parse
from mlagent_app.editors.catalogue.values import Value, code, floats, heard, ints, same, shares, spoken, words

names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.]{0,12}", fullmatch=True)
plain = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**9), 10**9),
    st.floats(allow_nan=False, allow_infinity=False),
    st.from_regex(r"[A-Za-z][A-Za-z0-9_.-]{0,10}", fullmatch=True),
    st.sampled_from(["True", "None", "5", "1e3", "l2", "k-means++", "nan"]),
)
values = st.one_of(plain, st.lists(st.integers(0, 999), max_size=4).map(tuple))


@given(values)
def test_spoken_values_are_heard(value: Value) -> None:
    assert same(heard(spoken(value)), value)
    assert " #" not in spoken(value)


@given(st.one_of(st.floats(1e-12, 1e12), st.integers(-1000, 1000)))
def test_numbers_are_written_so_that_they_read_back(value: float) -> None:
    assert float(code(value)) == value
    assert float(code(value, style="yaml")) == value
    assert "e" not in code(value, style="yaml") or "." in code(value, style="yaml")


@pytest.mark.parametrize(
    ("value", "text"), [(1e-5, "1e-5"), (0.0003, "0.0003"), (10.0, "10"), ((64, 32), "(64, 32)"), ((5,), "(5,)")]
)
def test_values_are_spoken_plainly(value: Value, text: str) -> None:
    assert spoken(value) == text


@pytest.mark.parametrize("text", ["inf", "-inf", "nan", "[1, x]", "f()", "", "1 +", "{}"])
def test_what_is_no_value_is_refused_or_a_word(text: str) -> None:
    if text in ("inf", "nan"):
        assert heard(text) == text
    else:
        with pytest.raises(ValueError, match="not a"):
            heard(text)


@given(st.sampled_from(sorted(FORMS)), st.data(), st.integers(0, 12), st.sampled_from(["", "train.py", "a b/ü in c.py"]))
def test_every_form_reads_back(form: str, data: st.DataObject, number: int, file: str) -> None:
    template = FORMS[form]
    fields = [part.partition("}")[0] for part in template.split("{")[1:]]
    drawn = tuple(spoken(data.draw(values)) if field.startswith("value") else data.draw(names) for field in fields)
    written = Instruction(Phrase(form, drawn), number, file)
    assert parse(str(written), ["train.py", "a b/ü in c.py", "c.py"]) == written


@pytest.mark.parametrize("text", ["", "do something", "set C of SVC", "set C to", "replace A by B", "remove"])
def test_other_texts_are_no_instruction(text: str) -> None:
    assert parse(text) is None


@given(st.one_of(st.none(), st.floats(0.001, 100), st.sampled_from([0.1, 1, 10.0])))
def test_choices_never_hold_the_present_value(present: Value) -> None:
    domain = floats(0.01, 0.1, 1, 10, None)
    choices = domain.choices(present)
    assert not any(same(choice, present) for choice in choices)
    assert len(set(choices)) == len(choices)
    numbers = [c for c in choices if c is not None]
    if present is not None and numbers:
        assert abs(float(str(numbers[0])) - float(str(present))) <= max(100.0, float(str(present)))


def test_neighbours_alternate_above_and_below() -> None:
    assert floats(0.01, 0.1, 1, 10, 100).choices(1) == (10, 0.1, 100, 0.01)
    assert ints(1, 2, 4, 8, width=2).choices(3) == (4, 2)
    assert words("a", "b", None).choices("a") == ("b", None)


@pytest.mark.parametrize(
    ("domain", "value", "expected"),
    [
        (floats(0.1, 1, 10), 5, 5),
        (floats(0.1, 1, 10), 1.0, 1),
        (ints(1, 5), 3.0, 3),
        (shares(0.5, 1.0), 1, 1.0),
        (ints(None, 1, 5), None, None),
        (words("a", "b"), "b", "b"),
    ],
)
def test_values_are_taken_as_the_setting_wants_them(domain: object, value: Value, expected: Value) -> None:
    assert isinstance(domain, type(words("a")))
    taken = domain.coerce(value)
    assert (taken, type(taken)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("domain", "value"),
    [
        (floats(0.1, 1), 7),
        (ints(1, 5), 2.5),
        (words("a"), "c"),
        (words(True, False), 1),
        (ints(1, 5), True),
        (ints(1, 5), None),
    ],
)
def test_values_that_do_not_fit_are_refused(domain: object, value: Value) -> None:
    assert isinstance(domain, type(words("a")))
    with pytest.raises(ValueError, match="expected"):
        domain.coerce(value)
