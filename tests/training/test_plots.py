"""Charts are well-formed, show what they are given, and never write what is not a number."""

import math
import re
from itertools import pairwise
from typing import TypeVar
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.plots import HEIGHT, WIDTH, Series, bars, escape, lines, shorten, text_width, ticks

T = TypeVar("T")
SVG = "{http://www.w3.org/2000/svg}"
numbers = st.floats() | st.integers(min_value=-3, max_value=12).map(float)
COORDINATES = ("x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "width", "height", "r", "font-size")


@st.composite
def many_series(draw: st.DrawFn) -> list[Series]:
    found: list[Series] = []
    for name in draw(st.lists(st.text(max_size=40), max_size=10)):
        size = draw(st.sampled_from([0, 1, 2, 5, 27]))
        columns = [draw(st.lists(numbers, min_size=size, max_size=size)) for _ in range(4)]
        banded = draw(st.booleans())
        found.append(Series(name, columns[0], columns[1], *(columns[2:] if banded else ())))
    return found


def parsed(svg: str) -> ElementTree.Element:
    """The picture, after a check that every coordinate in it is a number within the card."""
    root = ElementTree.fromstring(svg)
    for element in root.iter():
        for key in COORDINATES:
            value = float(element.get(key, "0"))
            assert 0.0 <= value <= max(WIDTH, HEIGHT), (element.tag, key, value)
        for pair in (element.get("points") or "").split():
            x, y = map(float, pair.split(","))
            assert 0.0 <= x <= WIDTH and 0.0 <= y <= HEIGHT
    return root


def words(root: ElementTree.Element) -> list[str]:
    return [(element[-1].tail if len(element) else element.text) or "" for element in root.iter(f"{SVG}text")]


@settings(deadline=None, max_examples=40)
@given(many_series(), st.text(max_size=120), st.text(), st.booleans(), st.booleans())
def test_any_lines_make_a_picture(series: list[Series], title: str, label: str, log_x: bool, percent: bool) -> None:
    parsed(lines(series, title, label, label, log_x=log_x, percent=percent))


@settings(deadline=None)
@given(st.data(), st.lists(st.text(max_size=30), max_size=6), st.lists(st.text(max_size=300), max_size=12), st.booleans())
def test_any_bars_make_a_picture(data: st.DataObject, groups: list[str], arms: list[str], percent: bool) -> None:
    def table(cell: st.SearchStrategy[T]) -> st.SearchStrategy[list[list[T]]]:
        row = st.lists(cell, min_size=len(arms), max_size=len(arms))
        return st.lists(row, min_size=len(groups), max_size=len(groups))

    values = data.draw(table(numbers))
    errors = data.draw(st.none() | table(st.none() | st.tuples(numbers, numbers)))
    parsed(bars(groups, arms, values, errors, "title", "gain", percent=percent))


def test_a_line_goes_through_the_finite_points_and_has_its_name_beside_it() -> None:
    svg = lines([Series("a<b>", [0, 1, 2, 3], [0.1, math.nan, 0.3, math.inf])], "Q & A", "steps", "gain", percent=True)
    root = parsed(svg)
    course = root.find(f"{SVG}polyline")
    assert course is not None
    assert len((course.get("points") or "").split()) == 2
    assert not re.search("nan|inf", svg, re.IGNORECASE)
    assert {"Q & A", "a<b>", "steps", "gain", "20 %"} <= set(words(root))


def test_a_band_is_drawn_where_both_ends_are_known() -> None:
    with_band = lines([Series("rl", [0, 1, 2], [1, 2, 3], [0, 1, math.nan], [2, 3, 4])], "t", "x", "y")
    band = next(element for element in parsed(with_band).iter(f"{SVG}polygon") if element.get("fill-opacity"))
    assert len((band.get("points") or "").split()) == 4
    assert "fill-opacity" not in lines([Series("rl", [0, 1, 2], [1, 2, 3], [0, 1, 2])], "t", "x", "y")


def test_names_of_lines_that_end_together_stay_apart() -> None:
    root = parsed(lines([Series(f"arm {number}", [0, 1], [0, 1 - number / 1e4]) for number in range(8)], "t", "x", "y"))
    heights = sorted(float(element.get("y", "0")) for element in root.iter(f"{SVG}text") if "arm" in (element.text or ""))
    assert len(heights) == 8
    assert min(later - sooner for sooner, later in pairwise(heights)) >= 14


def test_a_log_axis_leaves_out_what_is_not_positive_and_spaces_decades_evenly() -> None:
    root = parsed(lines([Series("rl", [0, -1, 1, 10, 100], [9, 9, 1, 2, 3])], "t", "x", "y", log_x=True))
    course = root.find(f"{SVG}polyline")
    assert course is not None
    places = [float(pair.split(",")[0]) for pair in (course.get("points") or "").split()]
    assert len(places) == 3
    assert places[1] - places[0] == pytest.approx(places[2] - places[1], abs=0.2)
    assert {"1", "10", "100"} <= set(words(root))


def test_steps_have_whole_ticks() -> None:
    assert [word for word in words(parsed(lines([Series("rl", [0, 1, 2], [5, 6, 7])], "t", "x", "y"))) if "0.5" in word] == []


def test_bars_stand_on_zero_and_are_labelled() -> None:
    values = [[0.2, -0.1], [math.nan, 0.4]]
    root = parsed(bars(["iris", "wine"], ["rl", "random"], values, [[(0.1, 0.3), None], [None, (0.3, math.nan)]], "t", "gain"))
    told = [element.find(f"{SVG}title") for element in root.iter(f"{SVG}rect")]
    assert [title.text for title in told if title is not None] == [
        "iris, rl: 0.2 [0.1, 0.3]", "iris, random: -0.1", "wine, random: 0.4",
    ]  # fmt: skip
    assert {"iris", "wine", "rl", "random"} <= set(words(root))
    up, down, other = (element for element in root.iter(f"{SVG}rect") if len(element))
    zero = float(up.get("y", "0")) + float(up.get("height", "0"))
    assert float(down.get("y", "0")) == pytest.approx(zero, abs=0.2)
    assert float(other.get("height", "0")) == pytest.approx(2 * float(up.get("height", "0")), abs=0.3)


def test_without_data_the_card_says_so() -> None:
    assert "no data" in lines([], "t", "x", "y")
    assert "no data" in bars(["a"], ["b"], [[math.nan]], None, "t", "y")


def test_lengths_that_do_not_fit_are_errors() -> None:
    with pytest.raises(ValueError, match="shorter"):
        lines([Series("rl", [0, 1], [0])], "t", "x", "y")
    with pytest.raises(ValueError, match="shorter"):
        bars(["a"], ["b", "c"], [[1]], None, "t", "y")


def test_text_is_escaped_and_cut() -> None:
    assert escape('<a & "b">\x00') == "&lt;a &amp; &quot;b&quot;&gt;\ufffd"
    assert shorten("short", 12, 200) == "short"
    assert shorten("a much longer name", 12, 60).endswith("…")


@given(st.text(), st.floats(min_value=12, max_value=500))
def test_what_is_cut_fits(name: str, room: float) -> None:
    assert text_width(shorten(name, 12, room), 12) <= room


@given(st.floats(min_value=-1e6, max_value=1e6), st.floats(min_value=1e-2, max_value=1e6))
def test_ticks_lie_in_the_range_and_are_few(low: float, size: float) -> None:
    places, step = ticks(low, low + size)
    assert all(low - 1e-6 * size <= place <= low + size * (1 + 1e-6) for place in places)
    assert 2 <= len(places) <= 8
    assert step > 0
