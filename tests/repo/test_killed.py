"""A landing that is killed at any point, and one that meets another git process: the next one makes good what is missing."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest

from mlagent_app.repo import indexlock
from mlagent_app.repo.gitcmd import Git
from mlagent_app.repo.indexlock import IndexHeld, IndexLock
from tests.repo.support import TRAIN, Bed, fingerprint, git, make_repo, tree, write

Given = ParamSpec("Given")
Answer = TypeVar("Answer")
MINE = TRAIN.replace(b"_30 = 30", b"_30 = 'mine'")
AFTER = {"train.py": TRAIN.replace(b"_9 = 9", b"_9 = 0"), "new.py": b"n\n", "old.py": None}
STATUS = "A  staged.py\n M train.py\n?? notes.txt\n"


def busy_bed(tmp_path: Path) -> tuple[Bed, str]:
    """A project with changes of the user's, and a step that changes, adds and deletes a file."""
    root = make_repo(tmp_path / "r", {"train.py": TRAIN, "old.py": b"1\n"})
    write(root, {"train.py": MINE, "staged.py": b"1\n", "notes.txt": b"1\n"})
    git(root, "add", "staged.py")
    bed = Bed(root, tmp_path / "s")
    return bed, bed.commit({**AFTER, "train.py": MINE.replace(b"_9 = 9", b"_9 = 0")})


def die_after(count: int) -> None:
    """Have this process killed where it would write for the `count`-th time once it has the lock."""
    left = [count]
    take = IndexLock.take

    def counted(call: Callable[Given, Answer]) -> Callable[Given, Answer]:
        def instead(*args: Given.args, **kwargs: Given.kwargs) -> Answer:
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1
            return call(*args, **kwargs)

        return instead

    def taken(lock: IndexLock) -> None:
        take(lock)
        Path.replace, Path.unlink, Git.run = counted(Path.replace), counted(Path.unlink), counted(Git.run)  # type: ignore[method-assign]

    IndexLock.take = taken  # type: ignore[method-assign]


def killed(count: int, call: Callable[..., object], *args: object) -> bool:
    """Whether the call, in a process of its own, was killed before its end."""

    def work() -> None:
        die_after(count)
        call(*args)

    child = multiprocessing.get_context("fork").Process(target=work)
    child.start()
    child.join()
    assert child.exitcode in (0, -signal.SIGKILL)
    return child.exitcode != 0


@pytest.mark.parametrize("undo", [False, True])
def test_whatever_is_missing_after_a_kill_is_made_good(tmp_path: Path, undo: bool) -> None:
    count = 0
    while True:
        bed, commit = busy_bed(tmp_path / str(count))
        if undo:
            bed.land(commit)
        call = bed.revert if undo else bed.land
        died = killed(count, call, commit)
        call(commit)
        assert git(bed.root, "log", "--format=%s").split("\n")[:-1] == ["Undo"] * undo + ["Raise the rate", "first"], count
        assert git(bed.root, "status", "--porcelain") == STATUS, count
        names = ["old.py", "train.py"] if undo else ["new.py", "train.py"]
        assert git(bed.root, "ls-tree", "-r", "--name-only", "HEAD").split() == names
        assert git(bed.root, "show", "HEAD:train.py").encode() == (TRAIN if undo else AFTER["train.py"])
        assert tree(bed.root)["train.py"][1] == (MINE if undo else MINE.replace(b"_9 = 9", b"_9 = 0"))
        left = [path.name for place in (bed.root, bed.root / ".git") for path in place.glob("*mlagent*")]
        assert not left and not (bed.root / ".git" / "index.lock").exists(), count
        if not died:
            break
        count += 1
    assert count > 8  # it was killed at all of the places


def test_a_commit_after_a_kill_names_the_files_of_the_whole_step(tmp_path: Path) -> None:
    bed, commit = busy_bed(tmp_path)
    assert killed(2, bed.land, commit)
    result = bed.land(commit)
    assert result.commit == git(bed.root, "rev-parse", "HEAD").strip()
    assert sorted(result.files) == sorted(AFTER)
    again = bed.land(commit)
    assert (again.files, again.commit, again.note) == ((), "", "the project holds this change already")


def test_what_a_kill_left_is_cleared_where_nothing_is_committed(tmp_path: Path) -> None:
    bed, commit = busy_bed(tmp_path)
    assert killed(4, bed.land, commit)
    assert (bed.root / ".git" / "index.lock").exists()
    head = git(bed.root, "rev-parse", "HEAD")
    bed.land(commit, to_branch=False)
    assert not (bed.root / ".git" / "index.lock").exists()
    assert git(bed.root, "rev-parse", "HEAD") == head


def test_what_a_kill_left_and_cannot_be_committed_is_said(tmp_path: Path) -> None:
    bed, commit = busy_bed(tmp_path)
    assert killed(4, bed.land, commit)
    (bed.root / ".git" / "index.lock").unlink()  # as git tells them to
    git(bed.root, "update-index", "--assume-unchanged", "train.py")
    result = bed.land(commit)
    assert (result.commit, result.note[:23]) == ("", "written, not committed:")


def test_the_lock_of_a_killed_landing_may_be_removed_by_hand(tmp_path: Path) -> None:
    bed, commit = busy_bed(tmp_path)
    assert killed(4, bed.land, commit)
    (bed.root / ".git" / "index.lock").unlink()
    assert bed.land(commit).commit
    assert git(bed.root, "status", "--porcelain") == STATUS


def test_what_the_user_did_in_the_same_way_is_theirs_to_commit(tmp_path: Path) -> None:
    bed, commit = busy_bed(tmp_path)
    bed.land(commit, to_branch=False)
    before = fingerprint(bed.root)
    result = bed.land(commit)
    assert (result.commit, result.note[:23]) == ("", "written, not committed:")
    assert {name: value for name, value in before.items() if "objects" not in name} == {
        name: value for name, value in fingerprint(bed.root).items() if "objects" not in name
    }


def test_a_lock_that_is_held_for_a_moment_is_waited_for(tmp_path: Path) -> None:
    bed = Bed(make_repo(tmp_path / "r"), tmp_path / "s")
    lock = bed.root / ".git" / "index.lock"
    lock.write_bytes(b"")
    thread = threading.Timer(0.7, lock.unlink)
    thread.start()
    assert bed.land(bed.edit("train.py", b"_9 = 9", b"_9 = 0")).commit
    thread.join()


def test_a_lock_that_stays_is_waited_for_only_so_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexlock, "PATIENCE", 0.3)
    bed = Bed(make_repo(tmp_path / "r"), tmp_path / "s")
    (bed.root / ".git" / "index.lock").write_bytes(b"")
    start = time.monotonic()
    with pytest.raises(IndexHeld, match="another git process"):
        bed.land(bed.edit("train.py", b"_9 = 9", b"_9 = 0"))
    assert time.monotonic() - start >= 0.3
    assert tree(bed.root)["train.py"] == ("file", TRAIN)
