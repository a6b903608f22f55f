"""A session on a task of the suite: drawn, graded on the host, reported with the hidden test."""

from __future__ import annotations

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mlagent_app.agent.errors import Exit, UserError
from mlagent_app.session.backend import resolve_project
from mlagent_app.session.taskproject import task_project
from tasks.suite import root
from tests.cli.program import mlagent

TASK = root() / "held_in" / "spaceship-titanic"
RUN = ("--sandbox", "bwrap", "--steps", "2", "--format", "json")


@pytest.mark.bwrap
def test_a_task_is_run_by_its_directory() -> None:
    done = mlagent("run", str(TASK), *RUN)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["metric"] == {"name": "accuracy", "direction": "max"}
    assert 0.4 < result["baseline"]["value"] < 1 and len(result["steps"]) == 2
    assert 0.4 < result["test"]["baseline"] < 1 and 0.4 < result["test"]["best"] < 1
    project = Path(result["project"])
    status = subprocess.run(["git", "status", "--porcelain"], cwd=project, capture_output=True, text=True, check=True)
    assert status.stdout == "", "the project is a clean repository afterwards"

    again = mlagent("run", str(TASK), "--continue", *RUN[:2], "--steps", "3", "--format", "json")
    assert json.loads(again.stdout)["project"] == str(project)
    report = mlagent("report", result["session"], "--output", str(project.parent))
    assert report.returncode == 0
    assert any("Hidden test, graded once" in path.read_text() for path in project.parent.glob("*.md"))


@pytest.mark.bwrap
def test_what_a_script_prints_is_not_its_metric(tmp_path: Path) -> None:
    project = task_project("spaceship-titanic", starter="linear", into=tmp_path / "task")
    script = project / "train.py"
    script.write_text(script.read_text().replace("accuracy_score(y_valid, model.predict(X_valid))", "0.9999"))
    done = mlagent("run", str(project), *RUN[:2], "--steps", "1", "--format", "events")
    finished = [json.loads(line) for line in done.stdout.splitlines() if '"RunFinished"' in line]
    assert finished and finished[0]["value"] < 0.95
    assert "the script printed accuracy 0.9999, the grader says" in " ".join(finished[0]["warnings"])


@pytest.mark.bwrap
def test_a_refused_submission_is_said_in_one_line(tmp_path: Path) -> None:
    project = task_project("spaceship-titanic", into=tmp_path / "task")
    script = project / "train.py"
    script.write_text(script.read_text().replace("submission.to_csv", "submission.iloc[1:].to_csv"))
    done = mlagent("run", str(project), *RUN)
    assert done.returncode == Exit.NO_METRIC
    assert "submission.csv was refused: it has" in done.stderr and "Traceback" not in done.stderr


def test_the_local_sandbox_is_refused(tmp_path: Path) -> None:
    project = task_project("spaceship-titanic", into=tmp_path / "task")
    done = mlagent("run", str(project), "--sandbox", "local")
    assert done.returncode == Exit.NO_SANDBOX
    assert "its labels could be read there - choose docker or bwrap" in done.stderr


def test_the_project_of_a_task_shows_no_label(tmp_path: Path) -> None:
    project = task_project("spaceship-titanic", into=tmp_path / "task")
    files = {path.relative_to(project).as_posix() for path in project.rglob("*") if ".git" not in path.parts}
    assert {"train.py", "description.md", "mlagent.toml", "data"} <= files
    assert not any("label" in path or "reference" in path or "grader" in path for path in files)
    header = (project / "data" / "test.csv").read_text().partition("\n")[0]
    assert "Transported" not in header


def test_where_a_task_goes(tmp_path: Path) -> None:
    first = resolve_project(TASK, resume="", demo=False)
    assert first.name == "spaceship-titanic" and resolve_project(TASK, resume="latest", demo=False) == first
    assert resolve_project(TASK, resume="", demo=False) != first
    with ThreadPoolExecutor(3) as threads:
        starts = [threads.submit(resolve_project, TASK, resume="", demo=False) for _ in range(3)]
        assert len({start.result() for start in starts}) == 3, "those that start at the same moment, too"
    with pytest.raises(UserError, match="cannot be written over something else"):
        task_project("spaceship-titanic", into=first)
    with pytest.raises(UserError, match="the real data of spaceship-titanic is not here - mlagent tasks prepare"):
        task_project("spaceship-titanic", real=True, into=tmp_path / "real")


@pytest.mark.bwrap
def test_a_variant_is_run_by_its_id() -> None:
    done = mlagent(
        "tasks", "run", "spaceship-titanic", "--variant", "7", "--starter", "linear", *RUN[:2], "--steps", "1", *RUN[4:]
    )
    result = json.loads(done.stdout)
    assert done.returncode == 0 and len(result["steps"]) == 1
    assert "spaceship-titanic@7.linear" in result["project"]


def test_bad_tasks_are_one_line() -> None:
    for arguments, message in (
        (("tasks", "run", "leaf"), "there is no task 'leaf' - did you mean leaf-classification?"),
        (("tasks", "run", "spaceship-titanic", "--variant", "-3"), "-3 is no variant seed"),
        (("tasks", "run", "spaceship-titanic", "--starter", "best"), "has no starter 'best' - choose one of: linear"),
    ):
        done = mlagent(*arguments)
        assert done.returncode == Exit.USAGE and message in done.stderr and len(done.stderr.splitlines()) == 1
