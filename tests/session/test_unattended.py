"""Nobody decides: a flagged edit, a gain whose noise is unknown and a win that does not hold up are not kept."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from mlagent_app.agent import events as ev
from mlagent_app.agent.errors import Exit
from mlagent_app.agent.events import Event
from mlagent_app.plan import Plan
from mlagent_app.session import backend, decide
from mlagent_app.session.control import Controls
from sandbox.runner import Job, Limits, Runner, RunnerName, RunResult, Sample
from tests.session.outcomes import LONGER, RESEEDED, edited_by, planned_project
from tests.session.project import fingerprint
from tests.session.test_session import run


class Failing:
    """A sandbox that itself fails in these of its runs, counted from 0."""

    def __init__(self, runner: Runner, *fails: int) -> None:
        self.name: RunnerName = runner.name
        self.notes = runner.notes
        self._runner = runner
        self._fails = fails
        self._runs = -1

    def run(
        self,
        job: Job,
        limits: Limits,
        *,
        on_log: Callable[[list[str]], None] | None = None,
        on_sample: Callable[[Sample], None] | None = None,
        cancel: threading.Event | None = None,
    ) -> RunResult:
        self._runs += 1
        if self._runs in self._fails:
            return RunResult("infrastructure", None, 0.0, job.log_path, message="the sandbox is gone")
        return self._runner.run(job, limits, on_log=on_log, on_sample=on_sample, cancel=cancel)


def failing(monkeypatch: pytest.MonkeyPatch, *fails: int) -> None:
    chosen = backend.choose_runner

    def choose(plan: Plan, near: Path) -> Runner:
        return Failing(chosen(plan, near), *fails)

    monkeypatch.setattr(backend, "choose_runner", choose)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every run counts as one that takes too long to be repeated."""
    monkeypatch.setattr(decide, "SHORT", -2.0)
    monkeypatch.setattr(decide, "LONG", -1.0)


def answer(decision: ev.DecisionKind) -> Callable[[Event, Controls], None]:
    def react(event: Event, controls: Controls) -> None:
        if isinstance(event, ev.DecisionNeeded):
            controls.answer(event.step, "run" if event.question == "run" else decision)

    return react


# Flags


def test_a_flagged_edit_is_refused_unrun_and_the_policy_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = edited_by(monkeypatch, RESEEDED)
    project = planned_project(tmp_path, {20: [0.5, 0.5, 0.5, 0.9, 0.9]})
    before = fingerprint(project)
    seen, code = run(project, apply=True)
    assert code == Exit.OK
    decided = seen.all(ev.Decided)[0]
    assert (decided.decision, decided.by) == ("refuse", "auto")
    assert decided.reason.startswith("seed: touches the seed")
    assert not [event for event in seen.all(ev.RunStarted) if event.step == 1]
    turn = policy.seen[1].history[0]
    assert (turn.outcome, turn.kept) == ("skipped", False) and "touches the seed" in turn.feedback
    assert fingerprint(project) == before


@pytest.mark.parametrize("mode", ["ask", "run"])
def test_where_the_user_decides_a_flag_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    edited_by(monkeypatch, RESEEDED)
    project = planned_project(tmp_path, {20: [0.5, 0.5, 0.5, 0.9, 0.9]})
    seen, _ = run(project, answer("accept"), session__approve=mode)
    decided = next(event for event in seen.all(ev.Decided) if event.decision != "run")
    assert (decided.decision, decided.by) == ("accept", "user")
    asked = seen.all(ev.DecisionNeeded)[-1]
    assert (asked.question, asked.suggestion) == ("accept", "refuse") and "touches the seed" in asked.why
    assert seen.one(ev.Measured).values == (0.9, 0.9)


def test_a_flagged_edit_that_was_run_is_refused_once_nobody_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edited_by(monkeypatch, RESEEDED)

    def leave(event: Event, controls: Controls) -> None:
        if isinstance(event, ev.DecisionNeeded):
            controls.set_approve("auto")

    seen, _ = run(planned_project(tmp_path, {20: [0.5, 0.5, 0.5, 0.9, 0.9]}), leave, session__approve="run")
    decided = seen.all(ev.Decided)[0]
    assert (decided.decision, decided.by) == ("refuse", "auto") and "touches the seed" in decided.reason


