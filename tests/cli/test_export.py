"""`mlagent sessions export --for-training`: what is known of a run's time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mlagent_app.agent.lessons import from_json
from mlagent_app.cli import sessions
from mlagent_app.session import store
from tests.session.project import make_project
from tests.session.test_session import run


def exported(tmp_path: Path) -> dict[str, Any]:
    project = make_project(tmp_path / "parabola")
    (project / "mlagent.toml").write_text("[limits]\nminutes_per_run = 3\n")
    run(project, session__steps=2)
    sessions.export_for_training(store.latest(project).id, tmp_path / "out")
    [path] = (tmp_path / "out").iterdir()
    return json.loads(path.read_text())


def test_an_export_says_how_near_a_run_is_to_its_time_limit(tmp_path: Path) -> None:
    lessons = from_json(exported(tmp_path))
    assert [step.state.limit for step in lessons.steps] == [180.0, 180.0]
    assert all(step.state.room is not None and step.state.room > 1 for step in lessons.steps)
    assert lessons.steps[1].state.history[0].longer is not None, "and how much longer a run took with an edit"


def test_an_export_without_times_is_still_read(tmp_path: Path) -> None:
    data = exported(tmp_path)
    for step in data["steps"]:
        del step["state"]["seconds"], step["state"]["limit"]
        for turn in step["state"]["history"]:
            del turn["longer"]
    steps = from_json(data).steps
    assert [(step.state.limit, step.state.room) for step in steps] == [(None, None)] * 2
    assert [turn.longer for turn in steps[1].state.history] == [None]


def test_a_damaged_time_in_an_export_is_refused(tmp_path: Path) -> None:
    data = exported(tmp_path)
    data["steps"][1]["state"]["history"][0]["longer"] = "much"
    with pytest.raises(ValueError, match="could not convert"):
        from_json(data)
