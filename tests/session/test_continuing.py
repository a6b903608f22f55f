"""What a session that goes on may be given anew, and what of this is refused or left alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mlagent_app.agent import events as ev
from mlagent_app.agent.errors import UserError
from mlagent_app.agent.events import Event
from mlagent_app.session.backend import ProjectBackend
from mlagent_app.session.control import Controls
from mlagent_app.session.reopening import CHANGEABLE
from mlagent_app.tui.entry import SETTINGS
from tests.session.outcomes import LONGER, edited_by, planned_project
from tests.session.project import fingerprint, git, make_project
from tests.session.test_session import AUTO, run

LONGER_STILL = LONGER.replace("40", "80").replace("20", "40")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path / "parabola")


def stop_at(step: int) -> Callable[[Event, Controls], None]:
    def stop(event: Event, controls: Controls) -> None:
        if isinstance(event, ev.RunStarted) and event.step == step:
            controls.stop()

    return stop


def refusal(project: Path, **flags: object) -> str:
    """What is said of a call that goes on with the newest session and gives these flags."""
    given = {key.replace("__", "."): value for key, value in flags.items()}
    with pytest.raises(UserError) as error:
        ProjectBackend(project, given, resume="latest").open()
    return error.value.line()


def test_a_session_that_landed_its_steps_lands_none_when_it_goes_on_without_apply(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edited_by(monkeypatch, LONGER, LONGER_STILL)
    project = planned_project(tmp_path, {20: [0.5] * 3, 40: [0.6] * 2, 80: [0.7] * 4})
    first, _ = run(project, stop_at(2), apply=True)
    assert first.one(ev.Landed).step == 1
    before = fingerprint(project)
    second, _ = run(project, resume="latest")
    assert [event.decision for event in second.all(ev.Decided)][1] == "accept"
    assert fingerprint(project) == before
    # Nor does a later process that may land do it for steps that were accepted when nothing was to be touched.
    third, _ = run(project, resume="latest", apply=True)
    assert fingerprint(project) == before
    assert any("mlagent apply" in event.text for event in third.all(ev.Notice))


def test_what_is_accepted_with_apply_lands_though_the_session_began_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edited_by(monkeypatch, LONGER, LONGER_STILL)
    project = planned_project(tmp_path, {20: [0.5] * 3, 40: [0.6] * 2, 80: [0.7] * 4})
    run(project, stop_at(1))
    seen, _ = run(project, resume="latest", apply=True)
    assert [event.step for event in seen.all(ev.Landed)] == [1, 2]
    assert len(git(project, "log", "--format=%H").split()) == 3


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("policy__kind", "bandit", "--policy bandit cannot be given to a session that began with random"),
        ("policy__model", "other", "--model other cannot be given to a session that began without it"),
        ("policy__endpoint", "ollama", "--endpoint ollama"),
        ("sandbox__kind", "bwrap", "--sandbox bwrap cannot be given to a session that began with local"),
        ("session__seed", 7, "--seed 7 cannot be given to a session that began with 0"),
        ("project__command", "python other.py", "--command python other.py"),
        ("metric__name", "loss", "--metric loss cannot be given to a session that began with validation accuracy"),
        ("metric__target", 0.9, "--target 0.9 cannot be given to a session that began without it"),
    ],
)
def test_a_flag_that_would_change_what_is_fixed_is_refused(project: Path, key: str, value: object, said: str) -> None:
    run(project, session__steps=1)
    line = refusal(project, **{key: value})
    assert said in line and "start a new session" in line and "\n" not in line


def test_a_flag_that_repeats_what_is_stored_is_no_change(project: Path) -> None:
    given: dict[str, object] = {"project.command": "python train.py", "metric.target": 1.5}
    first = AUTO | given | {"session.steps": 1}
    ProjectBackend(project, first).run(ProjectBackend(project, first).open(), lambda _: None, Controls())
    again = AUTO | given | {"session.steps": 2, "metric.name": "validation accuracy"}
    assert ProjectBackend(project, again, resume="latest").open().steps == 2


def test_every_flag_of_a_command_line_is_changeable_or_compared(project: Path) -> None:
    run(project, session__steps=1)
    fixed = {*SETTINGS.values(), "metric.name", "metric.target"} - set(CHANGEABLE)
    for key in fixed:
        line = refusal(project, **{key.replace(".", "__"): -1})
        assert "cannot be given" in line and "began" in line


def test_whether_to_commit_is_read_anew_from_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edited_by(monkeypatch, LONGER)
    project = planned_project(tmp_path, {20: [0.5] * 3, 40: [0.6] * 3})
    run(project, stop_at(1), apply=True)
    (project / "mlagent.toml").write_text("[session]\ncommit = false\nsteps = 1\n")
    plan = ProjectBackend(project, AUTO, resume="latest").open()
    assert (plan.commit, plan.steps) == (False, 4)
    seen, _ = run(project, resume="latest", apply=True)
    assert seen.one(ev.Landed).commit == ""
    assert len(git(project, "log", "--format=%H").split()) == 1
    assert "EPOCHS = 40" in (project / "train.py").read_text()


def test_limits_that_are_set_anew_are_said_to_stay(project: Path) -> None:
    run(project, session__steps=1)
    assert ProjectBackend(project, AUTO, resume="latest").open().notices == ()
    (project / "mlagent.toml").write_text('[limits]\nminutes_per_run = 20\nmemory = "2g"\npids = 256\n')
    plan = ProjectBackend(project, AUTO, resume="latest").open()
    (notice,) = plan.notices
    assert notice.startswith("[limits] minutes_per_run, memory stays as it was when the session began")
    assert (plan.limits.seconds, plan.limits.memory_mb) == (600.0, 4096)
