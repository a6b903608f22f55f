"""Splitting diffs into hunks and choosing among them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlagent_app.repo.hunks import Hunk, select, split
from tests.repo.support import TRAIN, git, make_repo, write


def diff(root: Path) -> str:
    git(root, "add", "-A", "-N")
    return git(root, "diff", "--no-renames", "--binary", "--full-index")


def test_hunks_are_numbered_over_all_files(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r", {"a.py": TRAIN, "b c.py": TRAIN})
    write(root, {
        "a.py": TRAIN.replace(b"line_2 = 2\n", b"line_2 = 0\n").replace(b"line_30 = 30\n", b""),
        "b c.py": TRAIN + b"last",
        "new.py": b"x = 1\n",
    })  # fmt: skip
    hunks = split(diff(root))
    assert [(hunk.index, hunk.file) for hunk in hunks] == [(0, "a.py"), (1, "a.py"), (2, "b c.py"), (3, "new.py")]
    assert "-line_2 = 2" in hunks[0].lines and "+line_2 = 0" in hunks[0].lines
    assert hunks[2].lines[-2:] == ("+last", "\\ No newline at end of file")
    assert all(hunk.header.startswith("@@ -") for hunk in hunks)


def test_files_without_text_hunks_come_last(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r", {"a.bin": b"\0\1", "run x.sh": b"#\n", "z.py": b"x = 1\n"})
    write(root, {"a.bin": b"\0\2", "z.py": b"x = 2\n", "empty": b""})
    (root / "run x.sh").chmod(0o755)
    text = diff(root)
    hunks = split(text)
    assert [hunk.file for hunk in hunks] == ["z.py", "a.bin", "empty", "run x.sh"]
    assert [bool(hunk.header) for hunk in hunks] == [True, False, False, False]
    assert select(text, range(4)).count("diff --git") == 4
    only = select(text, [3])
    assert "new mode 100755" in only and only.count("diff --git") == 1


def test_names_that_git_quotes(tmp_path: Path) -> None:
    names = ["tab\there.py", 'quote"and\\.py', "zeile\nzwei.py", "größe.py"]
    root = make_repo(tmp_path / "r", {name: b"x = 1\n" for name in names})
    write(root, {name: b"x = 2\n" for name in names})
    (root / "tab\there.py").chmod(0o755)
    assert {hunk.file for hunk in split(diff(root))} == set(names)
    write(root, {name: b"x = 1\n" for name in names})
    assert [hunk.file for hunk in split(diff(root))] == ["tab\there.py"]


def test_lines_that_look_like_headers(tmp_path: Path) -> None:
    root = make_repo(tmp_path / "r", {"a.py": b"-- b/x\n++ y\n@@ -1 +1 @@\nend\n", "b.py": b"x = 1\n"})
    write(root, {"a.py": b"++ b/other\ndiff --git a/q b/q\nend\n", "b.py": b"x = 2\n"})
    assert [hunk.file for hunk in split(diff(root))] == ["a.py", "b.py"]


def test_an_empty_diff_and_unknown_hunks() -> None:
    assert split("") == ()
    assert select("", []) == ""
    with pytest.raises(ValueError, match="no hunk 0"):
        select("", [0])


LINES = st.lists(st.sampled_from(["a", "b", "c", "", "-- x", "++ y", "@@ -1 +1 @@", "\\ z"]), max_size=40)


def spliced(before: str, hunks: tuple[Hunk, ...], chosen: set[int]) -> str:
    """`before` with the chosen hunks' lines put in by hand."""
    lines = before.splitlines(keepends=True)
    for hunk in reversed(hunks):
        start, count = (int(part) for part in f"{hunk.header.split(' ')[1][1:]},1".split(",")[:2])
        kept: list[str] = []
        previous = ""
        for line in hunk.lines:
            if line.startswith("\\"):
                last = kept.pop() if kept else ""
                kept.append(last.removesuffix("\n") if previous in "+ " else last)
            elif line[0] in "+ ":
                kept.append(f"{line[1:]}\n")
            previous = line[0]
        if hunk.index in chosen:
            at = start - 1 if count else start
            lines[at : at + count] = kept
    return "".join(lines)


@given(old=LINES, new=LINES, ends=st.tuples(st.booleans(), st.booleans()), data=st.data())
@settings(max_examples=25)
def test_a_selection_applies_and_makes_just_its_changes(
    tmp_path_factory: pytest.TempPathFactory, old: list[str], new: list[str], ends: tuple[bool, bool], data: st.DataObject
) -> None:
    before, after = ("\n".join(lines) + ("\n" if end and lines else "") for lines, end in zip((old, new), ends, strict=True))
    root = make_repo(tmp_path_factory.mktemp("r"), {"f": before.encode()})
    write(root, {"f": after.encode()})
    text = diff(root)
    hunks = split(text)
    chosen = data.draw(st.sets(st.integers(0, len(hunks) - 1))) if hunks else set[int]()
    write(root, {"f": before.encode()})
    part = select(text, chosen)
    if part:
        write(root, {"part.diff": part.encode()})
        git(root, "apply", "part.diff")
    assert (root / "f").read_text() == spliced(before, hunks, chosen)
    if chosen == set(range(len(hunks))):
        assert (root / "f").read_text() == after
