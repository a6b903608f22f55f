"""A task with an error in it cannot be loaded, and one line says what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.errors import TaskError
from tasks.schema import load
from tasks.suite import collect, find, suite
from tests.tasks.tiny import TOML, write_tiny

SCORE = "{{mean = {mean}, sd = 0.1, n = 6, seconds = 0.1, test = {mean}}}"


def measured(baseline: float, reference: float) -> str:
    low, high = SCORE.format(mean=baseline), SCORE.format(mean=reference)
    return f'\n[measured]\ncommand = "x"\nconstant = 2.0\nnoise = 0.1\nbaseline = {low}\nreference = {high}\nstarters = {{}}\n'


def test_a_good_task_loads(tmp_path: Path) -> None:
    spec = load(write_tiny(tmp_path, task_toml=TOML + measured(1.0, 0.5)))
    assert spec.id == "tiny"
    assert spec.measured is not None
    assert set(spec.starter_files("half")) == {"train.py"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"task_toml": TOML + measured(1.0, 1.5)}, "the reference is on the wrong side of the baseline"),
        ({"task_toml": TOML + measured(1.0, 1.0)}, "the reference is on the wrong side of the baseline"),
        ({"grader_py": ""}, "the task lacks grader.py"),
        ({"reference_py": ""}, "the task lacks reference.py"),
        ({"workspace__half_py": ""}, "the task lacks workspace/half"),
        ({"attacks__by_id_py": ""}, "the task lacks attacks"),
        ({"task_toml": TOML.replace('title = "A line"', 'title = "A line"\ntitel = 1')}, "titel: Extra inputs"),
        ({"task_toml": TOML.replace('direction = "min"', 'direction = "min"\ncolour = 1')}, "metric.colour"),
        ({"task_toml": TOML.replace("largest = 400", "largest = 100")}, "smallest <= standard <= largest"),
        ({"task_toml": TOML.replace('name = "half"', 'name = "mean"')}, "two have the same name"),
        ({"task_toml": TOML.replace('id = "tiny"', 'id = "other"', 1)}, "is not the name of the directory"),
        ({"task_toml": TOML.replace("held_in", "held_out")}, "stands in held_out/"),
        ({"task_toml": TOML.partition("[real]")[0]}, "names its real data"),
        ({"task_toml": TOML.replace("[metric]", "[metric")}, "task.toml cannot be read"),
        ({"task_toml": ""}, "there is no task.toml"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, changes: dict[str, str], said: str) -> None:
    with pytest.raises(TaskError) as caught:
        load(write_tiny(tmp_path, **changes))
    line = str(caught.value)
    assert said in line
    assert "\n" not in line
    assert str(tmp_path) in line


def test_a_task_cannot_be_in_two_splits(tmp_path: Path) -> None:
    write_tiny(tmp_path)
    write_tiny(tmp_path, "held_out", task_toml=TOML.replace('split = "held_in"', 'split = "held_out"'))
    with pytest.raises(TaskError, match="the task tiny is in two splits: held_in and held_out"):
        collect(tmp_path)


def test_the_suite_loads_and_knows_its_tasks() -> None:
    specs = suite()
    assert [spec.split for spec in specs.values()] == sorted(
        (spec.split for spec in specs.values()), key=["held_in", "held_out", "family"].index
    )
    assert find("spaceship-titanic").split == "held_in"
    with pytest.raises(TaskError, match="did you mean spaceship-titanic"):
        find("spaceship-titani")


@pytest.mark.parametrize("task", list(suite()))
def test_a_task_is_whole(task: str) -> None:
    spec = suite()[task]
    assert len({starter.make for starter in spec.starters}) >= 2
    assert list((spec.directory / "attacks").glob("*.py"))
    text = (spec.directory / "description.md").read_text("utf-8")
    assert "submission.csv" in text
    assert "mini" in text or "generated" in text
    assert (spec.submission.values == "ranking") == (spec.submission.depth > 1)
