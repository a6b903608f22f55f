"""The benchmark of step-wise beside episode-wise RL, on made-up logs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch")

from benchmarks.stepwise import report
from mlagent_app.agent.errors import UserError
from training.loop import LOG
from training.stage import MANIFEST, SCHEMA


def made(run: Path, name: str, mode: str, seconds: float, executions: int, cache_hits: int, updates: int = 4) -> None:
    """A stage of RL of 6 states, with 5 actions in each step by step."""
    place = run / name
    place.mkdir()
    row = {
        "seconds": seconds,
        "execution_seconds": seconds / 2,
        "executions": executions,
        "cache_hits": cache_hits,
        "reward": 0.1,
    }
    rows = [{"update": 0, "unseen_reward": 0.1}, *({"update": number + 1, **row} for number in range(updates))]
    (place / LOG).write_text("".join(json.dumps(row) + "\n" for row in rows))
    results = {
        "updates": updates,
        "updates_per_hour": 3600 / seconds,
        "executions": updates * executions,
        "cache_hits": updates * cache_hits,
    }
    table = {"mode": mode, "states": 6, "rollouts_per_state": 5}
    (place / MANIFEST).write_text(json.dumps({"schema": SCHEMA, "recipe": {"rl": table}, "results": results}))


def test_updates_are_compared_at_as_many_samples_and_at_as_many_actions(tmp_path: Path) -> None:
    made(tmp_path, "rl-0", "step", 9.0, 20, 10)
    made(tmp_path, "rl-1", "step", 11.25, 20, 10)
    made(tmp_path, "paper-reward-0", "step", 1.0, 0, 30)  # it remembers what the others executed, and does not count
    made(tmp_path, "episode-0", "episode", 36.0, 48, 0)
    lines = report(tmp_path)
    assert [line.split()[0] for line in lines[1:4]] == ["rl-0", "rl-1", "episode-0"]
    assert lines[1].split()[1:] == ["4", "30", "30.0", "67%", "9.0", "4.5"]
    assert lines[3].split()[1:] == ["4", "6", "48.0", "100%", "36.0", "18.0"]
    # 30 samples an update 400 and 320 times an hour; 6 episodes of 8 actions 100 times.
    assert "10,800 and 600;" in lines[4] and lines[4].endswith("18.0 times")
    assert "10,800 and 4,800;" in lines[5] and lines[5].endswith("2.2 times")


def test_what_is_lacking_is_said_with_the_command_that_makes_it(tmp_path: Path) -> None:
    made(tmp_path, "rl-0", "step", 9.0, 20, 10)
    with pytest.raises(UserError, match="no seed was trained by episode") as error:
        report(tmp_path)
    assert "--arm episode" in str(error.value)
