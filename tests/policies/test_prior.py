"""The prior: what a cookbook and the session's own tries say of an edit, and how it is mixed with the model's distribution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlagent_app.agent.cookbook import Cookbook
from mlagent_app.agent.metrics import MetricSpec
from mlagent_app.agent.state import State, Task, Turn
from mlagent_app.policies.prior import FEATURES, FLOOR, NEUTRAL, Prior, Tried, features, in_time, pace, tries

KIND = "table clf"
EDITS = [
    ("set C of SVC to 1 in a.py", "argument"),
    ("set C of SVC to 10 in a.py", "argument"),
    ("set gamma of SVC to 1 in a.py", "argument"),
    ("add PCA before the model", "step"),
]
BOOK = Cookbook.of([(KIND, "set C of SVC to 10", "argument", 0.4), (KIND, "add PCA before the model", "step", 0.0)] * 50)
FINITE = st.floats(-20, 0)


def turn(instruction: str, family: str, *, kept: bool, outcome: str = "ok") -> Turn:
    return Turn(0, "Edit Script", instruction, "a.py", family, outcome, 0.8, 1.0, 0.1, kept)


def state(*turns: Turn) -> State:
    task = Task("toy", "python a.py", MetricSpec("accuracy", "max"), 0.7, 1.0)
    return State(task, 0.8, "files", turns)


def column(name: str, tried: Sequence[Tried]) -> list[float]:
    return [float(value) for value in features(BOOK, KIND, tried, EDITS)[:, FEATURES.index(name)]]


def test_before_any_try_the_cookbook_alone_speaks() -> None:
    phi = features(BOOK, KIND, (), EDITS)
    assert phi.shape == (4, len(FEATURES)) and not phi[:, 1:].any(), "and where times are not known, every run ends in time"
    wanted = [math.log(FLOOR + BOOK.score(KIND, instruction, family)) for instruction, family in EDITS]
    assert phi[:, 0].tolist() == pytest.approx(wanted)
    assert phi[1, 0] > phi[2, 0] > phi[3, 0]


def test_tries_count_for_their_family_and_for_their_target() -> None:
    tried = tries(state(turn(EDITS[0][0], "argument", kept=True), turn("set C of SVC to 3 in a.py", "argument", kept=False)))
    assert tried == (Tried(EDITS[0][0], "argument", True), Tried("set C of SVC to 3 in a.py", "argument", False))
    third = pytest.approx(1 / 3)
    assert column("family_helped", tried) == [third, third, third, 0.0] == column("family_failed", tried)
    assert column("target_helped", tried) == [third, third, 0.0, 0.0] == column("target_failed", tried)


def test_what_the_sandbox_failed_and_what_was_no_edit_are_no_tries() -> None:
    lost = turn(EDITS[0][0], "argument", kept=False, outcome="infrastructure")
    assert tries(state(lost, replace(lost, instruction="", outcome="ok"))) == ()


def test_what_takes_longer_than_a_run_may_take_is_foretold() -> None:
    book = Cookbook.of([(KIND, "tune C of SVC", "tune", 0.2, math.log(8))] * 300 + [(KIND, "use Adam", "b", 0.2, 0.0)] * 300)
    edits = [("tune C of SVC in a.py", "tune"), ("use Adam in a.py", "b")]
    at = FEATURES.index("in_time")
    wide, narrow = (features(book, KIND, (), edits, room)[:, at] for room in (1000.0, 2.0))
    assert wide[0] > -0.01 and wide[1] > -0.01
    assert narrow[0] < -1.0 < narrow[1] < wide[1]


def test_a_session_whose_runs_take_longer_than_foretold_makes_all_others_longer() -> None:
    book = Cookbook.of([(KIND, "tune C of SVC", "tune", 0.2, 1.0), (KIND, "use Adam", "b", 0.2, 0.0)] * 300)
    edits, at = [("tune C of SVC in a.py", "tune"), ("use Adam in a.py", "b")], FEATURES.index("in_time")
    foretold = book.longer(KIND, *edits[0])
    slow, fair = Tried(*edits[0], False, foretold + 2.0), Tried(*edits[0], False, foretold)
    untimed = Tried(*edits[0], False)
    assert pace(book, KIND, ()) == 0.0 == pace(book, KIND, (untimed, untimed))
    assert 0.0 < pace(book, KIND, (slow,)) < pace(book, KIND, (slow, slow)) < 2.0
    assert pace(book, KIND, (slow, fair)) < pace(book, KIND, (slow, untimed)) == pace(book, KIND, (slow,))
    before, after = (features(book, KIND, tried, edits, 3.0)[:, at] for tried in ((), (slow, slow)))
    assert (after < before).all()
    assert not features(book, KIND, (slow,), edits)[:, at].any(), "without a limit nothing is cut off"


@given(st.floats(-3, 5), st.floats(-3, 5), st.floats(0.1, 100))
def test_the_chance_to_end_in_time_falls_with_the_time(first: float, second: float, room: float) -> None:
    low, high = sorted((first, second))
    assert in_time(high, room) <= in_time(low, room) <= 0.0
    assert in_time(low, room) <= in_time(low, 2 * room)


def test_a_state_says_how_much_room_a_run_has() -> None:
    assert state().room is None and replace(state(), seconds=2.0).room is None
    assert replace(state(), seconds=2.0, limit=6.0).room == 3.0
    assert math.isfinite(replace(state(), seconds=0.0, limit=6.0).room or 0.0)


@given(
    st.lists(FINITE, min_size=4, max_size=4),
    st.lists(st.floats(-3, 3), min_size=len(FEATURES), max_size=len(FEATURES)),
    st.floats(0.1, 2.0),
)
def test_the_mixture_is_log_linear_and_sums_to_1(logits: list[float], weights: list[float], share: float) -> None:
    logp = np.array(logits) - np.logaddexp.reduce(logits)
    phi = features(BOOK, KIND, (Tried(EDITS[0][0], "argument", False),), EDITS)
    found = Prior(share, tuple(weights)).mixed(logp, phi)
    assert float(np.exp(found).sum()) == pytest.approx(1.0)
    odds = share * (logp[0] - logp[3]) + float((phi[0] - phi[3]) @ np.array(weights))
    assert float(found[0] - found[3]) == pytest.approx(odds, abs=1e-8)
    assert NEUTRAL.mixed(logp, phi) == pytest.approx(logp)


@given(st.floats(0.1, 2.0), st.lists(st.floats(-9, 9), min_size=len(FEATURES), max_size=len(FEATURES)))
def test_it_is_read_back_as_it_was_written(share: float, weights: list[float]) -> None:
    made = Prior(share, tuple(weights))
    assert Prior.from_json(made.to_json()) == made


@pytest.mark.parametrize("change", [{"expected": float("nan")}, {"more": 1.0}, {"model": "much"}, {"model": -1.0}])
def test_a_damaged_one_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"prior|much"):
        Prior.from_json({**NEUTRAL.to_json(), **change})