# Noise that one run of the baseline cannot tell


@pytest.mark.usefixtures("slow")
def test_a_gain_is_compared_with_a_noise_that_is_measured_when_it_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = edited_by(monkeypatch, LONGER)
    seen, _ = run(planned_project(tmp_path, {20: [0.50, 0.54], 40: [0.60, 0.62]}))
    first, second = seen.all(ev.BaselineMeasured)
    assert (first.values, first.noise) == ((0.50,), None)
    assert second.values == (0.50, 0.54) and second.value == pytest.approx(0.52)
    assert second.noise == decide.noise_of((0.50, 0.54))
    assert seen.one(ev.Measured).values == (0.60, 0.62)
    assert seen.all(ev.Decided)[0].decision == "accept" and "x the noise" in seen.all(ev.Decided)[0].reason
    assert policy.seen[1].task.m_init == pytest.approx(0.52)
    assert policy.seen[1].task.noise == second.noise


@pytest.mark.usefixtures("slow")
def test_a_gain_within_the_noise_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edited_by(monkeypatch, LONGER)
    seen, _ = run(planned_project(tmp_path, {20: [0.50, 0.54], 40: [0.55]}))
    decided = seen.all(ev.Decided)[0]
    assert decided.decision == "refuse" and "within the noise" in decided.reason
    # The gain is over the mean of both runs, not over the first one.
    assert "gain +0.03 " in decided.reason


@pytest.mark.usefixtures("slow")
def test_the_noise_is_measured_once_a_session_and_known_to_a_resumed_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = edited_by(monkeypatch, LONGER)
    project = planned_project(tmp_path, {20: [0.50, 0.50], 40: [0.60, 0.60, 0.60]})

    def stop(event: Event, controls: Controls) -> None:
        if isinstance(event, ev.RunStarted) and event.step == 1 and event.repeat == 1:
            controls.stop()

    first, _ = run(project, stop)
    assert len(first.all(ev.BaselineMeasured)) == 2
    again, _ = run(project, resume="latest")
    assert len(again.all(ev.BaselineMeasured)) == 2
    assert again.all(ev.Decided)[0].decision == "accept"
    assert "repeated runs gave the same value" in again.all(ev.Decided)[0].reason
    assert policy.seen[-1].value == 0.60


@pytest.mark.usefixtures("slow")
def test_an_edit_is_refused_where_its_noise_cannot_be_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edited_by(monkeypatch, LONGER)
    seen, code = run(planned_project(tmp_path, {20: [0.50, "no luck"], 40: [0.60, 0.60]}))
    decided = seen.all(ev.Decided)[0]
    assert code == Exit.OK and decided.decision == "refuse"
    assert "the noise is not known" in decided.reason and "no luck" in decided.reason
    assert len(seen.all(ev.BaselineMeasured)) == 1


@pytest.mark.usefixtures("slow")
def test_no_time_is_spent_on_the_noise_where_the_user_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edited_by(monkeypatch, LONGER)
    seen, _ = run(planned_project(tmp_path, {20: [0.50], 40: [0.60]}), answer("accept"), session__approve="run")
    assert seen.all(ev.Decided)[0].decision == "accept"
    assert len(seen.all(ev.RunFinished)) == 2


@pytest.mark.usefixtures("slow")
def test_noise_measured_late_leaves_the_value_of_kept_edits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = edited_by(monkeypatch, LONGER, LONGER.replace("40", "80").replace("20", "40"))
    project = planned_project(tmp_path, {20: [0.50, 0.52], 40: [0.60], 80: [0.70, 0.70]})

    def leave(event: Event, controls: Controls) -> None:
        if isinstance(event, ev.DecisionNeeded):
            controls.answer(event.step, "accept")
            controls.set_approve("auto")

    seen, _ = run(project, leave, session__approve="run")
    assert [event.decision for event in seen.all(ev.Decided)][:2] == ["accept", "accept"]
    assert seen.all(ev.BaselineMeasured)[-1].values == (0.50, 0.52)
    assert [event.before for event in seen.all(ev.Rewarded)][:2] == [0.50, 0.60]
    assert [state.value for state in policy.seen] == [0.50, 0.60, 0.70]


