"""The fold behind all reports: what counts as the best, and what the JSON object holds."""

from __future__ import annotations

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from mlagent_app.agent import events as ev
from mlagent_app.agent.events import Event, from_json
from mlagent_app.agent.events import to_json as event_json
from mlagent_app.agent.summary import summarise, to_json
from tests.report import sample

KEYS = {
    "project", "session", "policy", "sandbox", "command", "metric", "baseline", "best", "steps", "applied", "seconds",
}  # fmt: skip
STEP_KEYS = {
    "index", "action", "instruction", "file", "outcome", "value", "reward", "seconds", "decision", "commit",
}  # fmt: skip


def test_the_object_has_exactly_the_documented_keys() -> None:
    data = to_json(summarise(sample.whole()))
    assert set(data) == KEYS
    assert set(data["metric"]) == {"name", "direction"}
    assert set(data["baseline"]) == {"value", "runs", "noise"}
    assert set(data["best"]) == {"value", "step", "relative_gain", "confidence"}
    assert [set(step) for step in data["steps"]] == [STEP_KEYS] * 8
    assert json.loads(json.dumps(data, allow_nan=False)) == data


def test_a_whole_session() -> None:
    data = to_json(summarise(sample.whole()))
    assert data["baseline"] == {"value": 0.80, "runs": 3, "noise": sample.NOISE}
    assert data["best"]["step"] == 6
    assert data["best"]["value"] == 0.95
    assert math.isclose(data["best"]["relative_gain"], 0.15 / 0.80)
    assert math.isclose(data["best"]["confidence"], 15.0)
    assert data["sandbox"] == "bwrap"  # the session went on there
    assert data["applied"] is True
    assert data["seconds"] == 42.5
    decisions = [step["decision"] for step in data["steps"]]
    assert decisions == ["accept", "refuse", "refuse", "accept", "refuse", "accept", "reverted", "skip"]
    assert data["steps"][0]["commit"] == "1" * 40  # landed: the project's commit
    assert data["steps"][1]["commit"] == "c2"
    assert data["steps"][3]["value"] == 0.89  # the mean of both measurements
    assert data["steps"][3]["seconds"] == 2.5  # the interrupted run counts
    assert data["steps"][4]["reward"] is None  # unscored: the sandbox itself failed


def test_the_events_survive_json() -> None:
    again = [from_json(json.loads(json.dumps(event_json(event)))) for event in sample.whole()]
    assert to_json(summarise(again)) == to_json(summarise(sample.whole()))


def test_without_a_kept_gain_the_baseline_is_the_best() -> None:
    events = [*sample.opening(), *sample.edit(1, 0.80, 0.95, "refuse"), *sample.edit(2, 0.80, 0.70, "accept", by="user")]
    best = summarise(events).best
    assert best is not None
    assert (best.value, best.step, best.gain, best.relative_gain, best.confidence) == (0.80, 0, 0.0, 0.0, None)


def test_a_lower_error_is_a_positive_gain() -> None:
    events = [*sample.opening(None, "min", -2.0), *sample.edit(1, -2.0, -3.0, "accept")]
    best = summarise(events).best
    assert best is not None
    assert (best.step, best.gain, best.relative_gain, best.confidence) == (1, 1.0, 0.5, None)


def test_a_baseline_of_zero_has_no_relative_gain() -> None:
    best = summarise([*sample.opening(None, value=0.0), *sample.edit(1, 0.0, 0.5, "accept")]).best
    assert best is not None
    assert best.relative_gain is None


def test_noise_of_zero_gives_no_confidence() -> None:
    best = summarise([*sample.opening(0.0), *sample.edit(1, 0.80, 0.85, "accept")]).best
    assert best is not None
    assert best.confidence is None


