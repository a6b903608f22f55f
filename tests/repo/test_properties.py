"""Random projects, random steps, random changes by the user."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlagent_app.agent.errors import UserError
from mlagent_app.repo.landing import check
from tests.repo.support import Bed, fingerprint, git, tree, write

NAMES = ("train.py", "a b.py", "größe.yaml", "sub/deep dir/x.txt", "sub/y.bin", ":z.py", "q'\"\\.csv")
QUICK = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
LONG = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])

text_lines = st.lists(st.sampled_from([b"a = 1", b"b = 2", b"", b"c = '\xe9'", b"d = 4"]), min_size=1, max_size=12)


def joined(lines: list[bytes], end: bytes, last: bytes) -> bytes:
    return end.join(lines) + last


texts = st.builds(joined, text_lines, st.sampled_from([b"\n", b"\r\n"]), st.sampled_from([b"", b"\n"]))
contents = st.one_of(texts, st.sampled_from([b"", bytes(range(256)), b"\0\r\n\0", b"\xff\xfeu\0"]))
trees = st.dictionaries(st.sampled_from(NAMES), contents, min_size=2)
no_files = st.just(dict[str, bytes]())
attributes = st.sampled_from([None, b"* text=auto\n", b"*.py text eol=crlf\n*.yaml eol=lf\n", b"* -text\n"])


@dataclass(frozen=True)
class Start:
    """A repository in some state: what is committed, then staged on top, then in the files."""

    committed: dict[str, bytes]
    staged: dict[str, bytes]
    files: dict[str, bytes]
    executable: frozenset[str]
    attributes: bytes | None
    autocrlf: str
    link: bool


starts = st.builds(
    Start,
    trees,
    trees | no_files,
    trees | no_files,
    st.frozensets(st.sampled_from(NAMES), max_size=2),
    attributes,
    st.sampled_from(["false", "true", "input"]),
    st.booleans(),
)


def build(root: Path, start: Start) -> Path:
    root.mkdir()
    git(root, "init", "-q")
    git(root, "config", "core.autocrlf", start.autocrlf)
    git(root, "config", "core.safecrlf", "false")
    if start.attributes is not None:
        write(root, {".gitattributes": start.attributes})
    write(root, start.committed)
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "first")
    write(root, start.staged)
    if start.staged:
        git(root, "--literal-pathspecs", "add", "--", *start.staged)
    write(root, start.files)
    for name in start.executable:
        if (root / name).exists():
            (root / name).chmod(0o755)
    if start.link:
        (root / "link").symlink_to("sub/y.bin")
    return root


def materialised_is_identical(top: Path, start: Start) -> None:
    root = build(top / "r", start)
    before = fingerprint(root)
    bed = Bed(root, top / "s")
    bed.snapshot.materialise(bed.base, top / "w")
    assert tree(top / "w") == tree(root)
    assert fingerprint(root) == before


def untouched_git(root: Path, edited: set[str]) -> dict[str, str]:
    """The index entries of the files that no step touched, with all that git noted about them."""
    # Where a file changed in the tick in which the index was written, git notes a size of 0 whenever it writes the index.
    entries = re.sub(r"size: \d+", "", git(root, "ls-files", "-z", "--stage", "--debug")).split("\0")
    found: dict[str, str] = {}
    name = ""
    for part in entries:
        # With --debug each entry is followed by its notes, which come before the next entry's mode.
        notes, _, head = part.rpartition("\n")
        if name:
            found[name] += notes
        name = head.partition("\t")[2]
        if name:
            found[name] = head
    return {name: entry for name, entry in found.items() if name not in edited}


def landed_and_reverted(top: Path, start: Start, step: dict[str, bytes], mine: dict[str, bytes], to_branch: bool) -> None:
    """A step lands and is undone, with changes of the user in other files that come between."""
    root = build(top / "r", start)
    bed = Bed(root, top / "s")
    commit = bed.commit(dict(step))
    write(root, {name: content for name, content in mine.items() if name not in step})
    before, head = tree(root), git(root, "rev-parse", "HEAD").strip()
    entries = untouched_git(root, set(step))
    result = bed.land(commit, to_branch=to_branch)
    landed = tree(root)
    assert {name: content for name, (_, content) in landed.items() if name in step} == step
    assert {name: state for name, state in landed.items() if name not in step} == {
        name: state for name, state in before.items() if name not in step
    }
    assert untouched_git(root, set(step)) == entries
    if result.commit:
        assert git(root, "rev-parse", "HEAD^").strip() == head
        changed = git(root, "diff", "-z", "--name-only", head, "HEAD").split("\0")[:-1]
        assert set(changed) <= set(step)
    else:
        assert git(root, "rev-parse", "HEAD").strip() == head
    bed.revert(commit, to_branch=to_branch, landed=result.commit)
    assert tree(root) == before
    assert untouched_git(root, set(step)) == entries
    if result.commit:
        assert git(root, "diff", "--stat", head, "HEAD") == ""
    git(root, "fsck", "--strict")


def lands_right_or_not_at_all(top: Path, base: list[bytes], step: list[bytes], mine: list[bytes], committed: bool) -> None:
    """The same file changed on both sides: every line that one side alone changed comes out as that side has it."""
    root = top / "r"
    numbered = [b"%d %s" % item for item in enumerate(base)]
    write(root, {"f.py": b"\n".join(numbered) + b"\n"})
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "first")
    bed = Bed(root, top / "s")
    theirs = [new if new else old for new, old in zip(step, numbered, strict=False)]
    ours = [new if new else old for new, old in zip(mine, numbered, strict=False)]
    commit = bed.commit({"f.py": b"\n".join(theirs) + b"\n"})
    write(root, {"f.py": b"\n".join(ours) + b"\n"})
    if committed:
        git(root, "commit", "-q", "-a", "-m", "mine", "--allow-empty")
    before = fingerprint(root)
    applies = check(bed.project, bed.snapshot, bed.base, commit).applies
    assert fingerprint(root) == before
    try:
        result = bed.land(commit)
    except UserError:
        assert not applies
        assert fingerprint(root) == before
        clashes = [
            number
            for number, line in enumerate(numbered)
            if theirs[number] != line
            and any(ours[near] != numbered[near] for near in (number - 1, number, number + 1) if 0 <= near < len(base))
        ]
        assert clashes
        return
    assert applies
    wanted = [new if new != old else own for new, old, own in zip(theirs, numbered, ours, strict=True)]
    assert (root / "f.py").read_bytes() == b"\n".join(wanted) + b"\n"
    if result.commit and not committed:
        # What the user changed in the same way, without committing it, stays uncommitted.
        added = [new if new != own else old for new, old, own in zip(theirs, numbered, ours, strict=True)]
        assert git(root, "show", "HEAD:f.py").encode() == b"\n".join(added) + b"\n"


some_lines = st.lists(st.sampled_from([b"x", b"y"]), min_size=12, max_size=12)
some_changes = st.lists(st.sampled_from([b"", b"", b"", b"new", b"other"]), min_size=12, max_size=12)


@given(start=starts)
@QUICK
def test_a_snapshot_is_identical_and_leaves_no_trace(tmp_path_factory: pytest.TempPathFactory, start: Start) -> None:
    materialised_is_identical(tmp_path_factory.mktemp("t"), start)


@given(start=starts, step=trees, mine=trees, to_branch=st.booleans())
@QUICK
def test_land_then_revert(
    tmp_path_factory: pytest.TempPathFactory, start: Start, step: dict[str, bytes], mine: dict[str, bytes], to_branch: bool
) -> None:
    landed_and_reverted(tmp_path_factory.mktemp("t"), start, step, mine, to_branch)


@given(base=some_lines, step=some_changes, mine=some_changes, committed=st.booleans())
@QUICK
def test_both_sides_change_a_file(
    tmp_path_factory: pytest.TempPathFactory, base: list[bytes], step: list[bytes], mine: list[bytes], committed: bool
) -> None:
    lands_right_or_not_at_all(tmp_path_factory.mktemp("t"), base, step, mine, committed)


@pytest.mark.slow
@given(start=starts)
@LONG
def test_many_snapshots(tmp_path_factory: pytest.TempPathFactory, start: Start) -> None:
    materialised_is_identical(tmp_path_factory.mktemp("t"), start)


@pytest.mark.slow
@given(start=starts, step=trees, mine=trees, to_branch=st.booleans())
@LONG
def test_many_landings(
    tmp_path_factory: pytest.TempPathFactory, start: Start, step: dict[str, bytes], mine: dict[str, bytes], to_branch: bool
) -> None:
    landed_and_reverted(tmp_path_factory.mktemp("t"), start, step, mine, to_branch)


@pytest.mark.slow
@given(base=some_lines, step=some_changes, mine=some_changes, committed=st.booleans())
@LONG
def test_many_changes_on_both_sides(
    tmp_path_factory: pytest.TempPathFactory, base: list[bytes], step: list[bytes], mine: list[bytes], committed: bool
) -> None:
    lands_right_or_not_at_all(tmp_path_factory.mktemp("t"), base, step, mine, committed)
