"""A landing, or an undoing, that was killed midway: a session that goes on makes it good, or says what would."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlagent_app.agent import events as ev
from mlagent_app.agent.errors import UserError
from mlagent_app.repo import indexlock
from mlagent_app.session import offline, store
from tests.repo.test_killed import killed
from tests.session.project import fingerprint, git, make_project
from tests.session.test_claims import commits, is_claimed, keep_all
from tests.session.test_decisions import SPREAD
from tests.session.test_session import Recording

DIRTY = " M README.md\n?? notes.txt\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(indexlock, "PATIENCE", 0.2)
    return make_project(tmp_path / "parabola", SPREAD)


def kill_apply(project: Path, count: int, *, kept: int = 1) -> store.SessionPaths:
    """A session that kept steps without landing them, and `mlagent apply` of the first, killed where it writes."""
    seen = keep_all(project, steps=kept, apply=False)
    paths = store.find(seen.one(ev.SessionStarted).session)
    assert killed(count, lambda: offline.land(paths, [1], lambda _: None, commit=None))
    return paths


def said(seen: Recording) -> str:
    return "\n".join(event.text for event in seen.all(ev.Notice))


@pytest.mark.parametrize("count", [0, 1, 3, 4, 6])
def test_a_session_that_goes_on_and_lands_completes_what_apply_began(project: Path, count: int) -> None:
    kill_apply(project, count)
    again = keep_all(project, resume="latest")
    assert [event.step for event in again.all(ev.Landed)] == [1, 2]
    # It comes before anything else that the session does.
    kinds = [type(event) for event in again.events]
    assert kinds.index(ev.Landed) < len(kinds) - kinds[::-1].index(ev.ActionProposed)
    assert [step for step, _, _ in commits(project)] == [1, 2]
    assert all(is_claimed(metric) for _, _, metric in commits(project))
    assert git(project, "status", "--porcelain") == DIRTY
    assert not (project / ".git" / "index.lock").exists()


def test_what_was_not_begun_stays_out_of_the_project(project: Path) -> None:
    paths = kill_apply(project, 3, kept=2)
    again = keep_all(project, steps=2, resume="latest")
    assert [event.step for event in again.all(ev.Landed)] == [1]
    assert f"(1); land them with: mlagent apply {paths.id}" in said(again)


def test_a_session_that_goes_on_and_lands_nothing_says_how_to_complete_it(project: Path) -> None:
    paths = kill_apply(project, 3)
    before = fingerprint(project)
    again = keep_all(project, steps=1, resume="latest", apply=False)
    assert fingerprint(project) == before
    assert f"landing step 1 was cut short: complete it with: mlagent apply {paths.id} 1" in said(again)


@pytest.mark.parametrize("landed", [True, False])
def test_an_undoing_that_was_cut_short_is_named_and_not_turned_round(project: Path, landed: bool) -> None:
    if landed:
        paths = store.find(keep_all(project, steps=1).one(ev.SessionStarted).session)
    else:
        paths = kill_apply(project, 6)
    assert killed(3, lambda: offline.revert(paths, 1, lambda _: None))
    before = git(project, "rev-parse", "HEAD")
    again = keep_all(project, steps=1, resume="latest")
    assert f"undoing step 1 was cut short: complete it with: mlagent revert {paths.id} 1" in said(again)
    assert git(project, "rev-parse", "HEAD") == before
    offline.revert(paths, 1, lambda _: None)
    assert git(project, "status", "--porcelain") == DIRTY
    assert git(project, "diff", "HEAD", "HEAD~2" if landed else "HEAD", "--", "train.py") == ""


@pytest.mark.parametrize("way", ["apply", "revert"])
def test_a_new_session_does_not_take_half_a_step_into_its_snapshot(project: Path, way: str) -> None:
    paths = kill_apply(project, 3)
    before, sessions = fingerprint(project), store.listing()
    with pytest.raises(UserError) as refused:
        keep_all(project, steps=1)
    line = refused.value.line()
    assert f"landing step 1 of session {paths.id} was cut short" in line and str(project) in line
    assert f"mlagent apply {paths.id} 1, or undo it with: mlagent revert {paths.id} 1" in line
    assert (fingerprint(project), store.listing()) == (before, sessions)
    if way == "apply":
        offline.land(paths, [1], lambda _: None, commit=None)
    else:
        offline.revert(paths, 1, lambda _: None)
    assert git(project, "status", "--porcelain") == DIRTY
    assert keep_all(project, steps=1).all(ev.SnapshotTaken)


def test_a_new_session_does_not_begin_on_half_an_undoing(project: Path) -> None:
    paths = store.find(keep_all(project, steps=1).one(ev.SessionStarted).session)
    assert killed(3, lambda: offline.revert(paths, 1, lambda _: None))
    with pytest.raises(UserError) as refused:
        keep_all(project, steps=1)
    assert refused.value.line().endswith(f"complete it with: mlagent revert {paths.id} 1")
    offline.revert(paths, 1, lambda _: None)
    assert keep_all(project, steps=1).all(ev.SnapshotTaken)


def test_what_was_cut_short_in_one_project_holds_up_no_other(project: Path, tmp_path: Path) -> None:
    paths = kill_apply(project, 3)
    assert keep_all(make_project(tmp_path / "other", SPREAD), steps=1).all(ev.SnapshotTaken)
    # A session that can neither be completed nor undone is given up by deleting it.
    store.delete(paths)
    assert keep_all(project, steps=1).all(ev.SnapshotTaken)
