"""Drawing variants: the same bytes each time, whole or not at all, and no label among the public files."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlagent_app.verify.data import contents, leaks
from tasks.building import EPOCH, build, split
from tasks.constants import best_constant
from tasks.errors import TaskError
from tasks.grading import grade
from tasks.suite import suite
from tasks.tables import TableExamples
from tasks.variant import draw
from tests.tasks.tiny import PREPARE, tiny

SECOND = 271_828


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.mark.parametrize("task", list(suite()))
def test_every_task_is_drawn_the_same_each_time_without_labels(task: str, room: Path) -> None:
    spec = suite()[task]
    first, again = (build(spec, draw(spec), room / place) for place in "ab")
    assert contents(first.data) == contents(again.data)
    assert all(first.truth(part).equals(again.truth(part)) for part in ("train", "dev", "test"))
    other = build(spec, draw(spec, SECOND), room / "a")
    assert contents(first.data) != contents(other.data)
    for drawn in (first, other):
        assert leaks(drawn) == []
        assert {path.stat().st_mtime for path in drawn.data.rglob("*")} == {float(EPOCH)}
        assert min(len(drawn.truth(part)) for part in ("train", "dev", "test")) > 0
        assert np.isfinite(best_constant(drawn, "dev"))
        perfect = pd.concat([drawn.truth("dev"), drawn.truth("test")]).to_csv(index=False).encode()
        if spec.submission.values != "ranking":
            assert grade(drawn, perfect, "dev").value is not None


def test_a_variant_that_is_there_is_not_drawn_again(tmp_path: Path) -> None:
    spec = tiny(tmp_path)
    drawn = build(spec, draw(spec, 3), tmp_path / "store")
    (drawn.data / "mark").touch()
    again = build(spec, draw(spec, 3, starter="most"), tmp_path / "store")
    assert (again.data / "mark").exists()
    assert (
        again.workspace()["train.py"] != build(spec, draw(spec, 3, starter="half"), tmp_path / "store").workspace()["train.py"]
    )


def test_public_and_hidden_never_share_a_directory(tmp_path: Path) -> None:
    spec = tiny(tmp_path)
    drawn = build(spec, draw(spec), tmp_path / "store")
    assert {path.name for path in drawn.data.iterdir()} == {"train.csv", "test.csv", "sample_submission.csv"}
    assert drawn.hidden.parent != drawn.data.parent
    assert not drawn.hidden.is_relative_to(drawn.data.parent)
    assert os.stat(drawn.hidden).st_mode & 0o077 == 0
    assert [path.name for path in drawn.hidden.parent.iterdir()] == [drawn.hidden.name]


@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        ("raise SystemError('no')", "no"),
        (PREPARE.replace('targets=["y"]', 'targets=["x"]'), "publish must return the columns id, y"),
        (
            PREPARE.replace('f"r{n}" for n in rng.permutation(size)', '"r" for n in range(size)'),
            "two hidden rows have the same id",
        ),
    ],
)
def test_what_a_task_does_wrong_is_found_and_nothing_is_left(tmp_path: Path, prepare: str, said: str) -> None:
    spec = tiny(tmp_path, prepare_py=prepare)
    with pytest.raises((TaskError, SystemError), match=said):
        build(spec, draw(spec), tmp_path / "store")
    assert [path for path in (tmp_path / "store").rglob("*") if path.is_file()] == []


@given(
    count=st.integers(10, 400),
    dev=st.floats(0.1, 0.4),
    test=st.floats(0.1, 0.4),
    classes=st.integers(1, 5),
    seed=st.integers(0, 2**32),
)
def test_the_parts_are_disjoint_and_have_their_shares(count: int, dev: float, test: float, classes: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, count)
    frame = pd.DataFrame({"x": np.arange(count)})
    parts = split(TableExamples(frame, labels if classes > 1 else None), dev, test, rng)
    assert sorted(np.concatenate(parts).tolist()) == list(range(count))
    for part, share in zip(parts, (1 - dev - test, dev, test), strict=True):
        assert abs(len(part) - share * count) <= 3
        for label in range(classes if classes > 1 else 0):
            assert abs(int((labels[part] == label).sum()) - share * int((labels == label).sum())) <= 3
