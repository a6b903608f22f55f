"""Decisions with consequences: parts of an edit, undoing below later edits, changing one's mind, conflicts."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlagent_app.agent import events as ev
from mlagent_app.agent.errors import Exit, UserError
from mlagent_app.agent.events import Event
from mlagent_app.session import offline, store
from mlagent_app.session.control import Controls
from tests.session.project import TRAIN, git, make_project
from tests.session.test_session import run

# Two places where one edit of a constant cannot reach: the accepted steps stand on lines of their own.
SPREAD = (
    TRAIN.replace("LEARNING_RATE = 0.02\n", "LEARNING_RATE = 0.02\n\n\n# some\n# lines\n# here\n\n\n")
    .replace("EPOCHS = 20\n", "EPOCHS = 20\n\n\n# far\n# apart\n# lines\n\n\n")
    .replace("HIDDEN_SIZE = 8\n", "HIDDEN_SIZE = 8\n\n\n# more\n# lines\n# between\n\n\n")
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path / "parabola", SPREAD)


def accept_all(event: Event, controls: Controls) -> None:
    if isinstance(event, ev.DecisionNeeded):
        controls.answer(event.step, "accept")


def test_an_older_step_is_undone_below_a_later_one_and_the_rest_is_measured(project: Path) -> None:
    undone: list[int] = []

    def react(event: Event, controls: Controls) -> None:
        accept_all(event, controls)
        if isinstance(event, ev.Decided) and event.step == 3 and not undone:
            undone.append(1)
            controls.revert(1)

    seen, code = run(project, react, session__approve="run", session__steps=4, apply=True, policy__kind="bandit")
    assert code == Exit.OK
    proposed = {event.step: event for event in seen.all(ev.ActionProposed)}
    touched = {step: event.instruction.split(" to ")[0] for step, event in proposed.items()}
    if len(set(touched.values())) < 3:
        pytest.fail(f"the policy did not touch three places: {touched}")
    reverted = seen.one(ev.Reverted)
    assert reverted.step == 1 and reverted.commit
    assert seen.one(ev.HeadMeasured).value is not None
    apart = [event for event in seen.all(ev.RunStarted) if event.step == ev.HEAD]
    assert len(apart) == 1 and Path(apart[0].log_path).name == "head-0.log" and Path(apart[0].log_path).is_file()
    text = (project / "train.py").read_text()
    first = next(line for line in proposed[1].diff.splitlines() if line.startswith("-") and not line.startswith("---"))
    assert first[1:] in text


def test_the_mode_can_change_while_a_question_is_open(project: Path) -> None:
    def react(event: Event, controls: Controls) -> None:
        if isinstance(event, ev.DecisionNeeded):
            controls.set_approve("auto")

    seen, _ = run(project, react, session__approve="run", session__steps=3)
    assert len(seen.all(ev.DecisionNeeded)) == 1
    assert all(event.by == "auto" for event in seen.all(ev.Decided))
    assert seen.one(ev.ApproveChanged).approve == "auto"


def test_nothing_is_undone_below_an_edit_that_waits_for_its_answer(project: Path) -> None:
    def react(event: Event, controls: Controls) -> None:
        if isinstance(event, ev.DecisionNeeded):
            if event.step == 2:
                controls.revert(1)
            controls.answer(event.step, "accept")

    seen, code = run(project, react, session__approve="run", session__steps=2, apply=True)
    assert code == Exit.OK
    assert not seen.all(ev.Reverted)
    assert any("step 2 builds on the present files and waits" in event.text for event in seen.all(ev.Notice))
    assert [event.decision for event in seen.all(ev.Decided)] == ["accept", "accept"]


def test_an_edit_whose_base_was_undone_meanwhile_is_not_kept(project: Path) -> None:
    def react(event: Event, controls: Controls) -> None:
        if isinstance(event, ev.DecisionNeeded):
            controls.stop() if event.step == 2 else controls.answer(event.step, "accept")

    first, _ = run(project, react, session__approve="run", session__steps=2, apply=True)
    before = (project / "train.py").read_text()
    offline.revert(store.find(first.one(ev.SessionStarted).session), 1, lambda _: None)
    undone = (project / "train.py").read_text()
    assert undone != before
    second, _ = run(project, accept_all, resume="latest", session__steps=2, apply=True)
    decided = next(event for event in second.all(ev.Decided) if event.step == 2)
    assert (decided.decision, decided.by) == ("refuse", "auto") and "was undone" in decided.reason
    assert (project / "train.py").read_text() == undone


def test_a_change_of_the_users_in_the_same_line_is_not_overwritten(project: Path) -> None:
    def react(event: Event, controls: Controls) -> None:
        if isinstance(event, ev.DecisionNeeded):
            text = (project / "train.py").read_text()
            for name in ("LEARNING_RATE", "EPOCHS", "HIDDEN_SIZE"):
                text = text.replace(f"{name} = ", f"{name} = 3 + ", 1)
            (project / "train.py").write_text(text)
            controls.answer(event.step, "accept")

    seen, code = run(project, react, session__approve="run", session__steps=1, apply=True)
    assert code == Exit.OK
    assert not seen.all(ev.Landed)
    warnings = [event.text for event in seen.all(ev.Notice) if event.level == "warning"]
    assert any("kept in the session but not in the project" in text for text in warnings)
    assert "3 + " in (project / "train.py").read_text()
    assert git(project, "log", "--format=%s").count("\n") == 1


def test_a_step_that_was_not_accepted_cannot_be_landed(project: Path) -> None:
    def refuse(event: Event, controls: Controls) -> None:
        if isinstance(event, ev.DecisionNeeded):
            controls.answer(event.step, "refuse")

    seen, _ = run(project, refuse, session__approve="run", session__steps=1)
    paths = store.find(seen.one(ev.SessionStarted).session)
    with pytest.raises(UserError, match=r"step 1 of session .* cannot be landed"):
        offline.land(paths, [1], lambda _: None, commit=None)
    with pytest.raises(UserError, match="has no step 7"):
        offline.revert(paths, 7, lambda _: None)


def test_going_on_with_apply_does_not_land_what_was_kept_without_it(project: Path) -> None:
    first, _ = run(project, session__steps=8)
    kept = [event.step for event in first.all(ev.Decided) if event.decision == "accept"]
    assert kept
    again, _ = run(project, resume="latest", apply=True, session__steps=8)
    assert not again.all(ev.Landed)
    assert git(project, "log", "--format=%s").count("\n") == 1
    assert any("mlagent apply" in event.text for event in again.all(ev.Notice))
