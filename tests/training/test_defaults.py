"""The benchmark of what the value says that an edit replaces."""

from __future__ import annotations

import pytest

pytest.importorskip("sklearn")
pytest.importorskip("torch")

from benchmarks.defaults import nearer, table

FILES = {"train.py": "from sklearn.linear_model import LogisticRegression\nmodel = LogisticRegression(C=0.01)\n"}


def set_c(value: object) -> str:
    return f"set C of LogisticRegression to {value}"


def test_octaves_are_counted_from_the_default_on_either_side() -> None:
    assert nearer(set_c(1), set_c(0.125), FILES) == pytest.approx(3.0)
    assert nearer(set_c(4), set_c(0.125), FILES) == pytest.approx(1.0)
    assert nearer(set_c(16), set_c(2), FILES) == pytest.approx(-3.0)


def test_what_has_no_number_or_no_default_is_not_counted() -> None:
    assert nearer("set penalty of LogisticRegression to l1", "set penalty of LogisticRegression to l2", FILES) is None
    assert nearer("set C of Nobody to 1", "set C of Nobody to 2", FILES) is None
    assert nearer("add StandardScaler before the model", "", FILES) is None


def test_edits_stand_in_the_row_of_their_octaves() -> None:
    printed = table([(-0.5, 0.0), (3.0, 0.2), (9.0, 0.0), (None, 0.3)]).splitlines()
    rows = {line[:16].strip(): line[16:].split() for line in printed[1:]}
    assert rows["-1 to 0"] == ["1", "0%", "0.000"]
    assert rows["3 and more"] == ["2", "50%", "0.100"]
    assert rows["other edits"] == ["1", "100%", "0.300"]
