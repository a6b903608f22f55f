"""Landing files: all or nothing, only where the step applies, never outside the project."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlagent_app.agent.errors import UserError
from mlagent_app.repo.landing import LandingConflict, check
from tests.repo.support import TRAIN, Bed, fingerprint, git, make_repo, tree, write


def changed(old: bytes, new: bytes) -> bytes:
    assert TRAIN.count(old) == 1
    return TRAIN.replace(old, new)


def plain(directory: Path, files: dict[str, bytes] | None = None) -> Path:
    write(directory, files or {"train.py": TRAIN})
    return directory


def test_without_git_only_files_are_written(tmp_path: Path) -> None:
    bed = Bed(plain(tmp_path / "p"), tmp_path / "s")
    before = tree(bed.root)
    commit = bed.commit({"train.py": changed(b"_9 = 9", b"_9 = 0"), "new/mod ü.py": b"n = 1\r\n"})
    result = bed.land(commit)
    assert (result.files, result.commit) == (("new/mod ü.py", "train.py"), "")
    assert "not a git repository" in result.note
    assert (bed.root / "new" / "mod ü.py").read_bytes() == b"n = 1\r\n"
    assert (bed.root / "train.py").read_bytes() == changed(b"_9 = 9", b"_9 = 0")
    assert bed.land(commit).files == ()
    bed.revert(commit)
    assert tree(bed.root) == before
    assert not (bed.root / "new").exists()


def test_the_users_own_changes_elsewhere_in_the_file_stay(tmp_path: Path) -> None:
    bed = Bed(plain(tmp_path / "p"), tmp_path / "s")
    commit = bed.edit("train.py", b"_9 = 9", b"_9 = 0")
    mine = changed(b"_11 = 11\n", b"_11 = 'mine'\nmore = 1\n")
    write(bed.root, {"train.py": mine})
    assert check(bed.project, bed.snapshot, bed.base, commit).applies
    bed.land(commit)
    assert (bed.root / "train.py").read_bytes() == mine.replace(b"_9 = 9", b"_9 = 0")
    bed.revert(commit)
    assert (bed.root / "train.py").read_bytes() == mine


def test_a_conflict_is_shown_and_changes_nothing(tmp_path: Path) -> None:
    bed = Bed(make_repo(tmp_path / "r", {"train.py": TRAIN, "a.py": b"1\n"}), tmp_path / "s")
    commit = bed.commit({"train.py": changed(b"_9 = 9", b"_9 = 0"), "a.py": b"2\n"})
    write(bed.root, {"train.py": changed(b"_9 = 9", b"_9 = 'mine'")})
    before = fingerprint(bed.root)
    found = check(bed.project, bed.snapshot, bed.base, commit)
    assert not found.applies
    assert "train.py:" in found.conflict_text
    assert "line_9 = 'mine'" in found.conflict_text and "line_9 = 0" in found.conflict_text
    assert "line_30" not in found.conflict_text
    with pytest.raises(LandingConflict) as caught:
        bed.land(commit)
    assert caught.value.text == found.conflict_text
    assert "train.py" in caught.value.line() and "a.py" not in caught.value.line()
    assert fingerprint(bed.root) == before


@pytest.mark.parametrize("case", ["own file", "gone", "deleted but changed", "binary"])
def test_conflicts_of_whole_files(tmp_path: Path, case: str) -> None:
    bed = Bed(plain(tmp_path / "p", {"a.py": b"1\n", "b.bin": b"\0\1\n"}), tmp_path / "s")
    if case == "own file":
        commit = bed.commit({"new.py": b"theirs\n"})
        write(bed.root, {"new.py": b"mine\n"})
    elif case == "gone":
        commit = bed.commit({"a.py": b"2\n"})
        (bed.root / "a.py").unlink()
    elif case == "deleted but changed":
        commit = bed.commit({"a.py": None})
        write(bed.root, {"a.py": b"mine\n"})
    else:
        commit = bed.commit({"b.bin": b"\0\2\n"})
        write(bed.root, {"b.bin": b"\0\3\n"})
    before = fingerprint(bed.root)
    assert not check(bed.project, bed.snapshot, bed.base, commit).applies
    with pytest.raises(LandingConflict):
        bed.land(commit)
    assert fingerprint(bed.root) == before


def test_a_step_does_not_slide_to_a_similar_place(tmp_path: Path) -> None:
    block = b"def f():\n    a = 1\n    b = 2\n    rate = 3\n    c = 4\n    d = 5\n    return a\n\n\n"
    first = block.replace(b"f()", b"g()")
    bed = Bed(plain(tmp_path / "p", {"t.py": first + b"x = 0\n" * 5 + block.replace(b"rate = 3", b"rate = 9")}), tmp_path / "s")
    commit = bed.edit("t.py", b"rate = 3", b"rate = 7")
    # The user moves the edited block away; the other has the same lines around.
    write(bed.root, {"t.py": b"x = 0\n" * 5 + block})
    with pytest.raises(LandingConflict):
        bed.land(commit)
    assert (bed.root / "t.py").read_bytes() == b"x = 0\n" * 5 + block


def test_some_hunks_land_and_are_undone(tmp_path: Path) -> None:
    bed = Bed(make_repo(tmp_path / "r"), tmp_path / "s")
    both = changed(b"_9 = 9", b"_9 = 0").replace(b"_30 = 30", b"_30 = 0")
    commit = bed.commit({"train.py": both})
    result = bed.land(commit, hunks=(1,))
    assert (bed.root / "train.py").read_bytes() == changed(b"_30 = 30", b"_30 = 0")
    assert result.commit
    bed.revert(bed.snapshot.partial(bed.base, commit, (1,)))
    assert (bed.root / "train.py").read_bytes() == TRAIN
    assert bed.land(commit, hunks=()).files == ()


def test_steps_are_undone_out_of_order_where_they_apply(tmp_path: Path) -> None:
    bed = Bed(make_repo(tmp_path / "r"), tmp_path / "s")
    first = bed.edit("train.py", b"_9 = 9", b"_9 = 0")
    second = bed.edit("train.py", b"_11 = 11", b"_11 = 0", first)
    third = bed.edit("train.py", b"_9 = 0", b"_9 = 1", second)
    bed.land(first)
    bed.land(second, base=first)
    bed.land(third, base=second)
    bed.revert(second, base=first)
    assert (bed.root / "train.py").read_bytes() == changed(b"_9 = 9", b"_9 = 1")
    before = fingerprint(bed.root)
    assert not check(bed.project, bed.snapshot, bed.base, first, undo=True).applies
    with pytest.raises(LandingConflict, match="cannot be undone"):
        bed.revert(first)
    assert fingerprint(bed.root) == before
    bed.revert(third, base=second)
    bed.revert(first)
    assert (bed.root / "train.py").read_bytes() == TRAIN


@pytest.mark.parametrize(
    "content",
    [
        b"a = 1\r\nb = 2\r\nc = 3\r\n",
        b"a = 1\nb = 2\nc = 3",
        b"a = '\xe9'\nb = 2\nc = 3\n",
        b"\xef\xbb\xbfa\nb = 2\n",
        b"a\r\nb = 2\n\rc",
    ],
    ids=["crlf", "no final newline", "latin-1", "byte order mark", "mixed"],
)
def test_odd_contents_land_byte_for_byte(tmp_path: Path, content: bytes) -> None:
    bed = Bed(make_repo(tmp_path / "r", {"a b/größe.py": content}), tmp_path / "s")
    wanted = content.replace(b"b = 2", b"b = 5")
    commit = bed.commit({"a b/größe.py": wanted})
    result = bed.land(commit)
    assert (bed.root / "a b" / "größe.py").read_bytes() == wanted
    assert git(bed.root, "status", "--porcelain") == ""
    assert result.commit == git(bed.root, "rev-parse", "HEAD").strip()
    bed.revert(commit)
    assert (bed.root / "a b" / "größe.py").read_bytes() == content
    assert git(bed.root, "status", "--porcelain") == ""


def test_permissions_and_owner_stay(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r", {"run.sh": b"1\n", "secret.py": b"1\n"})
    (root / "run.sh").chmod(0o755)
    (root / "secret.py").chmod(0o600)
    if os.geteuid() == 0:
        os.chown(root / "secret.py", 12345, 12345)
        git(root, "config", "--global", "--add", "safe.directory", "*")
    bed = Bed(root, tmp_path / "s")
    commit = bed.commit({"run.sh": b"2\n", "secret.py": b"2\n", "new.py": b"n\n"})
    bed.land(commit)
    assert (root / "run.sh").stat().st_mode & 0o777 == 0o755
    secret = (root / "secret.py").stat()
    assert secret.st_mode & 0o777 == 0o600
    if os.geteuid() == 0:
        assert (secret.st_uid, secret.st_gid) == (12345, 12345)
    assert (root / "new.py").stat().st_mode & 0o111 == 0


@pytest.mark.parametrize("trap", ["file", "directory", "new file", "repository"])
def test_nothing_is_written_through_links_or_into_other_repositories(tmp_path: Path, trap: str) -> None:
    root = make_repo(tmp_path / "r", {"sub/a.py": b"1\n"})
    write(tmp_path / "outside", {"a.py": b"1\n"})
    bed = Bed(root, tmp_path / "s")
    commit = bed.commit({"sub/new.py": b"2\n"} if trap == "new file" else {"sub/a.py": b"2\n"})
    if trap == "repository":
        git(root / "sub", "init", "-q")
    else:
        (root / "sub" / "a.py").unlink()
        if trap == "file":
            (root / "sub" / "a.py").symlink_to(tmp_path / "outside" / "a.py")
        else:
            (root / "sub").rmdir()
            (root / "sub").symlink_to(tmp_path / "outside")
    before, outside = fingerprint(root), fingerprint(tmp_path / "outside")
    with pytest.raises(UserError):
        bed.land(commit)
    assert (fingerprint(root), fingerprint(tmp_path / "outside")) == (before, outside)


def test_a_commit_that_names_git_files_does_not_land(tmp_path: Path) -> None:
    bed = Bed(make_repo(tmp_path / "r"), tmp_path / "s")
    private = bed.snapshot.git
    blob = private.line("hash-object", "-w", "--stdin", stdin=b"[core]\n")
    inner = private.line("mktree", stdin=f"100644 blob {blob}\tconfig\n".encode())
    for name in (".git", ".GIT", "git~1", ".."):
        wrong = private.line("mktree", stdin=f"040000 tree {inner}\t{name}\n".encode())
        commit = private.line("commit-tree", "-p", bed.base, wrong)
        before = fingerprint(bed.root)
        with pytest.raises(UserError):
            bed.land(commit)
        assert fingerprint(bed.root) == before


def test_a_failure_midway_leaves_everything_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bed = Bed(make_repo(tmp_path / "r", {"a.py": b"1\n", "b.py": b"1\n", "c.py": b"1\n"}), tmp_path / "s")
    commit = bed.commit({"a.py": b"2\n", "b.py": None, "d/new.py": b"n\n", "c.py": b"2\n"})
    before, head = tree(bed.root), git(bed.root, "rev-parse", "HEAD")
    replace = Path.replace

    def failing(self: Path, target: Path) -> Path:
        if target.name == "c.py" and self.read_bytes() == b"2\n":
            raise OSError(28, "No space left on device", str(self))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises(UserError, match="No space left"):
        bed.land(commit)
    monkeypatch.undo()
    assert tree(bed.root) == before
    assert git(bed.root, "rev-parse", "HEAD") == head
    assert not (bed.root / "d").exists()
    assert not (bed.root / ".git" / "index.lock").exists()
    assert git(bed.root, "status", "--porcelain") == ""


def test_a_directory_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bed = Bed(make_repo(tmp_path / "r", {"a.py": b"1\n", "z/b.py": b"1\n"}), tmp_path / "s")
    commit = bed.commit({"a.py": b"2\n", "z/b.py": b"2\n"})
    before = tree(bed.root)
    opened = os.open

    def refusing(path: str | os.PathLike[str], flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if os.fspath(path).startswith(str(bed.root / "z" / ".mlagent-")):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return opened(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refusing)
    with pytest.raises(UserError, match="Permission denied"):
        bed.land(commit)
    monkeypatch.undo()
    assert tree(bed.root) == before
