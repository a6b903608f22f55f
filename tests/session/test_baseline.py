"""While the baseline is measured: which metric is asked, who decides may change, and what is said when it fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlagent_app.agent import events as ev
from mlagent_app.agent.errors import Exit
from mlagent_app.agent.events import Event
from mlagent_app.session.backend import ProjectBackend
from mlagent_app.session.control import Controls
from tests.session.outcomes import LONGER, edited_by
from tests.session.project import TRAIN, make_project
from tests.session.test_session import AUTO, Recording, run

TWO_METRICS = TRAIN.replace('    print(f"val', '    print(f"loss: {abs(x):.6f}")\n    print(f"val')


def test_who_decides_can_change_while_the_metric_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edited_by(monkeypatch, LONGER)

    def react(event: Event, controls: Controls) -> None:
        match event:
            case ev.DecisionNeeded(question="metric"):
                controls.set_approve("auto")
                controls.set_approve("auto")
                controls.choose_metric(1)
            case ev.DecisionNeeded():
                controls.stop()
            case _:
                pass

    seen = Recording(react)
    project = make_project(tmp_path / "two", TWO_METRICS)
    backend = ProjectBackend(project, AUTO | {"session.approve": "run"}, confirm_metric=True)
    assert backend.run(backend.open(), seen, seen.controls) == Exit.OK
    assert seen.one(ev.ApproveChanged).approve == "auto"
    assert seen.one(ev.MetricChosen).metric["name"] == seen.one(ev.MetricsFound).found[1][0]
    assert [event.question for event in seen.all(ev.DecisionNeeded)] == ["metric"]
    assert seen.one(ev.SessionEnded).reason == "final_answer"


def test_who_decides_can_change_while_the_killed_baseline_waits(tmp_path: Path) -> None:
    killed: list[Event] = []

    def react(event: Event, controls: Controls) -> None:
        match event:
            case ev.RunStarted(step=0) if not killed:
                killed.append(event)
                controls.interrupt()
            case ev.Paused():
                controls.set_approve("auto")
                controls.choose_metric(0)  # answers nothing
            case ev.ApproveChanged():
                controls.resume()
            case ev.DecisionNeeded():
                controls.stop()
            case _:
                pass

    # Without the change nothing would resume.
    seen, _ = run(make_project(tmp_path / "one"), react, session__approve="run", session__steps=1)
    assert seen.one(ev.ApproveChanged).approve == "auto"
    assert seen.one(ev.SessionEnded).reason == "steps"


def test_a_project_that_fails_is_mended_for_a_new_session(tmp_path: Path) -> None:
    # The session that failed has its own copy of the files, which going on with it would run again.
    seen, code = run(make_project(tmp_path / "broken", "import no_such_module_here\n"))
    assert code == Exit.NO_METRIC
    assert seen.one(ev.Failed).message.endswith("mend it, then start a new session")
