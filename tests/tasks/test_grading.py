"""Grading: a submission that is not exactly right is refused, whatever it is, and the order of its rows means nothing."""

from __future__ import annotations

import csv
import io
import warnings
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.building import Drawn, build
from tasks.grading import grade
from tasks.suite import find
from tasks.variant import draw
from tests.tasks.tiny import TOML, tiny

CELL = st.text(alphabet=st.characters(codec="utf-8"), max_size=12)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    base = tmp_path_factory.mktemp("tasks")
    spec = tiny(base)
    return build(spec, draw(spec), base / "store")


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    spec = find("spaceship-titanic")
    return build(spec, draw(spec), tmp_path_factory.mktemp("store"))


def rows_of(drawn: Drawn) -> list[list[str]]:
    whole = pd.concat([drawn.truth("dev"), drawn.truth("test")]).astype(str)
    return [list(whole.columns), *whole.to_numpy().tolist()]


def written(rows: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def is_refused(drawn: Drawn, content: bytes | None) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        grades = [grade(drawn, content, part) for part in ("dev", "test")]
    assert len({each.value is None for each in grades}) == 1, "both parts are graded, or none"
    assert all("\n" not in each.refusal and (each.value is None) == bool(each.refusal) for each in grades)
    return grades[0].value is None


@given(content=st.binary(max_size=400))
def test_bytes_are_refused(drawn: Drawn, content: bytes) -> None:
    assert is_refused(drawn, content)


@given(content=st.binary(max_size=200))
def test_bytes_after_the_right_header_are_refused(drawn: Drawn, content: bytes) -> None:
    assert is_refused(drawn, b"id,y\n" + content)


@given(order=st.randoms(use_true_random=False))
def test_the_order_of_rows_means_nothing(drawn: Drawn, order: object) -> None:
    header, *rows = rows_of(drawn)
    rows = [[row[0], str(float(row[1]) * 0.9)] for row in rows]
    before = [grade(drawn, written([header, *rows]), part).value for part in ("dev", "test")]
    order.shuffle(rows)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    assert [grade(drawn, written([header, *rows]), part).value for part in ("dev", "test")] == before
    assert None not in before


@given(data=st.data())
def test_one_wrong_cell_or_row_is_enough_to_be_refused(drawn: Drawn, data: st.DataObject) -> None:
    header, *rows = rows_of(drawn)
    place = data.draw(st.integers(0, len(rows) - 1))
    kind = data.draw(st.sampled_from(["drop", "double", "replace", "id", "value", "longer", "shorter", "header"]))
    known = {row[0] for row in rows}
    if kind == "drop":
        del rows[place]
    elif kind == "double":
        rows.append(rows[place])
    elif kind == "replace":
        rows[place] = rows[place - 1]
    elif kind == "id":
        rows[place] = [data.draw(CELL.filter(lambda text: text not in known)), rows[place][1]]
    elif kind == "value":
        rows[place] = [
            rows[place][0],
            data.draw(st.sampled_from(["", "nan", "NaN", "inf", "-inf", "1e999", "None", "0x1g", "1,5", "True", "a"])),
        ]
    elif kind == "longer":
        rows[place] = [*rows[place], data.draw(CELL)]
    elif kind == "shorter":
        rows[place] = rows[place][:1]
    else:
        header = data.draw(
            st.permutations(["id", "y"]).filter(lambda names: names != header)
            | st.just(["id", "y", "z"])
            | st.just(["ID", "y"])
        )
    assert is_refused(drawn, written([header, *rows]))


@given(value=CELL.filter(lambda text: text not in ("True", "False")))
def test_an_unknown_class_is_refused(classes: Drawn, value: str) -> None:
    header, *rows = rows_of(classes)
    assert not is_refused(classes, written([header, *rows]))
    rows[len(rows) // 3][1] = value
    assert is_refused(classes, written([header, *rows]))


def test_the_truth_itself_is_perfect(drawn: Drawn, classes: Drawn) -> None:
    assert grade(drawn, written(rows_of(drawn)), "test").value == pytest.approx(0)
    assert grade(classes, written(rows_of(classes)), "dev").value == 1


def test_no_file_and_files_without_end_are_refused(drawn: Drawn) -> None:
    assert grade(drawn, None, "dev").refusal == "the run wrote no submission.csv"
    assert "bytes" in grade(drawn, b"id,y\n" + b"r1,0\n" * 500_000, "dev").refusal


def test_numbers_outside_of_the_range_are_refused(tmp_path: Path) -> None:
    text = TOML.replace('values = "number"', 'values = "number"\nminimum = -100.0\nmaximum = 100.0')
    spec = tiny(tmp_path, task_toml=text)
    drawn = build(spec, draw(spec), tmp_path / "store")
    header, *rows = rows_of(drawn)
    assert not is_refused(drawn, written([header, *rows]))
    rows[3][1] = "100.5"
    assert is_refused(drawn, written([header, *rows]))


def test_predictions_that_have_no_metric_are_refused(drawn: Drawn) -> None:
    header, *rows = rows_of(drawn)
    assert "is not defined" in grade(drawn, written([header, *([row[0], "1e308"] for row in rows)]), "dev").refusal
