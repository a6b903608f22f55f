"""TRL's GRPO: over answers of a language model, and over instructions of the model from scratch."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

pytest.importorskip("torch")
pytest.importorskip("trl")

import torch

from mlagent_app.agent.actions import EditScript
from mlagent_app.agent.errors import UserError
from mlagent_app.agent.reward import sigmoid
from mlagent_app.policies.embedded import EmbeddedModel
from mlagent_app.policies.writing import Writer
from tests.training.texts import BAD, GOOD, SIZES, TinyPool, recipe_for, stage_of, step
from training import big, corpus, grpo, ppo, tokens
from training.answers import Execution, Speech
from training.episodes import Step
from training.loop import MODEL, read_log
from training.model import from_scratch
from training.outcomes import Outcome, Outcomes
from training.pool import Lost
from training.recipe import Model, checked
from training.telling import silent

pytestmark = pytest.mark.torch


TASK = "spaceship-titanic"


def small_corpus(place: Path, states: int = 1) -> corpus.Corpus:
    """States with two edits each, every one of another variant; one step."""
    place.mkdir(parents=True)
    edits = [["set C of SVC to 10", "train.py", "value"], ["add a scaler", "train.py", "scaling"]]
    tokens.train([edit[0] for edit in edits] * 3 + ["tabular accuracy"], 400).save(str(place / corpus.TOKENIZER))
    facts = {"task": TASK, "base": "files", "depth": 0, "kind": "tabular", "text": "tabular accuracy"}
    rows = [{"state": f"s{n}", "variant": f"{TASK}@{n}", "edits": edits, **facts} for n in range(states)]
    corpus.write_ids(place, rows, [step("s0", instruction="add a scaler")], Writer.load(place / corpus.TOKENIZER, 32))
    return corpus.read(place, 64)


def test_grpo_draws_from_the_model_from_scratch(tmp_path: Path) -> None:
    nano = small_corpus(tmp_path / "corpus")
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


@pytest.mark.parametrize("table", [{"algorithm": "grpo"}, {"actor": "text"}], ids=["grpo", "ppo"])
def test_what_writes_text_from_scratch_is_a_policy_of_the_app(table: dict[str, str], tmp_path: Path) -> None:
    read = small_corpus(tmp_path / "corpus", states=3)
    rl = {"updates": 1, "epochs": 1, "max_new_tokens": 6, **table}
    data = recipe_for("scratch", **rl).model_dump() | {"model": {**SIZES, "base": "scratch", "context": 64}}
    recipe = checked(data | {"tasks": {"only": [TASK]}}, "test")
    size = read.writer.tokenizer.get_vocab_size()
    from_scratch(recipe.model, size, 0).save_pretrained(str(tmp_path / "sft" / "model"))
    stage = ppo.stage_of(tmp_path, recipe, 0)
    pool = TinyPool(lambda job: step(job.state, scale=0.01))
    ppo.make(stage, pool, 0, "rl", silent)
    made = EmbeddedModel.load(stage.place / "model")
    assert (made.settings.name, made.settings.prompt_tokens) == ("tiny rl-0", 32)
    assert made.settings.prior.neutral and (stage.place / "model" / "cookbook.json").is_file()


def fixed(read: corpus.Corpus, *texts: str) -> Callable[..., tuple[list[list[int]], list[list[float]]]]:
    """In place of a draw: these answers in turn."""

    def drawn(
        model: object, prompts: list[object], speech: Speech, table: Model, seed: int
    ) -> tuple[list[list[int]], list[list[float]]]:
        del model, speech, table, seed
        answers = [read.writer.completion(texts[number % len(texts)]) for number in range(len(prompts))]
        return answers, [[0.0] * len(answer) for answer in answers]

    return drawn


def test_grpo_takes_a_step_on_rewards_of_equation_6(
    base: Path, read: corpus.Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grpo, "draw", fixed(read, GOOD, BAD))
    recipe = recipe_for(base, algorithm="grpo", updates=1, max_new_tokens=80)
    pool = TinyPool(lambda job: step(job.state, scale=0.01 if job.state == "s0" else 0.03))
    states = [read.situations["s0"], read.situations["s1"]]
    results = grpo.train(stage_of(recipe, tmp_path), read, base, states, pool, Outcomes(tmp_path / "o"), 0, silent)
    (row,) = read_log(tmp_path / "rl-0")
    drawn = {job.state for job in pool.asked}
    expected = [reward for state in drawn for reward in (sigmoid(1.0 if state == "s0" else 3.0), 0.0)]
    assert row["reward"] == pytest.approx(sum(expected) / len(expected), abs=1e-5)
    assert row["case/invalid"] == row["case/edit"] == 0.5
    assert results["updates"] == 1
    json.dumps(results, allow_nan=False)
    weights = [cast("Any", big.load_model(str(place), "float32")).lm_head.weight for place in (base, tmp_path / "rl-0" / MODEL)]
    assert not torch.equal(*weights)


def test_grpo_ends_where_nothing_is_executed_any_more(
    base: Path, read: corpus.Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grpo, "draw", fixed(read, GOOD))
    recipe = recipe_for(base, algorithm="grpo", updates=9, max_new_tokens=80)
    states, pool = [read.situations["s0"], read.situations["s1"]], TinyPool(lambda _: Lost("died"))
    with pytest.raises(UserError, match="3 batches in a row"):
        grpo.train(stage_of(recipe, tmp_path), read, base, states, pool, Outcomes(tmp_path / "o"), 0, silent)


def test_the_reward_function_has_none_for_what_was_not_scored(base: Path, read: corpus.Corpus) -> None:
    recipe = recipe_for(base)
    outcomes: dict[str, Step | Lost] = {"s0": step("s0", scale=-0.01), "s1": step("s1", "error"), "s2": Lost("died")}
    execution = Execution(recipe, TinyPool(lambda job: outcomes[job.state]), Outcomes(Path("/nonexistent")))
    reward = grpo.reward_function(recipe, read.situations, execution)
    found = reward(completions=[GOOD, GOOD, GOOD, BAD], state=["s0", "s1", "s2", "s0"], prompts=[""] * 4)
    assert found == [sigmoid(-1.0), 0.0, None, 0.0]
