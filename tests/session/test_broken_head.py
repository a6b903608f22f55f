"""Accepted edits that together do not run: who decides may undo one of them, and a session without anybody says how."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlagent_app.agent import events as ev
from mlagent_app.agent.errors import Exit
from mlagent_app.agent.events import Event
from mlagent_app.session import offline, store
from mlagent_app.session.control import Controls
from mlagent_app.session.measuring import INFRASTRUCTURE_PATIENCE
from tests.editors.scripted import block
from tests.session.outcomes import edited_by
from tests.session.project import TRAIN, make_project
from tests.session.test_session import Recording, run
from tests.session.test_unattended import failing

# Two hunks, of which the second needs the first.
TWO_HUNKS = "\n".join(
    (
        block("EPOCHS = 20\n", "EPOCHS = 20\nMORE = 5\n"),
        block("        x += 0.001\n", "        x += 0.001\n    x -= MORE * 0.0001\n"),
    )
)
STEP = 1


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    edited_by(monkeypatch, TWO_HUNKS)
    return make_project(
        tmp_path / "parabola", TRAIN.replace("HIDDEN_SIZE = 8\n", "HIDDEN_SIZE = 8\n\n# far\n# apart\n# lines\n")
    )


def accept_half(event: Event, controls: Controls) -> None:
    if isinstance(event, ev.DecisionNeeded):
        controls.answer(event.step, "accept", hunks=(1,))


def then_stop(event: Event, controls: Controls) -> None:
    accept_half(event, controls)
    if isinstance(event, ev.Paused):
        controls.stop()


def warnings(seen: Recording) -> list[str]:
    return [event.text for event in seen.all(ev.Notice) if event.level == "warning"]


def test_who_decides_can_undo_what_broke_the_files(project: Path) -> None:
    def react(event: Event, controls: Controls) -> None:
        accept_half(event, controls)
        match event:
            case ev.Paused():
                controls.revert(STEP)
            case ev.Reverted():
                controls.resume()
            case _:
                pass

    seen, code = run(project, react, session__approve="run", apply=True)
    assert code == Exit.OK
    assert seen.one(ev.Paused).why.startswith("the accepted edits together do not yield the metric")
    assert len(warnings(seen)) == 1 and "NameError" in warnings(seen)[0] and "undo one of them" in warnings(seen)[0]
    assert "MORE" not in (project / "train.py").read_text()
    assert seen.one(ev.SessionEnded).reason == "final_answer"


def test_going_on_without_undoing_measures_once_more_and_pauses_again(project: Path) -> None:
    pauses: list[Event] = []

    def react(event: Event, controls: Controls) -> None:
        accept_half(event, controls)
        if isinstance(event, ev.Paused):
            pauses.append(event)
            controls.resume() if len(pauses) < 2 else controls.stop()

    seen, code = run(project, react, session__approve="run")
    assert code == Exit.OK
    assert (len(pauses), seen.one(ev.SessionEnded).reason) == (2, "stopped")


def test_where_nobody_decides_the_end_says_the_command_that_helps(project: Path) -> None:
    first, _ = run(project, then_stop, session__approve="run")
    session = first.one(ev.SessionStarted).session
    second, code = run(project, resume="latest")
    assert code == Exit.NO_METRIC
    message = second.one(ev.Failed).message
    assert message.endswith(f"undo one of them: mlagent revert {session} {STEP}") and "NameError" in message
    offline.revert(store.find(session), STEP, lambda _: None)
    third, code = run(project, resume="latest")
    assert code == Exit.OK
    assert third.all(ev.SessionEnded)[-1].reason == "final_answer"


def test_a_sandbox_that_fails_is_not_taken_for_broken_files(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(project, then_stop, session__approve="run")
    failing(monkeypatch, *range(INFRASTRUCTURE_PATIENCE))
    seen, code = run(project, resume="latest", session__approve="run")
    assert code == Exit.NO_SANDBOX
    assert "the sandbox failed" in seen.one(ev.Failed).message
