"""Diffs, logs, numbers, charts and table rows: the pure parts of the screens."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from mlagent_app.agent.events import HEAD
from mlagent_app.agent.quantities import size
from mlagent_app.tui import charts, logs, table, wording
from mlagent_app.tui.diff import parse
from mlagent_app.tui.model import View
from tests.tui.recording import DIFF_SVC, QUESTION, run_began
from tests.tui.scripted import run_finished
from tests.tui.test_model import fold

# Diffs.


def test_hunks_are_counted_over_the_whole_diff() -> None:
    both = DIFF_SVC + DIFF_SVC.replace("train.py", "model.py")
    hunks = parse(both)
    assert [(hunk.index, hunk.file) for hunk in hunks] == [(0, "train.py"), (1, "train.py"), (2, "model.py"), (3, "model.py")]
    assert [(hunk.added, hunk.removed) for hunk in hunks] == [(1, 1)] * 4
    assert hunks[1].section == "def build_model(seed: int) -> Pipeline:"
    assert [(line.kind, line.old, line.new) for line in hunks[0].lines[2:4]] == [("removed", 4, None), ("added", None, 4)]


def test_lines_that_look_like_headers_are_lines() -> None:
    diff = "--- a/x.sql\n+++ b/x.sql\n@@ -1,2 +1,2 @@\n--- old comment\n+++ new comment\n kept\n"
    (hunk,) = parse(diff)
    assert [(line.kind, line.text) for line in hunk.lines] == [
        ("removed", "-- old comment"),
        ("added", "++ new comment"),
        ("context", "kept"),
    ]


def test_new_and_deleted_files_and_missing_newlines() -> None:
    new, gone = parse(
        "diff --git a/n.py b/n.py\nnew file mode 100644\n--- /dev/null\n+++ b/n.py\n@@ -0,0 +1 @@\n+x = 1\n"
        "\\ No newline at end of file\n"
        "--- a/g.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-y = 2\n"
    )
    assert (new.file, new.lines[1].kind, gone.file) == ("n.py", "note", "g.py")
    assert parse("") == ()


LINES = st.lists(st.sampled_from(["a = 1", "b = 2", "-- c", "++ d", "@@ e @@", "", "    return x"]), max_size=30)


@given(LINES, LINES)
def test_a_parsed_diff_holds_both_sides(old: list[str], new: list[str]) -> None:
    diff = "\n".join(difflib.unified_diff(old, new, "a/f.py", "b/f.py", lineterm="", n=1000))
    lines = [line for hunk in parse(diff) for line in hunk.lines]
    if old != new:
        assert [line.text for line in lines if line.kind != "added"] == old
        assert [line.text for line in lines if line.kind != "removed"] == new


# Logs.


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain", "plain"),
        ("", " "),
        ("\x1b[31mred\x1b[0m and \x1b]8;;http://x\x07link\x1b]8;;\x07", "red and link"),
        (" 10%|#   \r 50%|##  \r100%|####", "100%|####"),
        ("done\r", "done"),
        ("a\tb", "a       b"),
        ("bell\x07 and \x00null", "bell and null"),
        ("x" * 5000, "x" * 2000 + "…"),
    ],
)
def test_a_line_is_shown_as_a_terminal_would(raw: str, shown: str) -> None:
    assert logs.clean(raw) == shown


@given(st.text())
def test_a_clean_line_is_one_line(raw: str) -> None:
    assert len(logs.clean(raw).splitlines()) == 1


def test_a_log_keeps_its_end_and_knows_what_it_dropped() -> None:
    log = logs.StepLog()
    log.extend([f"line {at}" for at in range(100_000)])
    assert (log.total, log.dropped) == (100_000, 90_000)
    assert log.since(99_998) == (["line 99998", "line 99999"], 100_000)
    assert len(log.since(0)[0]) == logs.MAX_LINES
    assert log.since(0, 2) == (["line 90000", "line 90001"], 90_002)
    assert log.since(100_000) == ([], 100_000)


def test_the_tail_of_a_log_file(tmp_path: Path) -> None:
    path = tmp_path / "run.log"
    path.write_bytes(b"".join(b"line %d \xff\n" % at for at in range(200_000)))
    log = logs.read_tail(str(path))
    assert log.since(log.total - 1)[0] == ["line 199999 \ufffd"]
    assert log.total < 200_000
    assert logs.read_tail(str(tmp_path / "missing")).total == 0


# Words.


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.94159, "0.9416"), (97.215, "97.22"), (12345.67, "12345.7"), (0.00001234, "1.23e-05"), (2e7, "2e+07"), (0, "0.0000")],
)
def test_numbers_have_the_digits_that_matter(value: float, text: str) -> None:
    assert wording.number(value) == text


def test_differences_percentages_and_times() -> None:
    assert [wording.signed(value) for value in (0.0084, -0.0028, 0.0)] == ["+0.0084", "-0.0028", "±0"]
    assert [wording.percent(value) for value in (0.0089, 0.032, 2.5, -0.1)] == ["+0.89 %", "+3.2 %", "+250 %", "-10.0 %"]
    assert [wording.duration(seconds) for seconds in (4.9, 72, 7500)] == ["4 s", "1:12", "2:05:00"]
    assert [size(count) for count in (900, 48_200, 212_000_000, 3.2e9)] == ["900 B", "48 kB", "212 MB", "3.2 GB"]


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])), st.integers(0, 40), st.booleans())
def test_a_cell_is_exactly_as_wide_as_its_column(text: str, width: int, right: bool) -> None:
    assert cell_len(wording.fit(text, width, right=right)) == width
    assert cell_len(wording.elide_path(text, width)) <= width


# Charts.


def test_bars() -> None:
    assert charts.bar(0.5, 4) == "██  "
    assert charts.bar(0.001, 4) == "▏   "
    assert charts.bar(0, 4) == "    "
    assert charts.columns([0, 1, None, 0.5], 2, 0, 1) == [" █ ▁", "▁█ █"]
    assert charts.columns([3, 3], 1, 3, 3) == ["██"]
    assert charts.spread("▁█", 3) == "▁▁ ██ "


# The table.


@given(st.integers(60, 220))
def test_rows_are_as_wide_as_the_table(width: int) -> None:
    view = fold(*QUESTION, run_began(HEAD), run_finished(HEAD, 0.9583))
    layout = table.columns(width, view.metric_name)
    lines = [table.row(layout, table.cells(view, row, "*", 3.0)) for row in view.rows]
    assert {cell_len("".join(text for text, _ in line)) for line in lines} == {width}
    assert cell_len(table.header(layout)) == width


def test_the_row_of_the_accepted_files_says_what_they_measured() -> None:
    view = fold(*QUESTION, run_began(HEAD), run_finished(HEAD, 0.9583))
    layout = table.columns(100, view.metric_name)
    line = table.row(layout, table.cells(view, view.rows[-1], "*", 3.0))
    assert "".join(text for text, _ in line).split() == ["accepted", "files", "✓", "ok", "0.9583"]


def test_a_narrow_table_says_in_words_what_a_wide_one_has_a_column_for() -> None:
    view: View = fold(*QUESTION)
    narrow, wide = (table.columns(width, view.metric_name) for width in (78, 140))
    texts = [
        "".join(text for text, _ in table.row(layout, table.cells(view, view.rows[2], "*", 0))) for layout in (narrow, wide)
    ]
    assert texts[0].split()[-5:] == ["✗", "error", "0.00", "○", "refused"]
    assert "train.py" in texts[1] and "✗ error" in texts[1]
