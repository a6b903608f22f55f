"""A commit claims a metric only where the branch holds the very steps that it was measured with."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from mlagent_app.agent import events as ev
from mlagent_app.agent.errors import UserError
from mlagent_app.agent.events import Event
from mlagent_app.repo import indexlock
from mlagent_app.session import offline, store
from mlagent_app.session.control import Controls
from tests.repo.test_killed import killed
from tests.session.project import git, make_project
from tests.session.test_decisions import SPREAD, accept_all
from tests.session.test_session import Recording, run

APART = "measured in a sandbox together with step 1, which is not on this branch."


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(indexlock, "PATIENCE", 0.2)
    return make_project(tmp_path / "parabola", SPREAD)


def keep_all(
    project: Path, react: Callable[[Event], None] = lambda _: None, *, steps: int = 2, apply: bool = True, resume: str = ""
) -> Recording:
    """A session whose steps are all kept; they touch places that lie apart."""

    def both(event: Event, controls: Controls) -> None:
        react(event)
        accept_all(event, controls)

    seen, _ = run(
        project,
        both,
        session__approve="run",
        session__steps=steps,
        apply=apply,
        policy__kind="bandit",
        resume=resume,
    )
    return seen


def commits(project: Path) -> list[tuple[int, str, str]]:
    """The landed commits, oldest first: the step, its message but for the trailers, and what its metric trailer says."""
    separated = "%(trailers:key=ML-Agent-Step,valueonly,separator=%x20)%x01%B%x01%(trailers:key=ML-Agent-Metric,valueonly)%x02"
    found: list[tuple[int, str, str]] = []
    for entry in git(project, "log", "--reverse", f"--format={separated}").split("\x02"):
        step, _, rest = entry.strip().partition("\x01")
        if "/" in step:
            body, _, metric = rest.partition("\x01")
            found.append((int(step.rpartition("/")[2]), body.partition("\n\nML-Agent-Step")[0], metric.strip()))
    return found


def is_claimed(metric: str) -> bool:
    return metric.removeprefix("validation accuracy ").startswith("0.") and "was" in metric


def test_a_step_that_a_lock_kept_out_lands_before_the_next_one(project: Path) -> None:
    lock = project / ".git" / "index.lock"

    def react(event: Event) -> None:
        match event:
            case ev.DecisionNeeded(step=1):
                lock.write_bytes(b"")
            case ev.DecisionNeeded(step=3):
                lock.unlink()
            case _:
                pass

    seen = keep_all(project, react, steps=3)
    assert [event.step for event in seen.all(ev.Landed)] == [1, 2, 3]
    assert [step for step, _, _ in commits(project)] == [1, 2, 3]
    assert all(body.endswith("measured in a sandbox.") and is_claimed(metric) for _, body, metric in commits(project))
    warnings = [event.text for event in seen.all(ev.Notice) if event.level == "warning"]
    assert len(warnings) == 2 and all("another git process" in text for text in warnings)


def test_a_step_below_that_conflicts_is_named_by_the_next(project: Path) -> None:
    def react(event: Event) -> None:
        if isinstance(event, ev.DecisionNeeded) and event.step == 1:
            path = project / "train.py"
            changed = next(line[1:] for line in proposed[0].diff.splitlines() if line.startswith("-") and line[1:2].isalpha())
            path.write_text(path.read_text().replace(changed, f"{changed} + 0"))
        if isinstance(event, ev.ActionProposed):
            proposed.append(event)

    proposed: list[ev.ActionProposed] = []
    seen = keep_all(project, react)
    landed = seen.one(ev.Landed)
    assert landed.step == 2 and "together with step 1" in landed.note
    ((step, body, metric),) = commits(project)
    assert (step, metric) == (2, "validation accuracy unmeasured")
    assert body.endswith(APART)
    (notice,) = [event for event in seen.all(ev.Notice) if event.level == "warning"]
    assert notice.step == 1 and "<<<<<<< your project" in notice.detail and ">>>>>>> the step" in notice.detail


def test_an_undoing_that_conflicts_shows_the_conflict(project: Path) -> None:
    def react(event: Event) -> None:
        if isinstance(event, ev.Landed):
            added = re.search(r"^\+(\w.*)$", git(project, "show", "--format="), re.M)
            assert added
            path = project / "train.py"
            path.write_text(path.read_text().replace(added[1], f"{added[1]} + 0"))

    paths = store.find(keep_all(project, react, steps=1).one(ev.SessionStarted).session)
    told = Recording()
    with pytest.raises(UserError, match="cannot be undone"):
        offline.revert(paths, 1, told)
    assert "<<<<<<< your project" in told.one(ev.Notice).detail


def test_the_document_shows_a_commit_as_it_is_written(project: Path) -> None:
    document = (Path(__file__).parents[2] / "docs" / "landing.md").read_text("utf-8")
    shown = re.search(r"```\n(.*?ML-Agent-Model.*?)\n```", document, re.S)
    assert shown
    keep_all(project, steps=1)
    assert shape(git(project, "log", "-1", "--format=%B").strip()) == shape(shown[1])


def shape(message: str) -> list[str]:
    """The message without what differs from commit to commit: the subject, the id, numbers."""
    return [re.sub(r"\d{8}-\d{6}-[0-9a-f]{4}/\d+|\d+(\.\d+)+", "*", line) for line in message.splitlines()[1:]]


@pytest.mark.parametrize("by_hand", [False, True])
def test_a_step_below_that_was_written_only(project: Path, by_hand: bool) -> None:
    """Once a person has committed it, the branch is what was measured."""

    def react(event: Event) -> None:
        match event:
            case ev.DecisionNeeded(step=1):
                git(project, "update-index", "--assume-unchanged", "train.py")
            case ev.Landed(step=1):
                git(project, "update-index", "--no-assume-unchanged", "train.py")
                if by_hand:
                    git(project, "commit", "-qam", "By hand")
            case _:
                pass

    seen = keep_all(project, react)
    first, second = seen.all(ev.Landed)
    assert first.commit == "" and second.commit
    ((_, body, metric),) = commits(project)
    assert body.endswith("measured in a sandbox." if by_hand else APART)
    assert is_claimed(metric) == by_hand


@pytest.mark.parametrize(
    ("between", "claimed"),
    [
        (("commit", "-q", "--amend", "-m", "Reworded"), True),
        (("checkout", "-q", "-b", "side"), True),
        (("checkout", "-q", "-b", "side", "HEAD~1"), False),
    ],
)
def test_the_branch_that_counts_is_the_present_one(project: Path, between: tuple[str, ...], claimed: bool) -> None:
    def react(event: Event) -> None:
        if isinstance(event, ev.Landed) and event.step == 1:
            git(project, *between)

    assert len(keep_all(project, react).all(ev.Landed)) == 2
    _, body, metric = commits(project)[-1]
    assert body.endswith("measured in a sandbox." if claimed else APART)
    assert is_claimed(metric) == claimed


def test_one_step_applied_by_itself_and_the_others_after_it(project: Path) -> None:
    seen = keep_all(project, steps=3, apply=False)
    paths = store.find(seen.one(ev.SessionStarted).session)
    offline.land(paths, [3], lambda _: None, commit=None)
    offline.land(paths, [], lambda _: None, commit=None)
    (third, first, second) = commits(project)
    assert [third[0], first[0], second[0]] == [3, 1, 2]
    assert third[1].endswith("measured in a sandbox together with steps 1 and 2, which are not on this branch.")
    assert first[1].endswith("measured in a sandbox without step 3, which is on this branch.")
    assert second[1].endswith("measured in a sandbox without step 3, which is on this branch.")
    assert {metric for _, _, metric in commits(project)} == {"validation accuracy unmeasured"}


def test_a_step_whose_landing_was_killed_is_committed_when_it_is_landed_again(project: Path) -> None:
    seen = keep_all(project, apply=False)
    paths = store.find(seen.one(ev.SessionStarted).session)
    assert killed(3, lambda: offline.land(paths, [], lambda _: None, commit=None))
    assert (project / ".git" / "index.lock").exists() and not commits(project)
    landed = Recording()
    assert offline.land(paths, [], landed, commit=None) == 2
    assert [event.commit for event in landed.all(ev.Landed)] == git(project, "log", "--reverse", "--format=%H").split()[1:]
    assert all(is_claimed(metric) for _, _, metric in commits(project))
    assert git(project, "status", "--porcelain") == " M README.md\n?? notes.txt\n"
    assert not (project / ".git" / "index.lock").exists()


def test_a_step_that_was_undone_after_the_next_was_measured_on_it(project: Path) -> None:
    seen = keep_all(project, apply=False)
    paths = store.find(seen.one(ev.SessionStarted).session)
    offline.revert(paths, 1, lambda _: None)
    assert offline.land(paths, [], lambda _: None, commit=None) == 1
    ((step, body, metric),) = commits(project)
    assert step == 2 and body.endswith(APART) and not is_claimed(metric)


def test_a_step_that_was_undone_before_the_next_was_proposed(project: Path) -> None:
    seen = keep_all(project, steps=1)
    offline.revert(store.find(seen.one(ev.SessionStarted).session), 1, lambda _: None)
    again = keep_all(project, resume="latest")
    assert [event.step for event in again.all(ev.Landed)] == [1, 2]
    _, body, metric = commits(project)[-1]
    assert body.endswith("measured in a sandbox.") and is_claimed(metric)


def test_steps_kept_without_apply_are_named_by_those_that_go_on_with_it(project: Path) -> None:
    keep_all(project, steps=1, apply=False)
    again = keep_all(project, resume="latest")
    assert [event.step for event in again.all(ev.Landed)] == [2]
    ((_, body, metric),) = commits(project)
    assert body.endswith(APART) and not is_claimed(metric)
