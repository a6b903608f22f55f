"""Two processes learn what one does: SFT by its command, PPO with copies and with shards. Nothing is run in a sandbox."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("trl")

import safetensors.torch
import tomlkit
import torch

from tests.training.texts import SIZES, state_text, step
from training import big, corpus, experts, ideas
from training.recipe import Recipe, load
from training.stage import read_manifest

pytestmark = [pytest.mark.torch, pytest.mark.slow]
TASK = "aerial-cactus-identification"
ROOT = Path(__file__).resolve().parent.parent.parent


def together(processes: int, *words: str) -> None:
    """Run a module with that many processes on the CPU."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(ROOT)}
    launch = ["-m", "torch.distributed.run", "--nproc-per-node", str(processes), "--master-port", str(port), "-m"]
    done = subprocess.run([sys.executable, *(launch if processes > 1 else ["-m"]), *words], env=env, capture_output=True,
                          text=True, check=False, timeout=900, cwd=ROOT)  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]


def recipe_file(place: Path, start: Path, **tables: dict[str, Any]) -> Path:
    """A recipe on the tiny base, as a file."""
    rl = {"actor": "text", "updates": 2, "states": 3, "rollouts_per_state": 1, "minibatch": 3, "epochs": 1, "actor_lr": 1e-3,
          "critic_lr": 1e-3, "kl": 0.01, "entropy": 0.0, "max_new_tokens": 4, "save_every": 1}  # fmt: skip
    data = {"name": "tiny", "model": {"base": str(start), **SIZES}, "rl": rl, **tables}
    path = place / "tiny.toml"
    path.write_text(tomlkit.dumps(data), "utf-8")
    return path


def prepared(run: Path, recipe: Recipe) -> Path:
    """A run whose stages before SFT are finished; its corpus has six states of different lengths."""
    for stage in (ideas.stage_of(run, recipe), experts.stage_of(run, recipe)):
        stage.finish(stage.begin(), results={})
    stage = corpus.stage_of(run, recipe)
    progress = stage.begin()
    writer = big.ChatWriter.of(big.load_tokenizer(recipe.model.base), recipe.model.context)
    writer.save(stage.place / corpus.CHAT)
    facts = {"task": TASK, "variant": f"{TASK}/0", "depth": 0, "kind": "tabular"}
    rows = [{"state": f"s{n}", "base": f"files-{n}", "text": state_text(n) + "x = 1\n" * 9 * n, **facts} for n in range(6)]
    steps = [replace(step(f"s{n}", instruction=f"set C of SVC to {10**n}"), task=TASK) for n in range(6)]
    corpus.write_answers(stage.place, rows, steps, writer, recipe.model.context - writer.most)
    stage.finish(progress, results={})
    return stage.place


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' own process is no part of a launch."""
    monkeypatch.delenv("WORLD_SIZE", raising=False)


def test_two_processes_of_sft_have_the_loss_and_the_weights_of_one(base: Path, tmp_path: Path, alone: None) -> None:
    del alone
    tasks = {"only": [TASK]}
    sft = {"epochs": 1, "batch": 1, "accumulate": 2, "learning_rate": 1e-3, "max_length": 2048, "weighting": "uniform"}
    path = recipe_file(tmp_path, base, sft=sft, tasks=tasks)
    recipe = load(str(path))
    found: list[Mapping[str, Any]] = []
    weights: list[dict[str, torch.Tensor]] = []
    for processes in (1, 2):
        run = tmp_path / f"run-{processes}"
        prepared(run, recipe)
        together(processes, "training.sft", "--recipe", str(path), "--out", str(run))
        found.append(read_manifest(run / "sft")["results"])
        weights.append(safetensors.torch.load_file(run / "sft" / "model" / "model.safetensors"))
        assert len(list((run / "sft" / "logs" / "tensorboard").iterdir())) == 1
    assert found[0]["updates"] == found[1]["updates"] == 3
    assert found[1]["loss"] == pytest.approx(found[0]["loss"], rel=1e-4)
    for name, value in weights[0].items():
        assert torch.allclose(value, weights[1][name], atol=1e-4), name


@pytest.mark.parametrize("sharding", ["copy", "shard"])
def test_two_processes_of_ppo_learn_what_one_does(sharding: str, base: Path, tmp_path: Path, alone: None) -> None:
    del alone
    path = recipe_file(tmp_path, base, distributed={"sharding": sharding})
    place = prepared(tmp_path / "made", load(str(path)))
    rows: list[list[dict[str, Any]]] = []
    fixed: list[dict[str, float]] = []
    gradients: list[dict[str, torch.Tensor]] = []
    for processes in (1, 2):
        run = tmp_path / f"run-{processes}"
        together(processes, "tests.training.ranks_job", str(path), str(place), str(base), str(run))
        told = [json.loads((run / f"told-{rank}.json").read_text()) for rank in range(processes)]
        assert all(one["fixed"] == pytest.approx(told[0]["fixed"]) for one in told)
        fixed.append(told[0]["fixed"])
        gradients.append(safetensors.torch.load_file(run / "gradients.safetensors"))
        assert [one["resumed"] for one in told] == [2] * processes
        assert [one["sharded"] for one in told] == [processes > 1 and sharding == "shard"] * processes
        assert len(list((run / "rl-0" / "logs" / "tensorboard").iterdir())) == 1
        lines = (run / "rl-0" / "log.jsonl").read_text().splitlines()
        rows.append([json.loads(line) for line in lines])
        assert (run / "rl-0" / "model" / "model.safetensors").is_file()
        big.load_model(str(run / "rl-0" / "model"), "float32")
    assert fixed[1] == pytest.approx(fixed[0], abs=1e-5)
    assert gradients[0].keys() == gradients[1].keys()
    for name, value in gradients[0].items():
        assert torch.allclose(value, gradients[1][name], atol=1e-5), name
    assert any(bool(value.any()) for name, value in gradients[0].items() if name.startswith("default."))
    assert [row["update"] for row in rows[0]] == [row["update"] for row in rows[1]] == [0, 1, 2]
    for row in rows[1][1:]:
        assert row["drift"] < 1e-4  # each process scored the answers that it drew
        assert row["case/invalid"] == 1.0
