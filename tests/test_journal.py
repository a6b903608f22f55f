"""The journal survives a kill at any byte and says so when it is damaged."""

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlagent_app.agent import events as ev
from mlagent_app.agent.errors import UserError
from mlagent_app.agent.events import Event, from_json, to_json
from mlagent_app.journal import Journal, Record, decode, encode, read

EVENTS: list[Event] = [
    ev.Notice(text="naïve ünïcode\n\udcff"),
    ev.ActionProposed(
        step=1,
        action="Edit Script",
        instruction="set C of SVC to 10",
        file="train.py",
        family="estimator-argument",
        probability=0.25,
        alternatives=(("set C of SVC to 10", 0.25), ("set C of SVC to 1", 0.1)),
        diff="--- a\n+++ b\n",
        base="b" * 40,
        commit="c" * 40,
        flags=("touches the seed",),
    ),
    ev.RunFinished(step=1, repeat=0, outcome="ok", exit_code=0, seconds=1.5, value=0.91, line="accuracy: 0.91", message=""),
    ev.Decided(step=1, decision="accept", by="user", reason="", commit="c" * 40, hunks=(0, 2)),
    ev.SessionEnded(reason="steps", steps=1, best=0.91, best_step=1, seconds=2.0),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_survives_json(event: Event) -> None:
    assert from_json(json.loads(json.dumps(to_json(event)))) == event


@given(st.integers(min_value=0, max_value=1500))
def test_a_journal_cut_at_any_byte_keeps_every_whole_event_and_goes_on(cut: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "journal.jsonl"
        journal = Journal(path)
        for event in EVENTS:
            journal.append(event)
        journal.close()
        whole = path.read_bytes()
        cut = min(cut, len(whole))
        path.write_bytes(whole[:cut])
        again = Journal(path)
        kept = whole[:cut].count(b"\n")
        assert [record.event for record in again.records] == EVENTS[:kept]
        again.append(ev.Notice(text="after the crash"))
        again.close()
        records, _ = read(path)
        assert [record.event for record in records] == [*EVENTS[:kept], ev.Notice(text="after the crash")]


@given(st.binary(max_size=80))
def test_no_bytes_are_taken_for_a_record_by_chance(line: bytes) -> None:
    assert decode(line + b"\n") is None


def test_damage_before_the_end_is_named(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    lines = [encode(Record(index, 1.0, event)) for index, event in enumerate(EVENTS)]
    lines[1] = lines[1].replace(b"SVC", b"SVD", 1)
    path.write_bytes(b"".join(lines))
    with pytest.raises(UserError, match=r"the journal is damaged .*line 2"):
        read(path)


def test_a_missing_journal_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no journal"):
        read(tmp_path / "none.jsonl")
