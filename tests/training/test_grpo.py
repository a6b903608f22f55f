"""TRL's GRPO with the model from scratch, which writes instructions: the same rollout as for a language model."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("trl")

from mlagent_app.agent.actions import EditScript
from mlagent_app.agent.reward import sigmoid
from mlagent_app.policies.writing import Writer
from tests.training.test_textual import SIZES, TinyPool, recipe_for, stage_of, step
from training import corpus, grpo, tokens
from training.answers import Execution
from training.loop import read_log
from training.model import from_scratch
from training.outcomes import Outcome, Outcomes
from training.recipe import checked
from training.telling import silent

pytestmark = pytest.mark.torch


def test_grpo_draws_from_the_model_from_scratch(tmp_path: Path) -> None:
    place = tmp_path / "corpus"
    place.mkdir()
    edits = [["set C of SVC to 10", "train.py", "value"], ["add a scaler", "train.py", "scaling"]]
    tokens.train([edit[0] for edit in edits] * 3 + ["tabular accuracy"], 400).save(str(place / corpus.TOKENIZER))
    facts = {"task": "toy", "variant": "toy/0", "base": "files", "depth": 0, "kind": "tabular", "text": "tabular accuracy"}
    writer = Writer.load(place / corpus.TOKENIZER, 32)
    corpus.write_ids(place, [{"state": "s0", "edits": edits, **facts}], [step("s0", instruction="add a scaler")], writer)
    nano = corpus.read(place, 64)
    assert [place for _, place in nano.steps] == [1]
    data = recipe_for("scratch", algorithm="grpo", updates=1, epochs=2, max_new_tokens=6).model_dump()
    recipe = checked(data | {"model": {**SIZES, "base": "scratch", "context": 64}}, "test")
    model = from_scratch(recipe.model, nano.writer.tokenizer.get_vocab_size(), 0)
    model.save_pretrained(str(tmp_path / "start"))
    pool = TinyPool(lambda job: step(job.state, scale=0.01))
    states = list(nano.situations.values())
    grpo.train(stage_of(recipe, tmp_path), nano, tmp_path / "start", states, pool, Outcomes(tmp_path / "o"), 0, silent)
    (row,) = read_log(tmp_path / "rl-0")
    assert row["case/edit"] > 0
    assert row["reward"] == pytest.approx(row["case/edit"] * sigmoid(1.0), abs=1e-5)
    assert all("Action: Edit Script" in job.reply and '"train.py"' in job.reply for job in pool.asked)
    assert math.isfinite(row["seconds"])
    instruction = Execution(recipe, pool, Outcomes(tmp_path / "o")).action(states[0], "add a scaler")
    assert instruction == EditScript("train.py", "add a scaler")
    assert Outcome("invalid", None).reward(recipe) == 0.0
