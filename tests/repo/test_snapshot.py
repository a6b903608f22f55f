"""The private repository: byte for byte, atomic, and without a trace in the project."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mlagent_app.agent.errors import UserError
from mlagent_app.repo.gitcmd import GitError
from mlagent_app.repo.hunks import split
from mlagent_app.repo.listing import list_project
from mlagent_app.repo.project import open_project
from mlagent_app.repo.scan import Bounds
from mlagent_app.repo.snapshot import Snapshot
from tests.repo.support import TRAIN, Bed, fingerprint, git, make_repo, tree, write

CREATE = """
import sys
from pathlib import Path
from mlagent_app.repo.listing import list_project
from mlagent_app.repo.project import open_project
from mlagent_app.repo.snapshot import Snapshot
project = open_project(sys.argv[1])
print("go", flush=True)
Snapshot.create(Path(sys.argv[2]), project, list_project(project))
"""
ODD: dict[str, bytes] = {
    "crlf.py": b"a = 1\r\nb = 2\r\n",
    "latin1.py": b"name = '\xe9'\n",
    "binary.bin": bytes(range(256)),
    "no newline": b"x",
    "empty": b"",
    "utf16.txt": "text\n".encode("utf-16"),
    "sub dir/größe.py": b"1\n",
    "new\nline 'and\" quote\\.py": b"1\n",
    ":colon.py": b"1\n",
    "star[*].py": b"$Id$\n",
    "-dash": b"1\n",
    ".gitattributes": b"*.py text eol=crlf ident\n*.txt working-tree-encoding=utf-16\n*.bin filter=wrong\n* merge=union\n",
}


def odd_repo(root: Path) -> Path:
    make_repo(root, {**ODD, ".gitattributes": b""})
    write(root, ODD)
    git(root, "config", "core.autocrlf", "true")
    (root / "run.sh").write_bytes(b"#!/bin/sh\r\n")
    (root / "run.sh").chmod(0o755)
    (root / "link").symlink_to("sub dir/größe.py")
    with open(os.fsencode(root) + b"/caf\xe9", "wb") as file:
        file.write(b"x")
    return root


def test_every_byte_comes_back_and_the_project_is_untouched(tmp_path: Path) -> None:
    root = odd_repo(tmp_path / "r")
    before = fingerprint(root)
    bed = Bed(root, tmp_path / "s")
    bed.snapshot.materialise(bed.base, tmp_path / "w")
    assert fingerprint(root) == before
    assert tree(tmp_path / "w") == tree(root)
    assert not (tmp_path / "w" / ".git").exists()
    assert sorted(bed.snapshot.files(bed.base)) == sorted(tree(root))
    for path, content in ODD.items():
        assert bed.snapshot.read(bed.base, path) == content


def test_an_index_that_git_status_would_refresh_is_left_alone(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r")
    write(root, {"staged.py": b"1\n", "other.py": b"2\n"})
    git(root, "add", "staged.py")
    os.utime(root / "train.py", (1, 1))
    before = fingerprint(root)
    bed = Bed(root, tmp_path / "s")
    bed.snapshot.materialise(bed.base, tmp_path / "w")
    bed.edit("train.py", b"line_1 = 1\n", b"line_1 = 0\n")
    assert fingerprint(root) == before
    git(root, "status")
    assert fingerprint(root) != before  # the trap works


def test_edits_are_commits(tmp_path: Path) -> None:
    bed = Bed(odd_repo(tmp_path / "r"), tmp_path / "s")
    snapshot = bed.snapshot
    contents = {"run.sh": b"#!/bin/sh\n", "new/file.py": b"n = 1\r\n", "empty": None, "star[*].py": b"2\n", ":colon.py": b"2\n"}
    commit = bed.commit(contents)
    for path, content in contents.items():
        assert (path in snapshot.files(commit)) == (content is not None)
        if content is not None:
            assert snapshot.read(commit, path) == content
    assert {path for path in snapshot.files(commit) if path not in contents} == set(snapshot.files(bed.base)) - set(contents)
    snapshot.materialise(commit, tmp_path / "w")
    found = tree(tmp_path / "w")
    assert found["run.sh"] == ("executable", b"#!/bin/sh\n")
    assert found["new/file.py"][0] == "file"
    assert bed.commit(contents) == commit  # the same edit is the same commit
    assert bed.commit({"run.sh": b"#!/bin/sh\r\n", "nothing": None}) == bed.base
    assert bed.commit({}) == bed.base
    with pytest.raises(GitError):
        snapshot.read(commit, "empty")


def test_what_no_edit_may_touch(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r", {"train.py": TRAIN, "sub/a.py": b"", "large.bin": b"x" * 2000})
    library = make_repo(tmp_path / "lib", {"lib.py": b""})
    git(root, "submodule", "add", "-q", str(library), "lib")
    (root / "link").symlink_to("train.py")
    project = open_project(root)
    (tmp_path / "s").mkdir()
    snapshot = Snapshot.create(tmp_path / "s", project, list_project(project, bounds=Bounds(large=1000)))
    for path in (
        "../x", "/etc/passwd", ".git/config", "sub/.GIT/config", "a//b", "", "sub/../x", "./x", "a\0b", "link", "lib/lib.py",
        "large.bin", "large.bin/x", "train.py/x", "sub", "link/x",
    ):  # fmt: skip
        with pytest.raises(UserError) as caught:
            snapshot.commit_edit(snapshot.base, {path: b"x"}, "m")
        assert not isinstance(caught.value, GitError), path
    assert snapshot.files(snapshot.base)[-1] == "train.py"


def test_an_edit_that_leads_back_to_a_commit_is_known(tmp_path: Path) -> None:
    bed = Bed(make_repo(tmp_path / "r", {"train.py": b"C = 1\n"}), tmp_path / "s")
    snapshot = bed.snapshot
    base = snapshot.base
    first = snapshot.commit_edit(base, {"train.py": b"C = 2\n"}, "one")
    second = snapshot.commit_edit(first, {"train.py": b"C = 3\n"}, "two")
    other = snapshot.commit_edit(second, {"new.py": b"1\n"}, "three")
    was = snapshot.read(base, "train.py")
    assert snapshot.leads_back(first, "train.py", was, [base])
    assert snapshot.leads_back(second, "train.py", was, [first, base])
    assert snapshot.leads_back(second, "train.py", b"C = 2\n", [first, base])
    assert not snapshot.leads_back(second, "train.py", b"C = 4\n", [first, base])
    assert not snapshot.leads_back(second, "train.py", was, [first]) and not snapshot.leads_back(second, "train.py", was, [])
    assert not snapshot.leads_back(other, "train.py", was, [base]), "another file differs, too"
    assert not snapshot.leads_back(first, "missing.py", was, [base])
    assert not snapshot.leads_back(first, "train.py", was, ["0" * 40]), "a commit that is gone is like no other"


def test_texts(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r", {"a.py": b"1", "sub/b.py": b"2", "c[1].txt": b"3", "c1.txt": b"4", "conf/x.yaml": b"5"})
    (root / "link.py").symlink_to("a.py")
    bed = Bed(root, tmp_path / "s")

    def names(*patterns: str) -> list[str]:
        return sorted(bed.snapshot.texts(bed.base, patterns))

    assert names("*.py") == ["a.py", "sub/b.py"]
    assert names("**/*.py") == ["a.py", "sub/b.py"]
    assert names("sub/*.py") == ["sub/b.py"]
    assert names("c[1].txt") == ["c1.txt", "c[1].txt"]
    assert names("a.py", "conf/x.yaml", "nothing") == ["a.py", "conf/x.yaml"]
    assert names() == []
    assert bed.snapshot.texts(bed.base, ("a.py",)) == {"a.py": b"1"}


def test_diffs(tmp_path: Path) -> None:
    root = make_repo(
        tmp_path / "r", {"a.py": TRAIN, "data.csv": b"1\n", "b.bin": b"\0\1", ".gitattributes": b"*.csv -diff\n*.py diff=x\n"}
    )
    git(root, "config", "diff.x.command", "false")
    bed = Bed(root, tmp_path / "s")
    commit = bed.commit({"a.py": TRAIN.replace(b"_9 ", b"_9\xe9 "), "data.csv": b"2\n", "b.bin": b"\0\2"})
    text = bed.snapshot.diff(bed.base, commit)
    assert "+line_9\ufffd = 9" in text
    assert "+2" in text
    assert "GIT binary patch" in text
    assert [hunk.file for hunk in split(text)] == ["a.py", "data.csv", "b.bin"]
    assert bed.snapshot.patch(bed.base, commit).decode("utf-8", "replace") == text
    assert bed.snapshot.diff(commit, commit) == ""


def test_some_hunks_of_a_step(tmp_path: Path) -> None:
    bed = Bed(make_repo(tmp_path / "r", {"a.py": TRAIN.replace(b"\n", b"\r\n"), "b.py": b"\xe9\n"}), tmp_path / "s")
    content = bed.snapshot.read(bed.base, "a.py")
    first = content.replace(b"line_2 = 2\r\n", b"line_2 = 0\r\nmore = 1\r\n")
    commit = bed.commit({"a.py": first.replace(b"line_30 = 30\r\n", b"line_30 = 0\r\n"), "b.py": b"\xe8\n"})
    part = bed.snapshot.partial(bed.base, commit, (1, 2))
    assert bed.snapshot.read(part, "a.py") == content.replace(b"line_30 = 30", b"line_30 = 0")
    assert bed.snapshot.read(part, "b.py") == b"\xe8\n"
    assert bed.snapshot.read(bed.snapshot.partial(bed.base, commit, (0,)), "a.py") == first
    assert bed.snapshot.partial(bed.base, commit, ()) == bed.base
    with pytest.raises(UserError, match="no hunk 3"):
        bed.snapshot.partial(bed.base, commit, (3,))


def test_the_head_moves_only_from_where_it_is_expected(tmp_path: Path) -> None:
    bed = Bed(make_repo(tmp_path / "r"), tmp_path / "s")
    commit = bed.edit("train.py", b"line_9 = 9", b"line_9 = 0")
    assert bed.snapshot.head == bed.base
    bed.snapshot.set_head(commit, bed.base)
    with pytest.raises(GitError):
        bed.snapshot.set_head(bed.base, bed.base)
    again = Snapshot.load(tmp_path / "s")
    assert (again.head, again.base, again.files(again.head)) == (commit, bed.base, ["train.py"])


def test_files_that_vanish_meanwhile_are_left_out(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r", {"a.py": b"", "b.py": b"", "c.py": b"", "d/e.py": b""})
    project = open_project(root)
    listing = list_project(project)
    (root / "a.py").unlink()
    (root / "b.py").unlink()
    os.mkfifo(root / "b.py")
    shutil.rmtree(root / "d")
    (tmp_path / "s").mkdir()
    seen: list[tuple[int, int]] = []
    snapshot = Snapshot.create(tmp_path / "s", project, listing, lambda done, total: seen.append((done, total)))
    assert snapshot.files(snapshot.base) == ["c.py"]
    assert set(dict(snapshot.left_out)) == {"a.py", "b.py", "d/e.py"}
    assert seen == [(4, 4)]


def test_large_files_are_linked_and_too_much_is_refused(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r", {"a.py": b"1" * 1000, "b.bin": b"1" * 1001, "c.py": b"1" * 1000})
    project = open_project(root)
    (tmp_path / "s").mkdir()
    listing = list_project(project, bounds=Bounds(large=1000, total=2000))
    snapshot = Snapshot.create(tmp_path / "s", project, listing)
    assert snapshot.files(snapshot.base) == ["a.py", "c.py"]
    assert listing.size == 2000
    link = snapshot.links[0]
    assert (link.source, link.target) == (str(root / "b.bin"), "b.bin")
    (tmp_path / "t").mkdir()
    with pytest.raises(UserError, match="too big"):
        Snapshot.create(tmp_path / "t", project, list_project(project, bounds=Bounds(total=1999)))
    with pytest.raises(UserError, match="never finished"):
        Snapshot.load(tmp_path / "t")


def test_links_and_empty_directories_are_kept_beside(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r", {"train.py": b"'runs'", "w.bin": b"x" * 2000, ".gitignore": b"runs\n"})
    write(root, {"runs/old.json": b"{}"})
    project = open_project(root)
    (tmp_path / "s").mkdir()
    Snapshot.create(tmp_path / "s", project, list_project(project, bounds=Bounds(large=1000)))
    snapshot = Snapshot.load(tmp_path / "s")
    assert [(link.source, link.target) for link in snapshot.links] == [(str(root / "w.bin"), "w.bin")]
    assert [path for path, _ in snapshot.left_out] == ["runs"]
    snapshot.materialise(snapshot.base, tmp_path / "w")
    assert sorted(path.name for path in (tmp_path / "w").iterdir()) == [".gitignore", "runs", "train.py"]


def test_a_run_directory_must_be_empty_and_links_must_stay_inside(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r")
    bed = Bed(root, tmp_path / "s")
    write(tmp_path / "w", {"x": b""})
    with pytest.raises(UserError, match="not empty"):
        bed.snapshot.materialise(bed.base, tmp_path / "w")
    # Nothing of ours makes such a commit; one that is there all the same is not written out.
    private = bed.snapshot.git
    blob = private.line("hash-object", "-w", "--stdin", stdin=b"/etc")
    wrong = private.line("mktree", stdin=f"120000 blob {blob}\tout\n".encode())
    with pytest.raises(UserError, match="leads out"):
        bed.snapshot.materialise(private.line("commit-tree", wrong), tmp_path / "w2")


def test_a_project_without_git(tmp_path: Path) -> None:
    write(tmp_path / "p", {"train.py": TRAIN, ".gitattributes": b"* text eol=crlf\n"})
    before = fingerprint(tmp_path / "p")
    bed = Bed(tmp_path / "p", tmp_path / "s")
    bed.snapshot.materialise(bed.base, tmp_path / "w")
    assert tree(tmp_path / "w") == tree(tmp_path / "p")
    assert fingerprint(tmp_path / "p") == before


def test_there_is_one_snapshot_in_a_session_and_it_must_be_whole(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r")
    with pytest.raises(UserError, match="never finished"):
        Snapshot.load(tmp_path / "s")
    Bed(root, tmp_path / "s")
    with pytest.raises(UserError, match="already"):
        Bed(root, tmp_path / "s")
    facts = tmp_path / "s" / "snapshot.json"
    text = facts.read_text()
    for damage in ("", "{}", text.replace('"base": "', '"base": "0'), text.replace('"format": 1', '"format": 2')):
        facts.write_text(damage)
        with pytest.raises(UserError, match="damaged"):
            Snapshot.load(tmp_path / "s")
    facts.write_text(text)
    shutil.rmtree(tmp_path / "s" / "private.git")
    with pytest.raises(UserError, match="damaged"):
        Snapshot.load(tmp_path / "s")


def test_locks_of_a_killed_process_do_not_stay(tmp_path: Path) -> None:
    bed = Bed(make_repo(tmp_path / "r"), tmp_path / "s")
    commit = bed.edit("train.py", b"line_9 = 9", b"line_9 = 0")
    lock = tmp_path / "s" / "private.git" / "refs" / "mlagent" / "head.lock"
    lock.write_text("")
    os.utime(lock, (0, 0))
    Snapshot.load(tmp_path / "s").set_head(commit, bed.base)


@pytest.mark.slow
def test_killed_at_any_moment_it_is_there_or_not(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r", {f"{number}.py": os.urandom(500) for number in range(600)})
    finished = 0
    for number, delay in enumerate((0.0, 0.02, 0.04, 0.06, 0.09, 0.12, 0.15, 0.2, 0.3, 1.5)):
        session = tmp_path / f"s{number}"
        session.mkdir()
        child = subprocess.Popen([sys.executable, "-c", CREATE, str(root), str(session)], stdout=subprocess.PIPE)
        assert child.stdout is not None
        assert child.stdout.readline() == b"go\n"
        time.sleep(delay)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        child.stdout.close()
        try:
            snapshot = Snapshot.load(session)
        except UserError as error:
            assert "never finished" in error.line()
            snapshot = Bed(root, session).snapshot  # a second try begins anew
        else:
            finished += 1
        assert len(snapshot.files(snapshot.head)) == 600
    assert 0 < finished < 10


def test_an_edit_is_undone_below_a_later_one(tmp_path: Path) -> None:
    bed = Bed(make_repo(tmp_path / "r", {"train.py": TRAIN, "b.py": b"1\n"}), tmp_path / "s")
    first = bed.commit({"train.py": TRAIN.replace(b"_9 = 9", b"_9 = 0"), "new.py": b"n\n", "b.py": None})
    second = bed.edit("train.py", b"_11 = 11", b"_11 = 0", first)
    undone = bed.snapshot.carried(second, first, bed.base, "undo")
    assert bed.snapshot.read(undone, "train.py") == TRAIN.replace(b"_11 = 11", b"_11 = 0")
    assert bed.snapshot.files(undone) == ["b.py", "train.py"]
    third = bed.edit("train.py", b"_9 = 0", b"_9 = 1", second)
    with pytest.raises(UserError, match=r"\(train.py\)"):
        bed.snapshot.carried(third, first, bed.base, "undo")