# Confirming runs


@pytest.mark.parametrize(("second", "said"), [("out of luck", "out of luck"), (float("nan"), "NaN")])
def test_a_win_whose_confirming_run_fails_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, second: float | str, said: str
) -> None:
    edited_by(monkeypatch, LONGER)
    seen, _ = run(planned_project(tmp_path, {20: [0.5, 0.5, 0.5], 40: [0.9, second]}))
    decided = seen.all(ev.Decided)[0]
    assert decided.decision == "refuse"
    assert decided.reason.startswith("the confirming run failed: ") and said in decided.reason
    assert len([event for event in seen.all(ev.RunStarted) if event.step == 1]) == 2


def test_a_failed_confirming_run_is_known_to_a_resumed_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edited_by(monkeypatch, LONGER)
    project = planned_project(tmp_path, {20: [0.5, 0.5, 0.5], 40: [0.9, "out of luck", 0.9]})

    def stop(event: Event, controls: Controls) -> None:
        if isinstance(event, ev.DecisionNeeded):
            controls.stop()

    first, _ = run(project, stop, session__approve="run")
    assert first.one(ev.DecisionNeeded).suggestion == "refuse"
    again, _ = run(project, resume="latest")
    assert again.all(ev.Decided)[0].reason.startswith("the confirming run failed: ")
    assert len([event for event in again.all(ev.RunStarted) if event.step == 1]) == 2


def test_a_win_can_be_confirmed_by_hand_after_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edited_by(monkeypatch, LONGER)
    project = planned_project(tmp_path, {20: [0.5, 0.5, 0.5], 40: [0.9, "out of luck", 0.9]})

    def again(event: Event, controls: Controls) -> None:
        if isinstance(event, ev.DecisionNeeded):
            if event.suggestion == "refuse":
                controls.rerun(event.step)
            else:
                controls.answer(event.step, "accept")

    seen, _ = run(project, again, session__approve="run")
    assert [event.suggestion for event in seen.all(ev.DecisionNeeded)] == ["refuse", "accept"]


def test_a_confirming_run_that_the_sandbox_failed_is_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edited_by(monkeypatch, LONGER)
    failing(monkeypatch, 4, 5)
    seen, code = run(planned_project(tmp_path, {20: [0.5, 0.5, 0.5], 40: [0.9, 0.9]}))
    assert code == Exit.OK and seen.all(ev.Decided)[0].decision == "accept"
    assert seen.one(ev.Measured).values == (0.9, 0.9)


def test_a_sandbox_that_goes_on_failing_ends_the_session_undecided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edited_by(monkeypatch, LONGER)
    project = planned_project(tmp_path, {20: [0.5, 0.5, 0.5], 40: [0.9, 0.9]})
    with monkeypatch.context() as patched:
        failing(patched, 4, 5, 6)
        seen, code = run(project)
    assert code == Exit.NO_SANDBOX and not seen.all(ev.Decided)
    again, code = run(project, resume="latest")
    assert code == Exit.OK and again.all(ev.Decided)[0].decision == "accept"


@pytest.mark.usefixtures("slow")
def test_a_sandbox_that_fails_while_the_noise_is_measured_refuses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edited_by(monkeypatch, LONGER)
    failing(monkeypatch, 2)
    seen, _ = run(planned_project(tmp_path, {20: [0.5, 0.5], 40: [0.9, 0.9]}))
    assert seen.all(ev.Decided)[0].decision == "accept"
    assert seen.all(ev.BaselineMeasured)[-1].values == (0.5, 0.5)
