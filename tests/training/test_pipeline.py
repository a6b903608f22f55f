"""`mlagent-train` as a person runs it: killed and started again, started twice, started with what cannot be."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.bwrap, pytest.mark.slow]

CHANGES = (
    "tasks.only=['community-graph']",
    "experts.steps=1",
    "experts.shard_size=1",
    "experts.episodes=3",
    "tasks.variants=2",
)


def command(stage: str, out: Path, *more: str) -> list[str]:
    changes = [part for change in CHANGES for part in ("--set", change)]
    return [sys.executable, "-m", "training.cli", stage, "--recipe", "smoke", "--out", str(out), *changes, *more]


def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "MLAGENT_STATE_DIR": str(tmp_path / "state"), "OMP_NUM_THREADS": "1"}


def chosen(run: Path) -> list[tuple[str, int, str]]:
    """(starter, variant, instruction) of all episodes, in order."""
    found: list[tuple[str, int, str]] = []
    for path in sorted((run / "experts").glob("round-0-*.jsonl")):
        for line in path.read_text("utf-8").splitlines()[1:]:
            row = json.loads(line)
            found += [(row["start"]["starter"], row["start"]["variant"], step["instruction"]) for step in row["steps"]]
    return found


def test_two_do_not_work_on_one_run(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    with (run / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        other = subprocess.run(command("ideas", run), env=environment(tmp_path), capture_output=True, text=True)
    assert other.returncode == 2 and "another mlagent-train works on this run" in other.stderr


def test_a_stage_that_was_killed_goes_on_where_it_stood(tmp_path: Path) -> None:
    env, run = environment(tmp_path), tmp_path / "run"
    process = subprocess.Popen(command("experts", run), env=env, stderr=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + 240
    while not list((run / "experts").glob("round-0-*.jsonl")) and time.monotonic() < deadline:
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    kept = {path: path.stat().st_mtime_ns for path in (run / "experts").glob("round-0-*.jsonl")}
    assert not (run / "experts" / "manifest.json").exists()

    subprocess.run(command("experts", run), env=env, check=True, stderr=subprocess.DEVNULL)
    assert all(path.stat().st_mtime_ns == at for path, at in kept.items()), "what was whole is not made again"
    manifest = json.loads((run / "experts" / "manifest.json").read_text("utf-8"))
    assert manifest["results"]["episodes"] == len(chosen(run)) >= 6
    assert manifest["recipe"]["seed"] == 0 and manifest["packages"]["torch"] and manifest["outputs"]

    again = subprocess.run(command("experts", run), env=env, check=True, capture_output=True, text=True)
    assert "experts: made already" in again.stderr
    serial = tmp_path / "serial"
    subprocess.run(command("experts", serial, "--pool", "serial"), env=env, check=True, stderr=subprocess.DEVNULL)
    assert chosen(serial) == chosen(run), "neither the kill nor the pool changes what comes out"

    shard = next(iter(kept))
    shard.write_bytes(shard.read_bytes()[:-20] + b"x" * 20)
    (run / "experts" / "manifest.json").unlink()
    damaged = subprocess.run(command("experts", run), env=env, capture_output=True, text=True)
    assert damaged.returncode == 2
    assert [line for line in damaged.stderr.splitlines() if "mlagent-train:" in line] == [
        f"mlagent-train: the shard is damaged: its checksum does not fit ({shard}) - remove it and run the stage again: "
        "what is whole is kept"
    ]


def test_the_shipped_weights_are_evaluated_without_training_anything(tmp_path: Path) -> None:
    run = tmp_path / "run"
    few = ("eval.tasks=['statoil-iceberg-classifier-challenge']", "eval.steps=1", "eval.starters=1", "eval.detune=[0]")
    changes = [part for change in few for part in ("--set", change)]
    line = command("eval", run, "--arm", "shipped", "--arm", "random", *changes)
    subprocess.run(line, env=environment(tmp_path), check=True, capture_output=True)
    outcomes = [json.loads(row) for row in (run / "eval" / "outcomes.jsonl").read_text("utf-8").splitlines()]
    assert {row["arm"] for row in outcomes} == {"random", "shipped"}
    assert all(len(row["values"]) == 2 for row in outcomes), "the start, and after one step"
    assert not (run / "experts").exists()
    again = subprocess.run(line, env=environment(tmp_path), check=True, capture_output=True, text=True)
    assert "eval/shipped-0: made already" in again.stderr
