"""Deciding on a session whose process was killed between doing something and writing it down."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mlagent_app.agent import events as ev
from mlagent_app.session import offline, store
from mlagent_app.session.recorder import Recorder
from mlagent_app.session.store import SessionPaths
from tests.repo.test_killed import killed
from tests.session.project import git, make_project
from tests.session.test_claims import keep_all
from tests.session.test_decisions import SPREAD

USERS = " M README.md\n?? notes.txt\n"  # what the test project's user has not committed


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path / "parabola", SPREAD)


def kept(project: Path, *, apply: bool = False) -> SessionPaths:
    """A session that has kept two steps."""
    return store.find(keep_all(project, apply=apply).one(ev.SessionStarted).session)


def test_a_landing_that_was_killed_can_be_undone(project: Path) -> None:
    paths, before = kept(project), (project / "train.py").read_bytes()
    assert killed(3, lambda: offline.land(paths, [1], lambda _: None, commit=None))
    offline.revert(paths, 1, lambda _: None)
    assert (project / "train.py").read_bytes() == before
    assert git(project, "status", "--porcelain") == USERS and not (project / ".git" / "index.lock").exists()


def test_a_landing_that_was_not_written_down_can_be_undone(project: Path) -> None:
    paths, before = kept(project), (project / "train.py").read_bytes()
    journal = paths.journal.read_bytes()

    def cut(_: Recorder, event: ev.Event) -> None:
        """The machine stops before the journal has it."""
        if isinstance(event, ev.Landed):
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Recorder, "emit", cut)
        with pytest.raises(KeyboardInterrupt):
            offline.land(paths, [1], lambda _: None, commit=None)
    assert paths.journal.read_bytes() == journal and (project / "train.py").read_bytes() != before
    offline.revert(paths, 1, lambda _: None)
    assert (project / "train.py").read_bytes() == before
    assert git(project, "log", "-1", "--format=%s").startswith("Revert") and git(project, "status", "--porcelain") == USERS


def test_a_revert_that_was_not_written_down_is_completed_by_the_next(project: Path) -> None:
    paths = kept(project, apply=True)
    journal, before = paths.journal.read_bytes(), git(project, "rev-list", "--count", "HEAD")
    offline.revert(paths, 2, lambda _: None)
    paths.journal.write_bytes(journal)
    offline.revert(paths, 2, lambda _: None)
    offline.revert(paths, 1, lambda _: None)
    assert int(git(project, "rev-list", "--count", "HEAD")) == int(before) + 2
    assert git(project, "status", "--porcelain") == USERS


def test_work_that_is_in_a_session_alone_is_not_pruned(project: Path) -> None:
    unlanded, landed = kept(project), kept(project, apply=True)
    assert [item.unlanded for item in store.listing()] == [0, 2]
    assert store.prune(keep=0) == 1
    assert unlanded.directory.exists() and not landed.directory.exists()
    shutil.rmtree(project)
    assert store.prune(keep=0) == 1 and not unlanded.directory.exists()
