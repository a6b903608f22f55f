"""Trajectory files come back as they were written, and every kind of damage is said in its own line."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlagent_app.agent.errors import UserError
from training import shards

SCALAR = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
ROW = st.dictionaries(
    st.text(), st.recursive(SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))
)
Damage = Callable[[bytes], bytes]
ROWS: list[dict[str, Any]] = [{"b": 1, "a": "x\ny\u2028"}, {"logp": -0.5}]


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shards")


@given(rows=st.lists(ROW, max_size=5), mark=st.text())
def test_what_is_written_is_read(scratch: Path, rows: list[dict[str, Any]], mark: str) -> None:
    path = scratch / "deep" / "a.jsonl"
    shards.write(path, "steps", rows, tokenizer=mark)
    assert shards.read(path, "steps") == rows
    assert shards.read(path, "steps", tokenizer=mark) == rows
    first = path.read_bytes()
    shards.write(path, "steps", shards.read(path, "steps"), tokenizer=mark)
    assert path.read_bytes() == first
    assert [found.name for found in path.parent.iterdir()] == ["a.jsonl"]


def test_numbers_that_are_none_come_back(tmp_path: Path) -> None:
    shards.write(tmp_path / "a.jsonl", "steps", [{"x": math.inf, "y": math.nan}])
    [row] = shards.read(tmp_path / "a.jsonl", "steps")
    assert row["x"] == math.inf and math.isnan(row["y"])


def test_the_header_says_what_is_inside(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    shards.write(path, "steps", ROWS, tokenizer="abc")
    head = json.loads(path.read_text("utf-8").splitlines()[0])
    assert (head["schema"], head["kind"], head["count"], head["tokenizer"]) == (shards.SCHEMA, "steps", 2, "abc")


def test_a_directory_is_read_in_the_order_of_its_names(tmp_path: Path) -> None:
    for number, name in reversed(list(enumerate(shards.names("round-0", range(12))))):
        shards.write(tmp_path / name, "steps", [{"n": number}])
    (tmp_path / "notes.txt").write_text("none", "utf-8")
    assert [row["n"] for row in shards.read_all(tmp_path, "steps")] == list(range(12))
    assert list(shards.read_all(tmp_path / "nowhere", "steps")) == []


def _flipped(data: bytes) -> bytes:
    return data[:-3] + bytes([data[-3] ^ 1]) + data[-2:]


def _headed(**values: object) -> Damage:
    """The file with other values in its header."""

    def change(data: bytes) -> bytes:
        head, _, body = data.partition(b"\n")
        return json.dumps({**json.loads(head), **values}).encode() + b"\n" + body

    return change


def _cut(data: bytes) -> bytes:
    return data[:-5]


def _longer(data: bytes) -> bytes:
    return data + b"{}\n"


def _bodiless(data: bytes) -> bytes:
    return data.partition(b"\n")[0] + b"\n"


@pytest.mark.parametrize("content", [b"", b"not json\n", b"\xff\xfe\n", b"[]\n", b"3\n", b"{}\n", b'"text"\n', b"\0"])
def test_what_is_no_shard_is_said(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(content)
    with pytest.raises(UserError, match="the shard cannot be read") as caught:
        shards.read(path, "steps")
    assert "run the stage again" in caught.value.how
    assert str(path) in caught.value.line()


@pytest.mark.parametrize(
    ("damage", "said", "how"),
    [
        (_cut, "checksum", "run the stage again"),
        (_longer, "checksum", "run the stage again"),
        (_bodiless, "checksum", "run the stage again"),
        (_flipped, "checksum", "run the stage again"),
        (_headed(sha256=None), "checksum", "run the stage again"),
        (_headed(schema=99), f"schema 99, this version reads {shards.SCHEMA}", "make the data anew"),
        (_headed(kind="states"), "holds states, not steps", "right stage"),
        (_headed(tokenizer="other"), "another tokenizer: other, not abc", "make the data anew"),
    ],
)
def test_each_kind_of_damage_has_its_line(damage: Damage, said: str, how: str, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    shards.write(path, "steps", ROWS, tokenizer="abc")
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(UserError, match=said) as caught:
        shards.read(path, "steps", tokenizer="abc")
    assert how in caught.value.how
    assert str(path) in caught.value.line()
    assert "\n" not in caught.value.line()


def test_a_shard_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read") as caught:
        shards.read(tmp_path / "a.jsonl", "steps")
    assert "a.jsonl" in caught.value.line()


def test_a_shard_without_the_mark_is_refused(tmp_path: Path) -> None:
    shards.write(tmp_path / "a.jsonl", "steps", ROWS)
    with pytest.raises(UserError, match="another tokenizer: None, not abc"):
        shards.read(tmp_path / "a.jsonl", "steps", tokenizer="abc")


def test_what_cannot_be_written_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    shards.write(path, "steps", ROWS)
    with pytest.raises(TypeError):
        shards.write(path, "steps", [{"x": object()}])
    assert shards.read(path, "steps") == ROWS
