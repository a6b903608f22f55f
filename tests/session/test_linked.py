"""Data that a run sees through links: what changes it, and what a run cannot change."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mlagent_app.agent import events as ev
from mlagent_app.agent.errors import Exit
from mlagent_app.agent.events import Event
from mlagent_app.repo.linked import MOST_FILES
from mlagent_app.session.control import Controls
from tests.session.project import TRAIN, fingerprint, make_project
from tests.session.test_session import run

LARGE = 33 << 20
SANDBOXES = ["local", pytest.param("bwrap", marks=pytest.mark.bwrap)]
READS = TRAIN.replace('    print(f"', '    score += float(open("data/scale.txt").read())\n    print(f"')


@pytest.fixture
def data(tmp_path: Path) -> Path:
    directory = tmp_path / "elsewhere"
    (directory / "more").mkdir(parents=True)
    (directory / "scale.txt").write_text("0.0")
    (directory / "more" / "old.csv").write_text("1")
    return directory


@pytest.fixture
def project(tmp_path: Path, data: Path) -> Path:
    project = make_project(tmp_path / "parabola", READS)
    (project / "data").symlink_to(data)
    return project


def at(kind: type[Event], do: Callable[[], object]) -> Callable[[Event, Controls], None]:
    """Do it once, when the first event of that kind comes."""
    left = [do]

    def react(event: Event, _: Controls) -> None:
        if isinstance(event, kind) and left:
            left.pop()()

    return react


def large(path: Path, start: bytes) -> Path:
    """A file that is too large for a snapshot; it takes next to no room."""
    with path.open("wb") as file:
        file.write(start)
        file.truncate(LARGE)
    return path


def overwrites(name: str) -> str:
    return TRAIN.replace("def main():\n", f'def main():\n    open("{name}", "wb").write(b"of the run")\n')


def replaced(path: Path) -> None:
    """The file regenerated with another content of the same size and the same time."""
    before = path.stat()
    fresh = path.with_name("fresh")
    fresh.write_bytes(b"9" * before.st_size)
    os.utime(fresh, ns=(before.st_atime_ns, before.st_mtime_ns))
    fresh.replace(path)


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "written": (lambda data: (data / "scale.txt").write_text("0.5"), "data/scale.txt has changed"),
    "replaced": (lambda data: replaced(data / "scale.txt"), "data/scale.txt has changed"),
    "new": (lambda data: (data / "more" / "new.csv").write_text("1"), "data/more/new.csv is new"),
    "gone": (lambda data: (data / "more" / "old.csv").unlink(), "data/more/old.csv is gone"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_linked_data_that_changes_ends_the_session_without_a_gain(project: Path, data: Path, change: str) -> None:
    do, said = CHANGES[change]
    seen, code = run(project, at(ev.BaselineMeasured, lambda: do(data)))
    failed = seen.one(ev.Failed)
    assert code == failed.code == Exit.NO_METRIC
    assert said in failed.message and "baseline" in failed.message and "start a new session" in failed.message
    assert "\n" not in failed.message
    assert not seen.all(ev.Rewarded)
    last = seen.all(ev.RunFinished)[-1]
    assert (last.step, last.value) == (1, None) and said in last.message


def test_a_resumed_session_knows_the_data_of_its_baseline(project: Path, data: Path) -> None:
    first, _ = run(project, at(ev.BaselineMeasured, lambda: (data / "scale.txt").write_text("0.5")))
    again, code = run(project, resume=first.one(ev.SessionStarted).session)
    assert code == Exit.NO_METRIC
    failures = [failed.message for failed in again.all(ev.Failed)]
    assert len(failures) == 2 and all("data/scale.txt has changed" in said for said in failures)
    assert not again.all(ev.Rewarded) and len(again.all(ev.BaselineMeasured)) == 1
    fresh, code = run(project)
    assert code == Exit.OK and fresh.all(ev.Rewarded)


def test_a_run_that_changes_linked_data_yields_no_metric(tmp_path: Path, data: Path) -> None:
    project = make_project(tmp_path / "parabola", READS.replace("def main():\n", 'def main():\n    open("data/log", "a")\n'))
    (project / "data").symlink_to(data)
    seen, code = run(project)
    assert code == Exit.NO_METRIC
    assert "data/log is new" in seen.one(ev.Failed).message
    assert not seen.all(ev.BaselineMeasured)


def test_of_a_directory_with_very_many_files_the_first_are_looked_at(project: Path, data: Path) -> None:
    for number in range(MOST_FILES):
        (data / f"{number:05}").touch()
    seen, code = run(project, at(ev.BaselineMeasured, lambda: (data / "scale.txt").write_text("0.0 ")), session__steps=1)
    assert code == Exit.OK and seen.all(ev.Rewarded)
    seen, code = run(project, at(ev.BaselineMeasured, lambda: (data / "00000").write_text("x")), session__steps=1)
    assert code == Exit.NO_METRIC


@pytest.mark.parametrize("sandbox", SANDBOXES)
def test_a_run_writes_a_large_checkpoint_and_the_users_own_stays(tmp_path: Path, sandbox: str) -> None:
    project = make_project(tmp_path / "parabola", overwrites("model.pt"))
    large(project / "model.pt", b"mine")
    before = fingerprint(project)
    seen, code = run(project, sandbox__kind=sandbox, session__steps=1)
    assert code == Exit.OK and seen.all(ev.Rewarded)
    assert fingerprint(project) == before


def test_no_linked_file_is_overwritten_in_the_local_sandbox(tmp_path: Path) -> None:
    project = make_project(tmp_path / "parabola", overwrites("table.csv"))
    table = large(tmp_path / "table.csv", b"mine")
    (project / "table.csv").symlink_to(table)
    seen, code = run(project, session__steps=1)
    assert code == Exit.OK and seen.all(ev.Rewarded)
    assert table.read_bytes()[:4] == b"mine"


def test_the_local_sandbox_refuses_a_file_that_it_has_no_room_to_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make_project(tmp_path / "parabola", overwrites("table.csv"))
    table = large(project / "table.csv", b"mine")
    monkeypatch.setattr("mlagent_app.environment.copies.SPARE_BYTES", 1 << 60)
    seen, code = run(project)
    assert code == Exit.NO_SANDBOX
    message = seen.one(ev.Failed).message
    assert "table.csv" in message and "no room" in message and "chmod a-w" in message and "bwrap" in message
    assert table.read_bytes()[:4] == b"mine"


@pytest.mark.bwrap
def test_a_file_that_is_linked_read_only_is_said_to_be(tmp_path: Path) -> None:
    project = make_project(tmp_path / "parabola", overwrites("table.csv"))
    large(project / "table.csv", b"mine")
    seen, code = run(project, sandbox__kind="bwrap")
    assert code == Exit.NO_METRIC
    message = seen.one(ev.Failed).message
    assert "table.csv" in message and "33 MiB" in message and "linked read-only" in message and "elsewhere" in message
    assert "only write inside" not in message


@pytest.mark.parametrize("sandbox", SANDBOXES)
def test_a_file_over_the_limit_names_the_setting(tmp_path: Path, sandbox: str) -> None:
    source = TRAIN.replace("def main():\n", 'def main():\n    open("out.bin", "wb").write(bytes(2 << 20))\n')
    seen, code = run(make_project(tmp_path / "parabola", source), sandbox__kind=sandbox, limits__file_mb=1)
    assert code == Exit.NO_METRIC
    assert "[limits] file_mb" in seen.one(ev.Failed).message


def test_links_and_what_was_left_out_are_told_with_the_reason(project: Path, data: Path) -> None:
    for number in range(60):
        (project / f"lost{number:02}").symlink_to("/nowhere/at/all")
    seen, _ = run(project, session__steps=1)
    taken = seen.one(ev.SnapshotTaken)
    assert taken.linked == (("data", f"a link to {data}"),)
    assert len(taken.left_out) == 50 and taken.cut == 10
