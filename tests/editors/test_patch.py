"""Search/replace blocks and unified diffs become new file contents, or an error that shows the mismatch."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlagent_app.editors.base import unified_diff
from mlagent_app.editors.patch import PatchError, apply_patch

TRAIN = "import x\n\n\ndef f(a):\n    lr = 0.1\n    epochs = 5\n    return a\n"


def block(search: str, replace: str, file: str = "train.py") -> str:
    return f"{file}\n<<<<<<< SEARCH\n{search}=======\n{replace}>>>>>>> REPLACE\n"


line = st.text(alphabet="ab =#é\t\x0c\r-+@\\", max_size=6)


@st.composite
def texts(draw: st.DrawFn) -> str:
    """A small text of odd lines, with or without a newline at its end."""
    lines = draw(st.lists(line, max_size=12))
    return "\n".join(lines) + (draw(st.sampled_from(["", "\n"])) if lines else "")


def has_no_return(text: str) -> bool:
    return "\r" not in text


@settings(max_examples=300)
@given(texts(), texts())
def test_a_diff_of_two_texts_leads_from_one_to_the_other(before: str, after: str) -> None:
    patch = unified_diff({"a.py": before}, {"a.py": after})
    if before == after:
        assert patch == ""
    else:
        assert apply_patch(patch, {"a.py": before}) == {"a.py": after}


@settings(max_examples=100)
@given(st.lists(st.integers(0, 9), min_size=8, max_size=60), st.data(), st.integers(0, 3))
def test_a_diff_with_any_context_applies(numbers: list[int], data: st.DataObject, context: int) -> None:
    lines = [f"line {index} {value}\n" for index, value in enumerate(numbers)]
    changed = list(lines)
    for _ in range(3):
        at = data.draw(st.integers(0, len(changed) - 1))
        changed[at : at + data.draw(st.integers(0, 2))] = data.draw(st.lists(st.just("new\n"), max_size=2))
        changed = changed or ["left\n"]
    before, after = "".join(lines), "".join(changed)
    patch = unified_diff({"d/a.py": before}, {"d/a.py": after}, context)
    if before != after:
        assert apply_patch(patch, {"d/a.py": before}) == {"d/a.py": after}


@settings(max_examples=25, deadline=None)
@given(texts().filter(has_no_return), texts().filter(has_no_return))
def test_git_reads_our_diffs_as_we_do(tmp_path_factory: pytest.TempPathFactory, before: str, after: str) -> None:
    if before == after or not before:
        return
    folder: Path = tmp_path_factory.mktemp("git")
    (folder / "a.py").write_bytes(before.encode())
    patch = unified_diff({"a.py": before}, {"a.py": after})
    done = subprocess.run(["git", "apply", "-"], cwd=folder, input=patch.encode(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert (folder / "a.py").read_bytes() == after.encode()


def test_a_block_replaces_its_lines() -> None:
    patch = "I lower the rate.\n\n" + block("    lr = 0.1\n", "    lr = 0.01\n")
    assert apply_patch(patch, {"train.py": TRAIN}) == {"train.py": TRAIN.replace("0.1", "0.01")}


@pytest.mark.parametrize(
    "patch",
    [
        "```python\ntrain.py\n<<<<<<< SEARCH\n    lr = 0.1\n=======\n    lr = 1\n>>>>>>> REPLACE\n```\n",
        "train.py\n```python\n<<<<<<< SEARCH\n    lr = 0.1\n=======\n    lr = 1\n>>>>>>> REPLACE\n```\n",
        "### `train.py`:\n\n<<<<<<< SEARCH\n    lr = 0.1\n=======\n    lr = 1\n>>>>>>> REPLACE",
        "<<<<<<< SEARCH\n    lr = 0.1\n=======\n    lr = 1\n>>>>>>> REPLACE",
        "train.py\r\n<<<<<<< SEARCH\r\n    lr = 0.1\r\n=======\r\n    lr = 1\r\n>>>>>>> REPLACE\r\n",
        "train.py\n<<<<<<< SEARCH\nlr = 0.1\n=======\nlr = 1\n>>>>>>> REPLACE",
        "train.py\n<<<<<<< SEARCH\n    lr = 0.1   \n=======\n    lr = 1\n>>>>>>> REPLACE",
        "--- a/train.py\n+++ b/train.py\n@@ -4,3 +4,3 @@\n def f(a):\n-    lr = 0.1\n+    lr = 1\n     epochs = 5\n",
        "```diff\n--- train.py\n+++ train.py\n@@ @@\n def f(a):\n-    lr = 0.1\n+    lr = 1\n```\n",
        "diff --git a/train.py b/train.py\nindex 1..2 100644\n"
        "--- a/train.py\n+++ b/train.py\n@@ -90,9 +90,1 @@ def f\n-    lr = 0.1\n+    lr = 1\n",
    ],
)
def test_the_shapes_that_models_write(patch: str) -> None:
    assert apply_patch(patch, {"train.py": TRAIN}, default_file="train.py") == {"train.py": TRAIN.replace("0.1", "1")}


def test_an_indent_that_is_off_is_mended() -> None:
    patch = block("lr = 0.1\nepochs = 5\n", "lr = 0.1\nif a:\n    epochs = 9\n")
    expected = TRAIN.replace("    epochs = 5\n", "    if a:\n        epochs = 9\n")
    assert apply_patch(patch, {"train.py": TRAIN}) == {"train.py": expected}


TABS = "def f():\n\tfor i in x:\n\t\ta = 1\n\treturn a\n"
TWO = "class A:\n  def f(self):\n    if x:\n      y = 1\n    z = 2\n    return z\n"


@pytest.mark.parametrize(
    ("text", "search", "replace", "expected"),
    [
        (
            TABS,
            "    for i in x:\n        a = 1\n",
            "    for i in x:\n        a = 1\n        if i:\n            b = 2\n    c = 3\n",
            TABS.replace("a = 1\n", "a = 1\n\t\tif i:\n\t\t\tb = 2\n\tc = 3\n"),
        ),
        (TABS, "        a = 1\n", "        if i:\n            a = 1\n", TABS.replace("a = 1", "if i:\n\t\t\ta = 1")),
        (TABS, "    return a\n", "    return g(a,\n             b)\n", TABS.replace("return a", "return g(a,\n\t\t\t b)")),
        (TABS, "        a = 1\n    return a\n", "        a = 2\n    return a\nf()\n", TABS.replace("a = 1", "a = 2") + "f()\n"),
        # The patch has four spaces and no margin, the file two.
        (
            TWO,
            "if x:\n    y = 1\n",
            "if x:\n    y = 3\n    if z:\n        y = 4\n",
            TWO.replace("y = 1", "y = 3\n      if z:\n        y = 4"),
        ),
        (TWO, "    def f(self):\n        if x:\n", "    def f(self):\n        if not x:\n", TWO.replace("if x", "if not x")),
        # Two indents of the file are one in the patch: a line that replaces another takes the one of that.
        (TWO, "if x:\n    y = 1\n    z = 2\n", "if x:\n    y = 1\n    z = 3\n", TWO.replace("z = 2", "z = 3")),
    ],
)
def test_new_lines_take_the_indents_of_the_file(text: str, search: str, replace: str, expected: str) -> None:
    assert apply_patch(block(search, replace), {"train.py": text}) == {"train.py": expected}


def test_an_indent_that_is_not_certain_is_refused() -> None:
    patch = block("if x:\n    y = 1\n    z = 2\n", "if x:\n    y = 1\n    z = 2\n    z = 3\n")
    with pytest.raises(PatchError, match=r"\Athe indent of the new line 'z = 3' is not certain: copy the lines .*\Z"):
        apply_patch(patch, {"train.py": TWO})


nested = st.recursive(
    st.sampled_from(["a = 1", "b(2)", "c.d = e"]).map(lambda line: [line]),
    lambda blocks: st.tuples(st.sampled_from(["if x:", "for i in y:"]), st.lists(blocks, min_size=1, max_size=3)).map(
        lambda parts: [parts[0], *("\t" + line for block in parts[1] for line in block)]
    ),
    max_leaves=8,
)


@settings(max_examples=200)
@given(nested, nested, st.sampled_from(["\t", "  ", "    ", "   "]), st.sampled_from(["\t", "  ", "    "]), st.integers(0, 2))
def test_any_code_is_replaced_whatever_the_patch_indents_with(
    old: list[str], new: list[str], ours: str, theirs: str, depth: int
) -> None:
    def written(lines: list[str], unit: str, depth: int) -> str:
        margins = [len(line) - len(line.lstrip("\t")) + depth for line in lines]
        return "".join(f"{unit * count}{line.lstrip()}\n" for count, line in zip(margins, lines, strict=True))

    def method(lines: list[str]) -> str:
        return written(["class A:", "\tSTART:", *("\t\t" + line for line in lines)], ours, 0)

    def shown(lines: list[str]) -> str:
        return written(["START:", *("\t" + line for line in lines)], theirs, depth)

    text, wanted, patch = method(old), method(new), block(shown(old), shown(new))
    text, wanted, patch = (part.replace("START:", "def f():") for part in (text, wanted, patch))
    assert apply_patch(patch, {"train.py": text}) == ({} if text == wanted else {"train.py": wanted})


def test_line_ends_of_the_file_are_kept() -> None:
    crlf = TRAIN.replace("\n", "\r\n")
    patch = block("    lr = 0.1\n    epochs = 5\n", "    lr = 1\n    momentum = 0.9\n    epochs = 5\n")
    expected = crlf.replace("lr = 0.1\r\n", "lr = 1\r\n    momentum = 0.9\r\n")
    assert apply_patch(patch, {"train.py": crlf}) == {"train.py": expected}
    mixed = "a\r\nb\r\nc\nd"
    assert apply_patch(block("b\n", "B\n"), {"train.py": mixed}) == {"train.py": "a\r\nB\r\nc\nd"}
    assert apply_patch(block("d\n", "D\n"), {"train.py": mixed}) == {"train.py": "a\r\nb\r\nc\nD"}


NOTES = '"""\nTrain\n=====\nTrains.\n"""\n'


@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        (block("Train\n=====\n", "Trainer\n=====\n"), NOTES.replace("Train\n", "Trainer\n")),
        (block("Train\n", "Title\n=====\nTrain\n"), NOTES.replace("Train\n", "Title\n=====\nTrain\n")),
        ("train.py\n<<<<< SEARCH\nTrain\n=====\nModel\n>>>>> REPLACE\n", NOTES.replace("Train\n", "Model\n")),
        ("train.py\n<<<<<<<< SEARCH\nTrain\n=====\n========\nT\n>>>>>>>> REPLACE\n", NOTES.replace("Train\n=====", "T")),
        ("train.py\n<<<<<<< SEARCH\nTrain\n======\nModel\n>>>>>>> REPLACE\n", NOTES.replace("Train\n", "Model\n")),
        ("train.py\n<<<<<<< SEARCH\nTrain\n=======\nModel\n>>>>>> REPLACE\n", NOTES.replace("Train\n", "Model\n")),
        (
            "train.py\n<<<<<<< SEARCH\nTrain\n=======\nModel\n>>>>>> REPLACE\n" + block("Trains.\n", "Fits.\n"),
            NOTES.replace("Train\n", "Model\n").replace("Trains", "Fits"),
        ),
    ],
)
def test_an_underlined_heading_is_not_the_middle_of_a_block(patch: str, expected: str) -> None:
    assert apply_patch(patch, {"train.py": NOTES}) == {"train.py": expected}


@pytest.mark.parametrize(
    ("patch", "message"),
    [
        (
            block("Train\n", "Trainer\n=======\n"),
            "the `=======` of the block at line 2 could be any of lines 4, 6 of the patch: ",
        ),
        (block("Train\n", "Trainer\n=======\n"), "write 8 of `<`, `=` and `>` around this block"),
        ("train.py\n<<<<<<< SEARCH\nTrain\n=====\n======\nModel\n>>>>>>> REPLACE\n", "could be any of lines 4, 5 of the patch"),
        ("train.py\n<<<<<<< SEARCH\na\n=======\nb\n>>>>> REPLACE\n>>>>>> REPLACE\n", "could be any of lines 6, 7 of the patch"),
        ("train.py\n<<<<<<< SEARCH\nTrain\n=======\nModel\n" + block("Trains.\n", "Fits.\n"), "block at line 2 .* not closed"),
    ],
)
def test_a_block_that_can_be_read_in_several_ways_is_refused(patch: str, message: str) -> None:
    with pytest.raises(PatchError, match=message) as refusal:
        apply_patch(patch, {"train.py": NOTES})
    assert "\n" not in str(refusal.value)


headings = st.integers(4, 10).map(lambda count: "=" * count + "\n")
bodies = st.lists(st.one_of(headings, st.sampled_from(["Train\n", "a = 1\n", ">>>>> REPLACE\n"])), max_size=6)


@settings(max_examples=300)
@given(bodies, bodies, st.integers(5, 9))
def test_a_block_is_read_as_it_was_written_or_refused(search: list[str], replace: list[str], width: int) -> None:
    old, new = "start\n" + "".join(search), "".join(replace)
    patch = f"a.py\n{'<' * width} SEARCH\n{old}{'=' * width}\n{new}{'>' * width} REPLACE\n"
    try:
        changed = apply_patch(patch, {"a.py": old})
    except PatchError as error:
        assert "could be any of lines" in str(error)
        assert {"=" * width + "\n", ">" * width + " REPLACE\n"} & {*search, *replace}
    else:
        assert changed == ({} if old == new else {"a.py": new})


def test_several_blocks_and_files_and_a_new_file() -> None:
    files = {"a.py": "x = 1\ny = 2\n", "sub dir/b.py": "z = 3\n"}
    patch = block("x = 1\n", "x = 2\n", "a.py") + block("y = 2\n", "", "a.py") + block("z = 3\n", "z = 4\n", "sub dir/b.py")
    patch += block("", "new = True\n", "c.py")
    assert apply_patch(patch, files) == {"a.py": "x = 2\n", "sub dir/b.py": "z = 4\n", "c.py": "new = True\n"}


def test_a_patch_that_changes_nothing_changes_no_file() -> None:
    assert apply_patch(block("    lr = 0.1\n", "    lr = 0.1\n"), {"train.py": TRAIN}) == {}


@pytest.mark.parametrize(
    "file", ["/etc/passwd", "../x.py", "a/../../x.py", "~/x.py", "C:/x.py", ".git/config", "a/.GIT/hooks/x", "..\\x.py"]
)
def test_paths_outside_are_refused(file: str) -> None:
    for patch in (block("", "x\n", file), f"--- /dev/null\n+++ {file}\n@@ -0,0 +1 @@\n+x\n"):
        with pytest.raises(PatchError, match=r"not a path inside the project|in \.git"):
            apply_patch(patch, {"train.py": TRAIN})


@pytest.mark.parametrize(
    ("patch", "message"),
    [
        ("set lr to 3", "no change found: expected a file name and"),
        (block("    lr = 0.3\n", ""), r"(?s)not in train.py.*wanted:     lr = 0.3.*line 5:     lr = 0.1"),
        (block("lr\n", "x\n", "trian.py"), "there is no file 'trian.py' to edit; did you mean 'train.py'"),
        ("train.py\n<<<<<<< SEARCH\nlr\n=======\n", "is not closed"),
        ("--- a/train.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-import x\n", "not deleted"),
        (block("", "x\n"), "exists already"),
    ],
)
def test_what_cannot_be_applied_is_explained(patch: str, message: str) -> None:
    with pytest.raises(PatchError, match=message):
        apply_patch(patch, {"train.py": TRAIN})


def test_lines_that_occur_twice_are_ambiguous() -> None:
    with pytest.raises(PatchError, match=r"occur 2 times in a.py \(lines 1, 3\): give more of them"):
        apply_patch(block("x = 1\n", "x = 2\n", "a.py"), {"a.py": "x = 1\ny\nx = 1\n"})


@settings(max_examples=200)
@given(st.text(alphabet="@-+ \\<>=SEARCHREPLACE\n\rab/.0123456789,", max_size=200))
def test_garbage_is_refused_not_fatal(patch: str) -> None:
    try:
        changed = apply_patch(patch, {"a": "a\nb\n"}, default_file="a")
    except PatchError as error:
        assert str(error)
    else:
        assert all(not name.startswith(("/", "..")) for name in changed)


def test_the_most_similar_lines_are_shown() -> None:
    text = "".join(f"def step_{number}():\n    return {number}\n\n\n" for number in range(200))
    near = "def step_77():\n    return 770"
    with pytest.raises(PatchError, match="line 309: def step_77"):
        apply_patch(f"<<<<<<< SEARCH\n{near}\n=======\nx\n>>>>>>> REPLACE\n", {"a.py": text}, default_file="a.py")
    with pytest.raises(PatchError, match="line 310:     return 77"):
        apply_patch("<<<<<<< SEARCH\n  returns 77.\n=======\nx\n>>>>>>> REPLACE\n", {"a.py": text}, default_file="a.py")
