"""What a run wrote is read back, and nothing else, whatever the run left there."""

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.outputs import Caps, UnreadableOutput, hash_files, read_regular, scan, written
from sandbox.workdir import remove_tree, split_relative


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    path = tmp_path / "workspace"
    path.mkdir()
    return path


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret.json"
    path.write_text('{"password": "hunter2"}')
    return path


def test_created_and_changed_files_come_back_upper_directories_first(workspace: Path) -> None:
    (workspace / "kept.json").write_text("1")
    (workspace / "changed.csv").write_text("old")
    before = scan(workspace)

    (workspace / "changed.csv").write_text("new")
    deep = workspace / "out" / "день 1"
    deep.mkdir(parents=True)
    (deep / "metrics.jsonl").write_text("{}")
    (workspace / "z.txt").write_text("accuracy: 0.9")
    (workspace / "model.bin").write_bytes(b"\0")

    assert written(workspace, before) == {
        "changed.csv": b"new",
        "z.txt": b"accuracy: 0.9",
        "out/день 1/metrics.jsonl": b"{}",
    }
    assert list(written(workspace, before))[-1] == "out/день 1/metrics.jsonl"


def test_a_rewrite_that_forges_size_and_times_is_seen(workspace: Path) -> None:
    path = workspace / "metrics.json"
    path.write_text("0.1")
    times = path.stat()
    before = scan(workspace)
    with path.open("r+") as file:  # the same inode
        file.write("0.9")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert written(workspace, before) == {"metrics.json": b"0.9"}


def test_a_link_to_a_host_file_is_not_read(workspace: Path, secret: Path) -> None:
    before = scan(workspace)
    (workspace / "metrics.json").symlink_to(secret)
    (workspace / "passwd.txt").symlink_to("/etc/passwd")
    assert written(workspace, before) == {}
    with pytest.raises(UnreadableOutput, match="not a regular file"):
        read_regular(workspace, "metrics.json")


def test_a_linked_directory_is_not_entered(workspace: Path, secret: Path) -> None:
    before = scan(workspace)
    (workspace / "out").symlink_to(secret.parent, target_is_directory=True)
    assert written(workspace, before) == {}
    with pytest.raises(UnreadableOutput):
        read_regular(workspace, "out/secret.json")


def test_a_directory_turned_into_a_link_by_the_run_is_not_entered(workspace: Path, secret: Path) -> None:
    (workspace / "out").mkdir()
    (workspace / "out" / "secret.json").write_text("mine")
    before = scan(workspace)
    remove_tree(workspace / "out")
    (workspace / "out").symlink_to(secret.parent, target_is_directory=True)
    assert written(workspace, before) == {}
    assert hash_files(workspace, ["out/secret.json"]) == {"out/secret.json": "not a regular file"}


def test_a_hard_link_is_not_read(workspace: Path, secret: Path) -> None:
    before = scan(workspace)
    (workspace / "metrics.json").hardlink_to(secret)
    assert written(workspace, before) == {}
    with pytest.raises(UnreadableOutput, match="hard link"):
        read_regular(workspace, "metrics.json")


