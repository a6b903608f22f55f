"""A session from the outside: what it measures, keeps, lands, refuses, and how it goes on after an end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from mlagent_app.agent import events as ev
from mlagent_app.agent.errors import Exit, UserError
from mlagent_app.agent.events import Event
from mlagent_app.journal import read
from mlagent_app.session import offline, store
from mlagent_app.session.backend import ProjectBackend
from mlagent_app.session.control import Controls
from tests.session.project import TRAIN, fingerprint, git, make_project

AUTO: dict[str, object] = {"sandbox.kind": "local", "session.approve": "auto", "session.steps": 4, "policy.kind": "random"}
Kind = TypeVar("Kind", bound=Event)


class Recording:
    """A surface that keeps the events and may answer them."""

    def __init__(self, react: Callable[[Event, Controls], None] | None = None) -> None:
        self.events: list[Event] = []
        self.controls = Controls()
        self._react = react

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        if self._react:
            self._react(event, self.controls)

    def all(self, kind: type[Kind]) -> list[Kind]:
        return [event for event in self.events if isinstance(event, kind)]

    def one(self, kind: type[Kind]) -> Kind:
        found = self.all(kind)
        assert len(found) == 1, [type(event).__name__ for event in self.events]
        return found[0]


def run(
    project: Path,
    react: Callable[[Event, Controls], None] | None = None,
    *,
    resume: str = "",
    apply: bool = False,
    **flags: object,
) -> tuple[Recording, Exit]:
    given = AUTO | {key.replace("__", "."): value for key, value in flags.items()}
    recording = Recording(react)
    backend = ProjectBackend(project, given, resume=resume, apply=apply)
    plan = backend.open()
    return recording, backend.run(plan, recording, recording.controls)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path / "parabola")


def test_a_session_measures_every_step_and_leaves_the_project_untouched(project: Path) -> None:
    before = fingerprint(project)
    seen, code = run(project)
    assert code == Exit.OK
    assert fingerprint(project) == before
    baseline = seen.one(ev.BaselineMeasured)
    assert baseline.values == pytest.approx((baseline.value,) * 3)
    assert baseline.noise == 0.0
    chosen = seen.one(ev.MetricChosen)
    assert (chosen.metric["name"], chosen.metric["direction"]) == ("validation accuracy", "max")
    steps = [event.step for event in seen.all(ev.Rewarded)]
    assert steps == [1, 2, 3, 4]
    assert all(event.value is not None and event.scalar is not None for event in seen.all(ev.Rewarded))
    for rewarded, decided in zip(seen.all(ev.Rewarded), seen.all(ev.Decided), strict=True):
        assert (decided.decision == "accept") == ((rewarded.delta or 0) > 0)
    assert seen.one(ev.SessionEnded).reason == "steps"


def test_kept_gains_add_up(project: Path) -> None:
    seen, _ = run(project, session__steps=6)
    kept = [event.step for event in seen.all(ev.Decided) if event.decision == "accept"]
    rewarded = {event.step: event for event in seen.all(ev.Rewarded)}
    assert kept
    values = [seen.one(ev.BaselineMeasured).value] + [rewarded[step].value for step in kept]
    assert values == sorted(values)  # type: ignore[type-var]
    ended = seen.one(ev.SessionEnded)
    assert ended.best == values[-1]
    assert ended.best_step == kept[-1]


def test_no_edit_is_tried_twice_on_the_same_files(project: Path) -> None:
    seen, _ = run(project, session__steps=12)
    tried = [(event.base, event.instruction, event.file) for event in seen.all(ev.ActionProposed)]
    assert len(set(tried)) == len(tried)


def test_apply_lands_one_commit_a_kept_step_and_leaves_the_rest_alone(project: Path) -> None:
    seen, _ = run(project, session__steps=6, apply=True)
    landed = seen.all(ev.Landed)
    assert landed
    log = git(project, "log", "--format=%H %an %s", "--reverse").splitlines()[1:]
    assert [line.split()[0] for line in log] == [event.commit for event in landed]
    assert all("A Person" in line for line in log)
    body = git(project, "log", "-1", "--format=%B")
    assert "ML-Agent-Step: " in body and "ML-Agent-Metric: validation accuracy" in body and "ML-Agent-Model: random" in body
    assert git(project, "status", "--porcelain") == " M README.md\n?? notes.txt\n"
    assert git(project, "show", "--format=", "--name-only", "HEAD").split() == ["train.py"]


def test_accepting_refusing_and_skipping_by_hand(project: Path) -> None:
    def react(event: Event, controls: Controls) -> None:
        match event:
            case ev.DecisionNeeded(question="run", step=1):
                controls.answer(1, "skip", reason="not this one")
            case ev.DecisionNeeded(question="run"):
                controls.answer(event.step, "run")
            case ev.DecisionNeeded(question="accept", step=2):
                controls.answer(2, "refuse", reason="keep it simple")
            case ev.DecisionNeeded(question="accept"):
                controls.answer(event.step, "accept")
            case _:
                pass

    seen, _ = run(project, react, session__approve="ask", session__steps=3)
    decided = [
        (event.step, event.decision, event.by, event.reason) for event in seen.all(ev.Decided) if event.decision != "run"
    ]
    assert decided == [(1, "skip", "user", "not this one"), (2, "refuse", "user", "keep it simple"), (3, "accept", "user", "")]
    assert {event.step for event in seen.all(ev.RunStarted)} == {0, 2, 3}


def test_revert_undoes_a_landed_step_in_the_project(project: Path) -> None:
    def accept(event: Event, controls: Controls) -> None:
        if isinstance(event, ev.DecisionNeeded):
            controls.answer(event.step, "accept")

    seen, _ = run(project, accept, session__approve="run", session__steps=1, apply=True)
    landed = seen.one(ev.Landed)
    paths = store.find(seen.one(ev.SessionStarted).session)
    assert (project / "train.py").read_text() != TRAIN
    offline.revert(paths, landed.step, lambda _: None)
    assert (project / "train.py").read_text() == TRAIN
    assert len(git(project, "log", "--format=%H").split()) == 3
    with pytest.raises(UserError, match="not accepted"):
        offline.revert(paths, landed.step, lambda _: None)


def test_steps_kept_without_apply_can_be_landed_later(project: Path) -> None:
    seen, _ = run(project, session__steps=6)
    paths = store.find(seen.one(ev.SessionStarted).session)
    kept = [event.step for event in seen.all(ev.Decided) if event.decision == "accept"]
    assert offline.land(paths, [], lambda _: None, commit=None) == len(kept)
    assert len(git(project, "log", "--format=%H").split()) == 1 + len(kept)
    assert offline.land(paths, [], lambda _: None, commit=None) == 0


def test_a_stopped_session_goes_on_where_it_stood(project: Path) -> None:
    def stop(event: Event, controls: Controls) -> None:
        if isinstance(event, ev.RunStarted) and event.step == 2:
            controls.stop()

    first, code = run(project, stop, session__steps=5)
    assert code == Exit.OK
    assert first.one(ev.SessionEnded).reason == "stopped"
    second, _ = run(project, resume="latest", session__steps=5)
    whole = [event for event in second.events if not isinstance(event, ev.TRANSIENT)]
    records, _ = read(store.latest(project).journal)
    assert [record.event for record in records] == whole
    straight, _ = run(make_project(project.parent / "twin" / "parabola"), session__steps=5)
    assert [event.instruction for event in second.all(ev.ActionProposed)] == [
        event.instruction for event in straight.all(ev.ActionProposed)
    ]
    assert [event.value for event in second.all(ev.Rewarded)] == [event.value for event in straight.all(ev.Rewarded)]


def test_a_win_that_chance_made_is_not_kept(tmp_path: Path) -> None:
    lucky = TRAIN.replace(
        "score = ", "import random\n    luck = 0 if EPOCHS == 20 else random.choice([-0.3, 0.3])\n    score = luck + "
    )
    seen, _ = run(make_project(tmp_path / "lucky", lucky), session__steps=14)
    assert seen.one(ev.BaselineMeasured).noise == 0.0
    again = {event.step: event for event in seen.all(ev.Measured)}
    wins = [event.step for event in seen.all(ev.Decided) if event.decision == "accept"]
    assert all(len(again[step].values) >= 2 for step in wins)


def test_an_interrupted_run_is_repeated_after_the_pause(project: Path) -> None:
    def react(event: Event, controls: Controls) -> None:
        match event:
            case ev.RunStarted(step=1, repeat=0):
                controls.interrupt()
            case ev.Paused():
                controls.resume()
            case _:
                pass

    seen, _ = run(project, react, session__steps=1)
    runs = [(event.repeat, event.outcome) for event in seen.all(ev.RunFinished) if event.step == 1]
    assert runs[:2] == [(0, "killed"), (1, "ok")]
    assert len(seen.all(ev.Rewarded)) == 1


def test_a_win_can_be_measured_again_while_it_is_being_decided(project: Path) -> None:
    asked: list[int] = []

    def react(event: Event, controls: Controls) -> None:
        if isinstance(event, ev.DecisionNeeded):
            asked.append(event.step)
            if len(asked) == 1:
                controls.rerun(event.step)
            else:
                controls.answer(event.step, "refuse")

    seen, _ = run(project, react, session__approve="run", session__steps=1)
    # A win has been measured twice before it is asked about, anything else once.
    assert len(seen.all(ev.Measured)[-1].values) in (2, 3)
    assert asked == [1, 1]


def test_the_target_ends_the_session(project: Path) -> None:
    seen, _ = run(project, session__steps=30, metric__target=0.4)
    assert seen.one(ev.SessionEnded).reason == "target"
    assert (seen.one(ev.SessionEnded).best or 0) >= 0.4


def test_a_second_process_on_the_project_is_told_who_works_there(project: Path) -> None:
    def intrude(event: Event, _: Controls) -> None:
        if isinstance(event, ev.BaselineMeasured):
            with pytest.raises(UserError, match="another ML-Agent session"):
                run(project)

    seen, _ = run(project, intrude, session__steps=1)
    assert seen.one(ev.SessionEnded).reason == "steps"


def test_a_noisy_metric_keeps_only_what_holds_up(tmp_path: Path) -> None:
    noisy = TRAIN.replace("score = ", "import random\n    score = random.gauss(0, 0.2) + 0 * ")
    project = make_project(tmp_path / "noisy", noisy)
    seen, _ = run(project, session__steps=6)
    baseline = seen.one(ev.BaselineMeasured)
    assert baseline.noise
    rewarded = {event.step: event for event in seen.all(ev.Rewarded)}
    again = {event.step: event for event in seen.all(ev.Measured)}
    for event in seen.all(ev.Decided):
        if event.decision == "accept":
            before = rewarded[event.step].before or 0
            assert again[event.step].value - before > 2 * baseline.noise


BROKEN = {
    "fails": ("raise ValueError('no data')\nLR = 0.1\n", "ValueError: no data", Exit.NO_METRIC),
    "missing module": ("import no_such_module_here\n", "no_such_module_here", Exit.NO_METRIC),
    "silent": ("print('hello')\n", "gave no metric", Exit.NO_METRIC),
    "nan": ("print('accuracy: nan')\n", "nan", Exit.NO_METRIC),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_baseline_without_a_metric_ends_in_one_clear_line(tmp_path: Path, name: str) -> None:
    source, expected, code = BROKEN[name]
    project = make_project(tmp_path / "broken", source)
    before = fingerprint(project)
    seen, got = run(project)
    failed = seen.one(ev.Failed)
    assert got == failed.code == code
    assert expected.lower() in failed.message.lower()
    assert "\n" not in failed.message
    assert fingerprint(project) == before


def test_an_edit_that_stops_the_metric_is_an_error_not_a_gain(tmp_path: Path) -> None:
    source = TRAIN.replace('    print(f"validation', '    if EPOCHS == 20:\n        print(f"validation')
    seen, _ = run(make_project(tmp_path / "fragile", source), session__steps=12)
    silent = [event for event in seen.all(ev.Rewarded) if event.outcome == "no_metric"]
    assert silent
    assert all(event.scalar == 0.0 and event.case == "error" for event in silent)
