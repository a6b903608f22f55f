"""`mlagent tasks`, as a person runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mlagent_app.environment.taskjudge import open_variant, real_data
from tasks.schema import load
from tasks.source import prepare_of
from tasks.suite import find, suite
from tasks.tables import TableExamples
from tasks.variant import draw
from tests.cli.program import mlagent, one_line
from tests.tasks.tiny import SCRIPT, write_tiny


def test_list_names_every_task_once() -> None:
    done = mlagent("tasks", "list", "--format", "json")
    listed = json.loads(done.stdout)
    assert [each["id"] for each in listed] == list(suite())
    held_out = json.loads(mlagent("tasks", "list", "--split", "held_out", "--format", "json").stdout)
    assert held_out == [each for each in listed if each["split"] == "held_out"]
    table = mlagent("tasks", "list", "--format", "markdown").stdout
    assert all(f"| {task} |" in table for task in suite())
    assert "spaceship-titanic" in mlagent("tasks", "list").stdout


def test_show_says_what_a_task_is_and_where_real_data_comes_from() -> None:
    done = mlagent("tasks", "show", "spaceship-titanic")
    assert done.returncode == 0
    for wanted in (
        "accuracy, higher is better",
        "(linear, weak, standard)",
        "https://www.kaggle.com/c/spaceship-titanic",
        "# Spaceship",
    ):
        assert wanted in done.stdout


def real_download(raw: Path, rows: int = 8693) -> Path:
    """A folder in the competition's own layout."""
    spec = find("spaceship-titanic")
    examples = prepare_of(spec).mini(rows, 1.0, draw(spec).rng("download"))
    assert isinstance(examples, TableExamples)
    raw.mkdir()
    examples.frame.to_csv(raw / "train.csv", index=False)
    examples.frame.drop(columns="Transported").head(100).to_csv(raw / "test.csv", index=False)
    return raw


def test_real_data_goes_from_a_folder_into_a_variant(tmp_path: Path) -> None:
    raw = real_download(tmp_path / "raw")
    done = mlagent("tasks", "prepare", "spaceship-titanic", "--raw", raw)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("spaceship-titanic: 8,693 labelled examples, kept in ")
    assert (real_data("spaceship-titanic") / "train.csv").is_file()
    drawn = open_variant("spaceship-titanic@0.linear.real")
    assert sum(len(drawn.truth(part)) for part in ("train", "dev", "test")) == 8693
    assert (raw / "train.csv").is_file()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", "spaceship"), "there is no task 'spaceship' - did you mean spaceship-titanic?"),
        (("verify", "spaceship"), "there is no task 'spaceship'"),
        (("verify", "--quick", "--write"), "--quick measures too little"),
        (("prepare", "nothing-like-it-zzz", "--raw", "."), "there is no task"),
        (("prepare", "spaceship-titanic", "--raw", "nowhere"), "there is no such directory (nowhere)"),
        (("prepare", "spaceship-titanic", "--raw", "."), "train.csv is missing (.)"),
        (("prepare", "spaceship-titanic", "--raw", "short"), "it has 50 rows, not 8,693"),
    ],
)
def test_mistakes_are_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    real_download(tmp_path / "short", 50)
    monkeypatch.chdir(tmp_path)
    done = mlagent("tasks", *arguments)
    assert done.returncode == 2
    assert said in one_line(done)
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stdout == ""


@pytest.mark.bwrap
def test_verify_says_what_is_well_and_what_failed(tmp_path: Path) -> None:
    done = mlagent("tasks", "verify", write_tiny(tmp_path / "good"), "--quick", "--format", "json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["ok"] is True
    bad = write_tiny(tmp_path / "bad", reference_py=SCRIPT.format(slope=0))
    done = mlagent("tasks", "verify", bad, "--quick")
    assert done.returncode == 1
    assert "1 task, 1 with failures:" in done.stdout
    assert "tiny: reference: the reference does not beat" in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.bwrap
@pytest.mark.slow
def test_verify_writes_what_it_measured(tmp_path: Path) -> None:
    directory = write_tiny(tmp_path)
    done = mlagent("tasks", "verify", directory, "--sandbox", "bwrap", "--write")
    assert done.returncode == 0, done.stdout + done.stderr
    measured = load(directory).measured
    assert measured is not None
    assert measured.command == f"mlagent tasks verify {directory} --sandbox bwrap --write"
    assert "headroom" in mlagent("tasks", "show", directory).stdout


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ), check=False)


def test_without_the_packages_of_the_suite_one_line_says_so(tmp_path: Path) -> None:
    start = "import sys; sys.modules['numpy'] = sys.modules['pandas'] = None; sys.argv = ['mlagent', 'tasks', {}]\n"
    run = "from mlagent_app.cli import main; main()"
    listed = python(start.format("'list'") + run)
    assert listed.returncode == 0, listed.stderr
    for arguments in ("'verify', 'spaceship-titanic'", f"'prepare', 'spaceship-titanic', '--raw', {str(tmp_path)!r}"):
        done = python(start.format(arguments) + run)
        assert done.returncode == 2
        assert "the task suite needs" in done.stderr
        assert "pip install 'ml-agent[tasks]'" in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1


def test_help_loads_nothing_of_the_suite() -> None:
    heavy = {"tasks", "numpy", "pandas", "pydantic"}
    done = python(f"import sys; from mlagent_app.cli import app; print(sorted({heavy} & set(sys.modules)))")
    assert done.stdout.strip() == "[]", done.stderr