def test_a_fifo_does_not_hang_the_reader(workspace: Path) -> None:
    before = scan(workspace)
    os.mkfifo(workspace / "metrics.json")
    assert written(workspace, before) == {}
    with pytest.raises(UnreadableOutput, match="not a regular file"):
        read_regular(workspace, "metrics.json")
    assert hash_files(workspace, ["metrics.json"]) == {"metrics.json": "not a regular file"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes device files")
def test_a_device_is_not_read(workspace: Path) -> None:
    before = scan(workspace)
    os.mknod(workspace / "metrics.json", stat.S_IFCHR | 0o666, os.makedev(1, 5))  # /dev/zero
    assert written(workspace, before) == {}
    with pytest.raises(UnreadableOutput, match="not a regular file"):
        read_regular(workspace, "metrics.json")


@pytest.mark.parametrize("name", ["../secret.json", "/etc/passwd", "a/../../secret.json", "", "a\0b"])
def test_a_path_out_of_the_workspace_is_refused(workspace: Path, secret: Path, name: str) -> None:
    assert secret.exists()
    with pytest.raises(UnreadableOutput):
        read_regular(workspace, name)


@given(st.lists(st.sampled_from(["a", "b", "..", ".", ""]), min_size=1, max_size=6))
def test_a_relative_path_never_leaves_its_root(parts: list[str]) -> None:
    path = "/".join(parts)
    try:
        kept = split_relative(path)
    except ValueError:
        assert ".." in parts or path.startswith("/") or not any(part not in ("", ".") for part in parts)
    else:
        assert kept == tuple(part for part in parts if part not in ("", "."))


def test_the_caps_on_size_and_number_hold(workspace: Path) -> None:
    before = scan(workspace)
    for index in range(6):
        (workspace / f"{index}.txt").write_bytes(b"x" * 10)
    (workspace / "big.txt").write_bytes(b"x" * 11)
    kept = written(workspace, before, caps=Caps(file_bytes=10, files=4))
    assert list(kept) == ["0.txt", "1.txt", "2.txt", "3.txt"]
    assert sum(map(len, written(workspace, before, caps=Caps(total_bytes=25)).values())) <= 25
    with pytest.raises(UnreadableOutput, match="larger than 10 bytes"):
        read_regular(workspace, "big.txt", 10)


def test_a_huge_directory_does_not_hide_the_results_above_it(workspace: Path) -> None:
    data = workspace / "a_data"
    data.mkdir()
    for index in range(40):
        (data / f"{index}.txt").write_text("row")
    caps = Caps(entries_per_directory=20)
    before = scan(workspace, caps=caps)
    (data / "0.txt").write_text("changed")
    (workspace / "metrics.json").write_text("{}")
    assert written(workspace, before, caps=caps) == {"metrics.json": b"{}"}


def test_names_that_could_drive_a_terminal_are_left_out(workspace: Path) -> None:
    before = scan(workspace)
    (workspace / "\x1b[2J.json").write_text("{}")
    Path(os.fsdecode(os.fsencode(workspace) + b"/\xff.json")).write_text("{}")
    (workspace / "with space.json").write_text("{}")
    assert written(workspace, before) == {"with space.json": b"{}"}


def test_hashes_tell_content_and_kind_apart(workspace: Path, secret: Path) -> None:
    (workspace / "labels.csv").write_text("1\n")
    (workspace / "same.csv").write_text("1\n")
    (workspace / "link.csv").symlink_to(secret)
    (workspace / "directory").mkdir()
    first = hash_files(workspace, ["labels.csv", "same.csv", "link.csv", "directory", "gone.csv", "gone/x.csv"])
    assert first["labels.csv"] == first["same.csv"]
    assert first["labels.csv"].startswith("sha256:")
    assert first["link.csv"] == f"link:{secret}"
    assert first["directory"] == "not a regular file"
    assert first["gone.csv"] == first["gone/x.csv"] == "missing"
    (workspace / "labels.csv").write_text("2\n")
    assert hash_files(workspace, ["labels.csv"])["labels.csv"] != first["labels.csv"]


def test_scanning_what_is_no_directory_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        scan(tmp_path / "none")


def test_remove_tree_takes_locked_directories_links_and_odd_files(workspace: Path, secret: Path) -> None:
    locked = workspace / "a" / "locked"
    locked.mkdir(parents=True)
    (locked / "file").write_text("x")
    (locked / "file").chmod(0)
    (workspace / "out").symlink_to(secret.parent, target_is_directory=True)
    (workspace / "metrics.json").hardlink_to(secret)
    os.mkfifo(workspace / "fifo")
    locked.chmod(0)
    (workspace / "a").chmod(0o500)
    workspace.chmod(0o500)
    remove_tree(workspace)
    assert not workspace.exists()
    assert secret.read_text() == '{"password": "hunter2"}'


def test_remove_tree_takes_a_tree_deeper_than_any_path(workspace: Path) -> None:
    descriptor = os.open(workspace, os.O_RDONLY | os.O_DIRECTORY)
    for _ in range(1200):
        os.mkdir("deep", dir_fd=descriptor)
        below = os.open("deep", os.O_RDONLY | os.O_DIRECTORY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    os.close(descriptor)
    remove_tree(workspace)
    assert not workspace.exists()


def test_remove_tree_removes_a_link_and_not_its_target(tmp_path: Path, secret: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(secret.parent, target_is_directory=True)
    remove_tree(link)
    remove_tree(tmp_path / "never existed")
    assert secret.exists()
    assert not link.is_symlink()