def test_a_partly_kept_step_claims_nothing_until_it_is_measured() -> None:
    events = [*sample.opening(), *sample.edit(1, 0.80, 0.90, "accept", by="user", hunks=(0,))]
    assert summarise(events).best_step == 0
    again: list[Event] = [*events, ev.Measured(step=1, values=(0.85,), value=0.85, confidence=5.0)]
    best = summarise(again).best
    assert best is not None
    assert (best.step, best.value) == (1, 0.85)
    head: list[Event] = [*events, ev.HeadMeasured(value=0.84, why="accepted in part")]
    best = summarise(head).best
    assert best is not None
    assert (best.step, best.value) == (1, 0.84)


def test_a_revert_out_of_order_takes_back_what_later_steps_measured() -> None:
    events: list[Event] = [
        *sample.opening(),
        *sample.edit(1, 0.80, 0.85, "accept"),
        *sample.edit(2, 0.85, 0.90, "accept"),
        ev.Reverted(step=1, files=(), commit="", head="c9", note=""),
    ]
    assert summarise(events).best_step == 0
    best = summarise([*events, ev.HeadMeasured(value=0.83, why="reverted out of order")]).best
    assert best is not None
    assert (best.step, best.value) == (2, 0.83)
    assert summarise([*events, *sample.edit(3, 0.83, 0.91, "accept")]).best_step == 3


def test_nothing_landed_or_all_undone_is_not_applied() -> None:
    kept = [*sample.opening(), *sample.edit(1, 0.80, 0.90, "accept")]
    assert not summarise(kept).applied
    done: list[Event] = [*kept, sample.landed(1)]
    assert summarise(done).applied
    undone: list[Event] = [*done, ev.Reverted(step=1, files=("train.py",), commit="r", head="c0", note="")]
    assert not summarise(undone).applied


def test_a_failure_is_forgotten_when_the_session_goes_on() -> None:
    events: list[Event] = [*sample.opening(), ev.Failed(message="the engine stopped", code=5)]
    assert summarise(events).failed is not None
    assert summarise([*events, ev.Resumed(again=True, sandbox="docker")]).failed is None


def test_a_session_may_go_on_with_other_limits_and_older_journals_do_not_name_them() -> None:
    opening = sample.opening()
    begun = summarise(opening)
    assert begun.started is not None
    limits = (begun.started.steps, begun.started.minutes)
    assert (begun.most_steps, begun.most_minutes) == limits
    older = summarise([*opening, ev.Resumed(again=True, sandbox="docker")])
    assert (older.most_steps, older.most_minutes) == limits
    longer = summarise([*opening, ev.Resumed(again=True, steps=30), ev.Paused(), ev.Resumed()])
    assert (longer.most_steps, longer.most_minutes) == (30, None)


def test_infinite_and_missing_numbers_stay_valid_json() -> None:
    infinite = ev.Rewarded(
        step=1, outcome="ok", case="error", scalar=0.0, version="v1", before=0.8, value=math.inf, delta=None, span=None,
        scale=None, confidence=None, feedback="",
    )  # fmt: skip
    events: list[Event] = [*sample.opening(), sample.proposed(1), infinite, sample.decided(1, "accept", by="user")]
    data = to_json(summarise(events))
    json.dumps(data, allow_nan=False)
    assert data["steps"][0]["value"] is None
    assert data["best"]["step"] == 0


@given(st.lists(st.sampled_from(sample.whole()), max_size=40))
def test_any_order_of_events_gives_an_object(events: list[Event]) -> None:
    data = to_json(summarise(events))
    json.dumps(data, allow_nan=False)
    assert set(data) == KEYS


@given(st.integers(0, len(sample.whole())))
def test_any_beginning_gives_an_object_and_never_a_better_best_than_was_measured(cut: int) -> None:
    data = to_json(summarise(sample.whole()[:cut]))
    measured = [step["value"] for step in data["steps"] if step["value"] is not None]
    if data["best"]:
        assert data["best"]["value"] <= max([data["baseline"]["value"], *measured])
