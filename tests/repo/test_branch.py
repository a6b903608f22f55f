"""The commit of a landed step, beside whatever else the user has staged or changed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mlagent_app.agent.errors import UserError
from mlagent_app.repo import indexlock
from mlagent_app.repo.project import open_project
from tests.repo.support import TRAIN, Bed, fingerprint, git, make_repo, tree, write

STOPPED = """
import os, sys, time
from pathlib import Path
from mlagent_app.repo.landing import land
from mlagent_app.repo.project import open_project
from mlagent_app.repo.snapshot import Snapshot
replace = Path.replace
def stop(self, target):
    if self.name.startswith(".mlagent-"):
        print("holding", flush=True)
        time.sleep(60)
    return replace(self, target)
Path.replace = stop
snapshot = Snapshot.load(Path(sys.argv[2]))
project = open_project(sys.argv[1])
land(project, snapshot, snapshot.base, sys.argv[3], hunks=None, message="m", trailers={}, commit_to_branch=True)
"""


def staged(root: Path) -> dict[str, str]:
    """The index: path -> mode, blob and stage, with the times and sizes that git noted."""
    lines = git(root, "ls-files", "-z", "--stage", "--debug").split("\0")
    return {str(number): line for number, line in enumerate(lines)}


def blob(root: Path, name: str) -> bytes:
    return git(root, "cat-file", "blob", name).encode("utf-8", "surrogateescape")


def test_a_commit_of_just_the_change(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r", {"train.py": TRAIN, "dirty.py": b"1\n", "staged.py": b"1\n", "gone.py": b"1\n"})
    write(root, {"dirty.py": b"2\n", "staged.py": b"2\n", "untracked.py": b"1\n", "added.py": b"1\n"})
    git(root, "add", "staged.py", "added.py")
    git(root, "rm", "-q", "gone.py")
    bed = Bed(root, tmp_path / "s")
    commit = bed.commit({"train.py": TRAIN.replace(b"_9 = 9", b"_9 = 0"), "new.py": b"n\n"})
    status = git(root, "status", "--porcelain")
    old = git(root, "rev-parse", "HEAD").strip()
    result = bed.land(commit)
    assert result.note == ""
    assert result.files == ("new.py", "train.py")
    assert git(root, "rev-parse", "main").strip() == result.commit
    assert git(root, "rev-parse", "HEAD^").strip() == old
    assert git(root, "show", "--format=", "--name-status", "HEAD") == "A\tnew.py\nM\ttrain.py\n"
    assert git(root, "status", "--porcelain") == status
    assert (
        git(root, "show", "-s", "--format=%an <%ae> %cn <%ce>") == "Test User <test@example.com> Test User <test@example.com>\n"
    )
    assert git(root, "show", "-s", "--format=%B") == (
        "Raise the rate\n\nML-Agent-Step: s/1\nML-Agent-Metric: accuracy 0.9\nML-Agent-Model: bandit\n\n"
    )
    assert git(root, "show", "-s", "--format=%(trailers:key=ML-Agent-Step,valueonly)").strip() == "s/1"
    assert "mlagent" in git(root, "reflog", "-1", "main")
    assert git(root, "stash", "list") == ""
    git(root, "fsck", "--strict")


def test_other_entries_of_the_index_stay_to_the_byte(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r", {"a.py": b"1\n", "train.py": TRAIN, "z.py": b"1\n"})
    os.utime(root / "z.py", (1, 1))  # a refresh would note this
    bed = Bed(root, tmp_path / "s")
    entries = git(root, "ls-files", "--debug", "--stage", "a.py", "z.py")
    bed.land(bed.edit("train.py", b"_9 = 9", b"_9 = 0"))
    assert git(root, "ls-files", "--debug", "--stage", "a.py", "z.py") == entries
    assert git(root, "diff-files", "--name-only") == "z.py\n"  # train.py's times are noted


def test_a_change_in_the_tick_of_the_index_is_not_hidden(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r", {"train.py": TRAIN, "raced.py": b"1\n"})
    git(root, "config", "core.trustctime", "false")
    tick = 10**18
    os.utime(root / "raced.py", ns=(tick, tick))
    git(root, "update-index", "--refresh")
    write(root, {"raced.py": b"2\n"})  # of the same size
    os.utime(root / "raced.py", ns=(tick, tick))
    os.utime(root / ".git" / "index", ns=(tick, tick))
    bed = Bed(root, tmp_path / "s")
    assert bed.land(bed.edit("train.py", b"_9 = 9", b"_9 = 0")).commit
    assert git(root, "status", "--porcelain") == " M raced.py\n"


def test_uncommitted_changes_of_the_same_file_stay_uncommitted(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r")
    mine = TRAIN.replace(b"_30 = 30", b"_30 = 'mine'")
    write(root, {"train.py": mine})
    bed = Bed(root, tmp_path / "s")
    commit = bed.edit("train.py", b"_9 = 9", b"_9 = 0")
    result = bed.land(commit)
    assert result.commit and not result.note
    assert blob(root, "HEAD:train.py") == TRAIN.replace(b"_9 = 9", b"_9 = 0")
    assert blob(root, ":train.py") == blob(root, "HEAD:train.py")
    assert (root / "train.py").read_bytes() == mine.replace(b"_9 = 9", b"_9 = 0")
    assert bed.revert(commit).commit
    assert (root / "train.py").read_bytes() == mine
    assert blob(root, "HEAD:train.py") == blob(root, ":train.py") == TRAIN


def test_staged_changes_of_the_same_file_stay_staged(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r")
    mine = TRAIN.replace(b"_30 = 30", b"_30 = 'staged'")
    write(root, {"train.py": mine})
    git(root, "add", "train.py")
    both = mine.replace(b"_20 = 20", b"_20 = 'unstaged'")
    write(root, {"train.py": both})
    bed = Bed(root, tmp_path / "s")
    assert bed.land(bed.edit("train.py", b"_9 = 9", b"_9 = 0")).commit
    assert blob(root, "HEAD:train.py") == TRAIN.replace(b"_9 = 9", b"_9 = 0")
    assert blob(root, ":train.py") == mine.replace(b"_9 = 9", b"_9 = 0")
    assert (root / "train.py").read_bytes() == both.replace(b"_9 = 9", b"_9 = 0")


def in_the_same_lines(root: Path) -> None:
    write(root, {"train.py": TRAIN.replace(b"_9 = 9", b"_9 = 'mine'")})


def staged_in_the_same_lines(root: Path) -> None:
    write(root, {"train.py": TRAIN.replace(b"_9 = 9", b"_9 = 'other'")})
    git(root, "add", "train.py")
    write(root, {"train.py": TRAIN})


def untracked(root: Path) -> None:
    git(root, "rm", "-q", "--cached", "train.py")
    git(root, "commit", "-q", "-m", "untrack", "--allow-empty")


def only_staged(root: Path) -> None:
    untracked(root)
    git(root, "add", "train.py")


def ignored_by_git(root: Path) -> None:
    untracked(root)
    write(root, {".git/info/exclude": b"train.py\n", "other.py": b"import train\n"})
    git(root, "commit", "-q", "-a", "-m", "name it")


def unknown_author(root: Path) -> None:
    Path(os.environ["GIT_CONFIG_GLOBAL"]).write_text("[user]\n\tname = Only A Name\n")
    assert root


def without_commits(root: Path) -> None:
    git(root, "checkout", "-q", "--orphan", "fresh")


def overlooked(root: Path) -> None:
    git(root, "update-index", "--assume-unchanged", "train.py")


def failing_filter(root: Path) -> None:
    write(root, {".git/info/attributes": b"*.py filter=broken\n"})
    git(root, "config", "filter.broken.clean", "false")
    git(root, "config", "filter.broken.required", "true")


def git_state(root: Path) -> dict[str, object]:
    """All that git has noted but its objects: those that nothing names do no harm."""
    return {path: value for path, value in fingerprint(root / ".git").items() if not path.startswith("objects")}


@pytest.mark.parametrize(
    ("prepare", "word"),
    [
        (in_the_same_lines, "same lines"),
        (staged_in_the_same_lines, "same lines"),
        (untracked, "not in the last commit"),
        (only_staged, "not in the last commit"),
        (ignored_by_git, "not in the last commit"),
        (unknown_author, "user.email"),
        (without_commits, "no commit yet"),
        (overlooked, "assume-unchanged"),
        (failing_filter, "filter"),
    ],
)
def test_what_cannot_be_committed_is_written_only(tmp_path: Path, prepare: object, word: str) -> None:
    assert callable(prepare)
    root = make_repo(tmp_path / "r", {"train.py": TRAIN, "other.py": b"1\n"})
    prepare(root)
    bed = Bed(root, tmp_path / "s")
    content = (root / "train.py").read_bytes()
    wanted = content.replace(b"line_9 = ", b"line_nine = ")
    commit = bed.commit({"train.py": wanted, "other.py": b"2\n"})
    before = git_state(root)
    result = bed.land(commit)
    assert result.commit == ""
    assert word in result.note
    assert tree(root)["train.py"] == ("file", wanted)
    assert tree(root)["other.py"] == ("file", b"2\n")
    assert git_state(root) == before
    bed.revert(commit)
    assert (root / "train.py").read_bytes() == content


def test_a_new_file_that_git_ignores_is_written_only(tmp_path: Path) -> None:
    bed = Bed(make_repo(tmp_path / "r", {"train.py": TRAIN, ".gitignore": b"conf/\n"}), tmp_path / "s")
    result = bed.land(bed.commit({"conf/new.py": b"n\n"}))
    assert (result.commit, result.files) == ("", ("conf/new.py",))
    assert "ignored" in result.note


def test_without_a_commit_git_is_left_alone(tmp_path: Path) -> None:
    bed = Bed(make_repo(tmp_path / "r"), tmp_path / "s")
    before = fingerprint(bed.root / ".git")
    result = bed.land(bed.edit("train.py", b"_9 = 9", b"_9 = 0"), to_branch=False)
    assert (result.files, result.commit, result.note) == (("train.py",), "", "")
    assert fingerprint(bed.root / ".git") == before


def test_a_change_that_is_committed_already_is_not_committed_again(tmp_path: Path) -> None:
    bed = Bed(make_repo(tmp_path / "r"), tmp_path / "s")
    commit = bed.edit("train.py", b"_9 = 9", b"_9 = 0")
    bed.land(commit, to_branch=False)
    head = git(bed.root, "rev-parse", "HEAD")
    result = bed.revert(commit)
    assert (result.files, result.commit) == (("train.py",), "")
    assert "already" in result.note
    assert git(bed.root, "rev-parse", "HEAD") == head
    assert git(bed.root, "status", "--porcelain") == ""


def test_a_locked_index_stops_the_landing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexlock, "PATIENCE", 0.1)
    bed = Bed(make_repo(tmp_path / "r"), tmp_path / "s")
    (bed.root / ".git" / "index.lock").write_bytes(b"")
    before = fingerprint(bed.root)
    with pytest.raises(UserError, match=r"another git process.*index\.lock"):
        bed.land(bed.edit("train.py", b"_9 = 9", b"_9 = 0"))
    assert fingerprint(bed.root) == before


def test_what_a_killed_landing_left_is_cleared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexlock, "PATIENCE", 0.1)
    bed = Bed(make_repo(tmp_path / "r"), tmp_path / "s")
    commit = bed.edit("train.py", b"_9 = 9", b"_9 = 0")
    child = subprocess.Popen(
        [sys.executable, "-c", STOPPED, str(bed.root), str(tmp_path / "s"), commit], stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"holding\n"
    with pytest.raises(UserError, match="another git process"):
        bed.land(commit)
    child.kill()
    child.wait()
    child.stdout.close()
    assert (bed.root / ".git" / "index.lock").exists()
    assert list(bed.root.glob(".mlagent-*.tmp"))
    result = bed.land(commit)
    assert result.commit
    assert (bed.root / "train.py").read_bytes() == TRAIN.replace(b"_9 = 9", b"_9 = 0")
    assert git(bed.root, "status", "--porcelain") == ""
    assert not (bed.root / ".git" / "index.lock").exists()


def test_a_branch_that_cannot_move_leaves_the_files_as_they_were(tmp_path: Path) -> None:
    bed = Bed(make_repo(tmp_path / "r"), tmp_path / "s")
    (bed.root / ".git" / "refs" / "heads" / "main.lock").write_bytes(b"")
    head, before = git(bed.root, "rev-parse", "HEAD"), tree(bed.root)
    with pytest.raises(UserError, match="main"):
        bed.land(bed.edit("train.py", b"_9 = 9", b"_9 = 0"))
    assert (git(bed.root, "rev-parse", "HEAD"), tree(bed.root)) == (head, before)
    assert not (bed.root / ".git" / "index.lock").exists()
    assert git(bed.root, "status", "--porcelain") == ""


def test_a_merge_that_began_meanwhile_stops_the_landing(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r")
    bed = Bed(root, tmp_path / "s")
    commit = bed.edit("train.py", b"_9 = 9", b"_9 = 0")
    git(root, "checkout", "-q", "-b", "side")
    git(root, "commit", "-q", "--allow-empty", "-m", "side")
    git(root, "checkout", "-q", "main")
    git(root, "merge", "-q", "--no-commit", "--no-ff", "side")
    before = fingerprint(root)
    with pytest.raises(UserError, match="merge is under way"):
        bed.land(commit)
    assert fingerprint(root) == before


def test_a_detached_head_moves_and_says_so(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r")
    git(root, "checkout", "-q", "--detach")
    main = git(root, "rev-parse", "main")
    bed = Bed(root, tmp_path / "s")
    result = bed.land(bed.edit("train.py", b"_9 = 9", b"_9 = 0"))
    assert git(root, "rev-parse", "HEAD").strip() == result.commit
    assert git(root, "rev-parse", "main") == main
    assert "detached" in result.note


def test_a_branch_switched_after_opening(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r")
    bed = Bed(root, tmp_path / "s")
    main = git(root, "rev-parse", "main")
    git(root, "checkout", "-q", "-b", "side")
    git(root, "commit", "-q", "--allow-empty", "-m", "side")
    result = bed.land(bed.edit("train.py", b"_9 = 9", b"_9 = 0"))
    assert git(root, "rev-parse", "side").strip() == result.commit
    assert git(root, "rev-parse", "main") == main


@pytest.mark.parametrize("place", [".git/hooks", ".husky"])
def test_hooks_do_not_run_and_that_is_said(tmp_path: Path, place: str) -> None:
    root = make_repo(tmp_path / "r")
    for name in ("pre-commit", "commit-msg", "reference-transaction", "post-index-change"):
        write(root, {f"{place}/{name}": b"#!/bin/sh\ntouch ran\nexit 1\n"})
        (root / place / name).chmod(0o755)
    write(root, {f"{place}/post-commit.sample": b"", f"{place}/prepare-commit-msg": b"not executable\n"})
    if place == ".husky":
        git(root, "config", "core.hooksPath", place)
    bed = Bed(root, tmp_path / "s")
    result = bed.land(bed.edit("train.py", b"_9 = 9", b"_9 = 0"))
    assert result.commit
    assert result.note == "your commit hooks did not run (pre-commit, commit-msg)"
    assert not (root / "ran").exists()


def test_a_project_that_is_part_of_a_repository(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r", {"a b/train.py": TRAIN, "train.py": b"top\n"})
    bed = Bed(root / "a b", tmp_path / "s")
    result = bed.land(bed.edit("train.py", b"_9 = 9", b"_9 = 0"))
    assert result.files == ("train.py",)
    assert git(root, "show", "--format=", "--name-only", "HEAD") == "a b/train.py\n"
    assert git(root, "status", "--porcelain") == ""


def test_a_linked_work_tree(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r")
    git(root, "worktree", "add", "-q", "-b", "side", str(tmp_path / "w"))
    before = (git(root, "rev-parse", "main"), staged(root))
    bed = Bed(tmp_path / "w", tmp_path / "s")
    result = bed.land(bed.edit("train.py", b"_9 = 9", b"_9 = 0"))
    assert git(root, "rev-parse", "side").strip() == result.commit
    assert git(tmp_path / "w", "status", "--porcelain") == ""
    assert (git(root, "rev-parse", "main"), staged(root)) == before


@pytest.mark.parametrize("setting", ["autocrlf", "attributes", "legacy"])
def test_line_ends_are_stored_as_the_project_wants_them(tmp_path: Path, setting: str) -> None:
    crlf = TRAIN.replace(b"\n", b"\r\n")
    root = make_repo(tmp_path / "r", {"train.py": crlf if setting == "legacy" else TRAIN})
    if setting == "attributes":
        write(root, {".gitattributes": b"*.py text eol=crlf\n"})
        git(root, "add", ".gitattributes")
        git(root, "commit", "-q", "-m", "attributes")
    else:
        git(root, "config", "core.autocrlf", "true")
    write(root, {"train.py": crlf})
    git(root, "status")
    bed = Bed(root, tmp_path / "s")
    result = bed.land(bed.edit("train.py", b"_9 = 9\r", b"_9 = 0\r"))
    assert result.commit and not result.note
    assert (root / "train.py").read_bytes() == crlf.replace(b"_9 = 9", b"_9 = 0")
    wanted = (crlf if setting == "legacy" else TRAIN).replace(b"_9 = 9", b"_9 = 0")
    assert blob(root, "HEAD:train.py") == wanted
    assert git(root, "status", "--porcelain") == ""
    assert git(root, "show", "--format=", "--numstat", "HEAD") == "1\t1\ttrain.py\n"


def test_filters_are_honoured(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r", {"train.py": TRAIN, "nb/a.txt": b"clean\n", "nb/.gitattributes": b"*.txt filter=rot\n"})
    git(root, "config", "filter.rot.clean", "tr a-z n-za-m")
    git(root, "config", "filter.rot.smudge", "tr a-z n-za-m")
    write(root, {"nb/a.txt": b"hello\n"})
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "filtered")
    bed = Bed(root, tmp_path / "s")
    assert bed.land(bed.commit({"nb/a.txt": b"world\n"})).commit
    assert (root / "nb" / "a.txt").read_bytes() == b"world\n"
    assert blob(root, "HEAD:nb/a.txt") == b"jbeyq\n"
    assert git(root, "status", "--porcelain") == ""


def test_deleted_and_executable_files(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r", {"d/old.py": b"1\n", "run.sh": b"1\n"})
    (root / "run.sh").chmod(0o755)
    git(root, "commit", "-q", "-a", "-m", "executable")
    bed = Bed(root, tmp_path / "s")
    commit = bed.commit({"d/old.py": None, "run.sh": b"2\n"})
    bed.land(commit)
    assert git(root, "ls-tree", "-r", "--format=%(objectmode) %(path)", "HEAD") == "100755 run.sh\n"
    assert git(root, "status", "--porcelain") == ""
    assert not (root / "d").exists()
    bed.revert(commit)
    assert git(root, "diff", "HEAD~2", "HEAD") == ""
    assert git(root, "status", "--porcelain") == ""
    assert (root / "d" / "old.py").read_bytes() == b"1\n"


@pytest.mark.parametrize("option", ["splitIndex", "untrackedCache"])
def test_special_indexes(tmp_path: Path, option: str) -> None:
    root = make_repo(tmp_path / "r", {"train.py": TRAIN, "b.py": b"1\n"})
    git(root, "config", f"core.{option}", "true")
    flag = {"splitIndex": "--split-index", "untrackedCache": "--force-untracked-cache"}[option]
    git(root, "update-index", flag)
    git(root, "status")
    bed = Bed(root, tmp_path / "s")
    assert bed.land(bed.commit({"train.py": TRAIN.replace(b"_9 = 9", b"_9 = 0"), "new.py": b""})).commit
    assert git(root, "status", "--porcelain") == ""
    git(root, "fsck", "--strict")


def test_objects_named_by_sha256(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--object-format=sha256", "r")
    root = make_repo(tmp_path / "r", {"train.py": TRAIN, "old.py": b"1\n"})
    bed = Bed(root, tmp_path / "s")
    commit = bed.commit({"train.py": TRAIN.replace(b"_9 = 9", b"_9 = 0"), "old.py": None})
    assert len(bed.land(commit).commit) == 64
    assert git(root, "status", "--porcelain") == ""


def test_a_commit_that_would_be_signed(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r")
    git(root, "config", "commit.gpgSign", "true")
    bed = Bed(root, tmp_path / "s")
    result = bed.land(bed.edit("train.py", b"_9 = 9", b"_9 = 0"))
    assert result.commit and "not signed" in result.note


def test_names_that_mean_something_to_git(tmp_path: Path) -> None:
    names = (":top.py", "*.py", "-x.py", "a\nb.py", 'q"\\.py', "[ab].py", "größe.py")
    root = make_repo(tmp_path / "r", {**dict.fromkeys(names, b"1\n"), "a.py": b"1\n"})
    bed = Bed(root, tmp_path / "s")
    contents: dict[str, bytes | None] = {**dict.fromkeys(names, b"2\n"), ":new*.py": b"n\n"}
    result = bed.land(bed.commit(contents))
    assert result.commit
    assert sorted(result.files) == sorted(contents)
    assert git(root, "status", "--porcelain") == ""
    assert blob(root, "HEAD:a.py") == b"1\n"


def test_an_index_that_is_missing(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r")
    shutil.copy(root / ".git" / "index", tmp_path / "index")
    (root / ".git" / "index").unlink()
    bed = Bed(root, tmp_path / "s")
    result = bed.land(bed.edit("train.py", b"_9 = 9", b"_9 = 0"))
    assert result.commit == "" and "index" in result.note
    assert not (root / ".git" / "index").exists()
    assert open_project(root).head
