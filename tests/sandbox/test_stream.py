"""The log pump: nothing lost below the cap, whole lines, and numbers never cut in half."""

import threading
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.stream import LONGEST_LINE, LogPump

MIB = 1024 * 1024


def pumped(path: Path, pieces: list[bytes], cap: int = MIB) -> tuple[list[str], LogPump]:
    lines: list[str] = []
    pump = LogPump(path, cap, lines.extend)
    for piece in pieces:
        pump.feed(piece)
    pump.close()
    return lines, pump


@settings(max_examples=60, deadline=None)
@given(text=st.text(st.characters(exclude_characters="\r", codec="utf-8"), max_size=200), cuts=st.lists(st.integers(0, 800)))
def test_any_cut_gives_the_same_lines_and_the_same_file(
    tmp_path_factory: pytest.TempPathFactory, text: str, cuts: list[int]
) -> None:
    data = text.encode()
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    path = tmp_path_factory.mktemp("log") / "log.txt"
    lines, pump = pumped(path, [data[start:end] for start, end in pairwise(places)])
    expected = text.split("\n")
    assert lines == (expected if expected[-1] else expected[:-1])
    assert path.read_bytes() == data
    assert not pump.truncated


@settings(max_examples=40, deadline=None)
@given(lines=st.lists(st.integers(0, 10**9), max_size=300), cap=st.integers(600, 3000), size=st.integers(1, 90))
def test_under_a_cap_every_line_that_is_left_is_a_whole_line(
    tmp_path_factory: pytest.TempPathFactory, lines: list[int], cap: int, size: int
) -> None:
    data = "".join(f"loss: {number}\n" for number in lines).encode()
    path = tmp_path_factory.mktemp("log") / "log.txt"
    _, pump = pumped(path, [data[start : start + size] for start in range(0, len(data), size)], cap)
    written = path.read_text().splitlines()
    assert path.stat().st_size <= cap
    assert pump.truncated == (len(written) != len(lines))
    whole = {f"loss: {number}" for number in lines}
    assert {line for line in written if not line.startswith("[ML-Agent dropped")} <= whole
    if lines:
        assert written[-1] == f"loss: {lines[-1]}"


def test_lines_come_without_waiting_for_more(tmp_path: Path) -> None:
    came = threading.Event()
    pump = LogPump(tmp_path / "log.txt", MIB, lambda _lines: came.set())
    pump.feed(b"first\nhalf")
    assert came.wait(5)
    pump.close()


def test_a_progress_bar_comes_as_its_last_state_and_stays_raw_in_the_file(tmp_path: Path) -> None:
    lines, _ = pumped(tmp_path / "log.txt", [b"\r 10%\r 5", b"0%\r", b"100%\r", b"\ndone\r\nend\r"])
    assert lines == ["100%", "done", "end"]
    assert (tmp_path / "log.txt").read_bytes() == b"\r 10%\r 50%\r100%\r\ndone\r\nend\r"


def test_a_line_without_end_comes_in_pieces(tmp_path: Path) -> None:
    lines, _ = pumped(tmp_path / "log.txt", [b"x" * (LONGEST_LINE + 10), b"\n"], cap=4 * MIB)
    assert [len(line) for line in lines] == [LONGEST_LINE, 10]


def test_undecodable_bytes_are_replaced_and_stay_raw_in_the_file(tmp_path: Path) -> None:
    lines, _ = pumped(tmp_path / "log.txt", [b"a\xff\xfeb\n\xe2\x82"])
    assert lines == ["a\ufffd\ufffdb", "\ufffd"]
    assert (tmp_path / "log.txt").read_bytes() == b"a\xff\xfeb\n\xe2\x82"


def test_the_tail_is_of_all_that_came(tmp_path: Path) -> None:
    _, pump = pumped(tmp_path / "log.txt", [b"x\n" * MIB, b"OSError: [Errno 28]\n"], cap=64 * 1024)
    assert pump.tail().endswith("OSError: [Errno 28]\n")
    assert pump.truncated


def test_a_watcher_that_fails_is_told_at_the_end_and_loses_nothing_of_the_file(tmp_path: Path) -> None:
    def fail(_lines: list[str]) -> None:
        raise RuntimeError("the screen is gone")

    pump = LogPump(tmp_path / "log.txt", MIB, fail)
    pump.feed(b"one\n")
    pump.feed(b"two\n")
    with pytest.raises(RuntimeError, match="the screen is gone"):
        pump.close()
    assert (tmp_path / "log.txt").read_text() == "one\ntwo\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_does_not_stop_the_draining() -> None:
    lines, pump = pumped(Path("/dev/full"), [b"one\n", b"two\n"])
    assert lines == ["one", "two"]
    assert pump.write_error is not None and pump.truncated
