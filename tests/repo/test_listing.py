"""What goes into a snapshot, what is linked, what is left out."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from pathlib import Path

import pytest

from mlagent_app.agent.errors import UserError
from mlagent_app.repo.listing import Listing, list_project
from mlagent_app.repo.project import open_project
from mlagent_app.repo.scan import Bounds
from tests.repo.support import fingerprint, git, make_repo, write

SMALL = Bounds(large=1000, ignored=2000)


def listed(root: Path, *, command: str = "", copy: Sequence[str] = (), bounds: Bounds = SMALL) -> Listing:
    """The listing; the project must be as it was, down to the times."""
    before = fingerprint(root)
    found = list_project(open_project(root), command=command, copy=copy, bounds=bounds)
    assert fingerprint(root) == before
    return found


def linked(found: Listing) -> dict[str, str]:
    return {link.target: link.source for link in found.links}


def test_tracked_and_untracked_but_neither_ignored_nor_deleted_files(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r", {"train.py": b"1", "gone.py": b"", ".gitignore": b"*.tmp\n", "tracked.tmp": b""})
    git(root, "add", "-f", "tracked.tmp")
    write(root, {"new one.py": b"1", "scrap.tmp": b"", "sub/ünï\ncode.py": b"22"})
    (root / "gone.py").unlink()
    found = listed(root)
    assert found.paths == (".gitignore", "new one.py", "sub/ünï\ncode.py", "tracked.tmp", "train.py")
    assert found.size == 6 + 1 + 1 + 2
    assert found.left_out == found.links == ()


def test_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r")
    with open(os.fsencode(root) + b"/caf\xe9.py", "wb") as file:
        file.write(b"x")
    assert os.fsdecode(b"caf\xe9.py") in listed(root).paths


def test_a_directory_of_a_repository(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r", {"top.py": b"", "model/train.py": b"", ".gitignore": b"/model/out.bin\n"})
    write(root, {"model/out.bin": b"", "model/new.py": b""})
    assert listed(root / "model").paths == ("new.py", "train.py")


def test_without_git_ignore_files_are_honoured_all_the_same(tmp_path: Path) -> None:
    ignores = {".gitignore": b"*.tmp\n/out/\n", "sub/.gitignore": b"!a.tmp\nb\n"}
    ignored = ("a.tmp", "out/x", "sub/b")
    caches = ("__pycache__/train.pyc", "node_modules/x.js", ".mypy_cache/x")
    environments = ("env/pyvenv.cfg", "env/lib/x.py", "deep/env2/pyvenv.cfg", "deep/env2/lib/y.py")
    empty = dict.fromkeys((*ignored, *caches, *environments, "train.py", "sub/a.tmp"), b"")
    write(tmp_path / "p", {**ignores, **empty})
    found = listed(tmp_path / "p")
    assert found.paths == (".gitignore", "sub/.gitignore", "sub/a.tmp", "train.py")
    assert dict(found.left_out) == {"env": "a Python environment", "deep/env2": "a Python environment"}


def test_environments_and_caches_that_git_does_not_ignore(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r", {"train.py": b"", "node_modules/tracked.js": b""})
    write(
        root,
        {".venv/x.py": b"", ".mlagent-0a1b.tmp": b"", "my env/pyvenv.cfg": b"", "my env/y.py": b"", "__pycache__/z.pyc": b""},
    )
    (tmp_path / "conda" / "conda-meta").mkdir(parents=True)
    (root / "venv").symlink_to(tmp_path / "conda")
    found = listed(root)
    assert found.paths == ("node_modules/tracked.js", "train.py")
    assert set(dict(found.left_out)) == {"my env", "venv"}


def test_symbolic_links(tmp_path: Path) -> None:
    write(tmp_path / "outside", {"data.csv": b"1", "dir/a": b""})
    root = make_repo(tmp_path / "r", {"train.py": b"", "sub/x.py": b"", ".gitignore": b"cached\n"})
    write(root, {"cached": b"ignored"})
    for name, target in {
        "inside": "train.py", "sub/up": "../sub/x.py", "absolute": str(root / "sub" / "x.py"), "sub/round": "../../r/train.py",
        "directory": "sub", "broken": "nothing.py", "data.csv": str(tmp_path / "outside" / "data.csv"),
        "dir": "../outside/dir", "lost": "/no/such/place", "device": "/dev/null", "everything": "/", "parent": "..",
        "to ignored": "cached", "self": "self",
    }.items():  # fmt: skip
        (root / name).symlink_to(target)
    found = listed(root)
    assert found.symlinks == {
        "inside": "train.py", "sub/up": "../sub/x.py", "absolute": "sub/x.py", "sub/round": "../train.py", "directory": "sub",
        "broken": "nothing.py", "self": "self",
    }  # fmt: skip
    outside = tmp_path / "outside"
    assert linked(found) == {
        "data.csv": str(outside / "data.csv"), "dir": str(outside / "dir"), "to ignored": str(root / "cached"),
    }  # fmt: skip
    assert set(dict(found.left_out)) == {"lost", "device", "everything", "parent"}


def test_a_directory_replaced_by_a_link_hides_its_tracked_files(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r", {"train.py": b"", "data/a.csv": b"old"})
    write(tmp_path / "outside", {"a.csv": b"new"})
    (root / "data" / "a.csv").unlink()
    (root / "data").rmdir()
    (root / "data").symlink_to(tmp_path / "outside")
    found = listed(root)
    assert found.paths == ("train.py",)
    assert linked(found) == {"data": str(tmp_path / "outside")}


def test_sockets_and_pipes_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make_repo(tmp_path / "r")
    os.mkfifo(root / "pipe")
    monkeypatch.chdir(root)  # the name of a socket must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        found = listed(root)
    assert found.paths == ("train.py",)
    assert set(dict(found.left_out)) == {"pipe", "socket"}


def test_submodules_are_plain_files_that_cannot_be_edited(tmp_path: Path) -> None:
    library = make_repo(tmp_path / "lib", {"lib.py": b"", ".gitignore": b"*.o\n"})
    root = make_repo(tmp_path / "r")
    git(root, "submodule", "add", "-q", str(library), "vendor/lib")
    git(root, "submodule", "add", "-q", str(library), "absent")
    git(root, "commit", "-q", "-m", "modules")
    git(root, "submodule", "deinit", "-q", "-f", "absent")
    write(root, {"vendor/lib/new.py": b"", "vendor/lib/x.o": b""})
    found = listed(root)
    modules = ("vendor/lib/.gitignore", "vendor/lib/lib.py", "vendor/lib/new.py")
    assert found.paths == (".gitmodules", "train.py", *modules)
    assert found.fixed == frozenset(modules)
    assert "git submodule update" in dict(found.left_out)["absent"]


def test_a_repository_inside_is_taken_but_another_work_tree_is_not(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r")
    make_repo(root / "nested", {"n.py": b""})
    git(root, "worktree", "add", "-q", str(root / "other"))
    found = listed(root)
    assert found.paths == ("nested/n.py", "train.py")
    assert found.fixed == {"nested/n.py"}
    assert "work tree" in dict(found.left_out)["other"]


def needing(root: Path, source: bytes, ignored: dict[str, bytes], ignore: bytes) -> Path:
    make_repo(root, {"train.py": source, ".gitignore": ignore})
    write(root, ignored)
    return root


def test_ignored_data_that_a_source_names_is_copied(tmp_path: Path) -> None:
    root = needing(
        tmp_path / "r",
        b"read('data/train.csv'); read('weights.npz')",
        {"data/train.csv": b"1", "data/sub/more.csv": b"2", "weights.npz": b"3", "unused.bin": b"4", "__pycache__/data": b""},
        b"data/\n*.npz\n*.bin\n__pycache__\n",
    )
    found = listed(root)
    assert found.paths == (".gitignore", "data/sub/more.csv", "data/train.csv", "train.py", "weights.npz")
    assert dict(found.added) == {
        "data": "ignored by git, named in train.py", "weights.npz": "ignored by git, named in train.py",
    }  # fmt: skip


def test_ignored_data_is_found_by_its_directory_and_in_the_command(tmp_path: Path) -> None:
    root = needing(
        tmp_path / "r", b"glob('sets')", {"sets/a.csv": b"1", "sets/a.o": b"", "x/model.bin": b""}, b"*.csv\n*.o\n*.bin\n"
    )
    write(root, {"sets/readme.md": b"."})
    assert "sets/a.csv" in listed(root).paths
    assert "sets/a.o" not in listed(root).paths
    assert "x/model.bin" in listed(root, command="python train.py --init x/model.bin").paths


def test_an_ignored_module_that_is_imported_is_copied(tmp_path: Path) -> None:
    root = needing(
        tmp_path / "r", b"import local_settings", {"local_settings.py": b"", "other.py": b""}, b"local_*\nother.py\n"
    )
    assert listed(root).paths == (".gitignore", "local_settings.py", "train.py")


def test_ignored_data_over_the_bounds_is_linked(tmp_path: Path) -> None:
    many = {f"big/{number}.csv": b"x" * 900 for number in range(3)}
    root = needing(tmp_path / "r", b"'big' 'mixed' 'one.csv'", {
        **many, "mixed/huge.csv": b"x" * 5000, "mixed/small.csv": b"1", "one.csv": b"1",
    }, b"big/\nmixed/\none.csv\n")  # fmt: skip
    found = listed(root)
    assert linked(found) == {"big": str(root / "big")}
    # The large one is linked by the snapshot, which looks at every file.
    assert found.paths == (".gitignore", "mixed/huge.csv", "mixed/small.csv", "one.csv", "train.py")


def test_results_and_secrets_are_not_taken_unless_named(tmp_path: Path) -> None:
    root = needing(
        tmp_path / "r",
        b"'outputs' '.env' 'runs'",
        {"outputs/m.json": b"{}", ".env": b"KEY=1", "runs/last.pt": b""},
        b"outputs\n.env\nruns\n",
    )
    found = listed(root, command="python train.py --resume runs/last.pt")
    assert found.paths == (".gitignore", "runs/last.pt", "train.py")
    assert set(dict(found.left_out)) == {"outputs", ".env"}
    assert found.directories == ("outputs",)
    found = listed(root, copy=["outputs", ".env"])
    assert found.paths == (".env", ".gitignore", "outputs/m.json", "train.py")
    assert found.directories == ("runs",)


def test_copy_globs(tmp_path: Path) -> None:
    root = needing(tmp_path / "r", b"", {"a/1.bin": b"1", "a/b/2.bin": b"2", "c.bin": b"3"}, b"*.bin\n")
    assert listed(root, copy=["**/*.bin"]).paths == (".gitignore", "a/1.bin", "a/b/2.bin", "c.bin", "train.py")
    assert listed(root, copy=["a/"]).paths == (".gitignore", "a/1.bin", "a/b/2.bin", "train.py")
    assert "nothing is there" in dict(listed(root, copy=["z*"]).left_out)["z*"]
    for wrong in ("../x", "/etc/passwd", ".git/config", ""):
        with pytest.raises(UserError, match="copy cannot name"):
            list_project(open_project(root), copy=[wrong])


def test_nothing_to_work_on_and_too_much(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r", {"x": b""})
    write(root, {".gitignore": b"*\n"})
    git(root, "rm", "-q", "--cached", "x")
    with pytest.raises(UserError, match="no files"):
        listed(root)
    root = make_repo(tmp_path / "s", {"a": b"1" * 100, "b": b"1" * 100})
    with pytest.raises(UserError, match="too big"):
        listed(root, bounds=Bounds(files=1))
