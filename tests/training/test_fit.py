"""What a recipe needs is counted as PyTorch counts it, and what does not fit is said before anything starts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlagent_app.agent.errors import UserError
from training import fit
from training.recipe import Model, Recipe, checked, load, names

TABLES = [
    Model(vocabulary=300, hidden=32, layers=2, heads=4, kv_heads=2, intermediate=48),
    Model(vocabulary=259, hidden=48, layers=3, heads=6, kv_heads=1, intermediate=100),
    Model(vocabulary=400, hidden=16, layers=1, heads=1, kv_heads=1, intermediate=16),
]


def recipe(**tables: object) -> Recipe:
    return checked({"name": "tiny", **tables}, "here")


@pytest.mark.torch
@pytest.mark.parametrize("table", TABLES, ids=lambda table: f"{table.hidden}-{table.heads}-{table.kv_heads}")
def test_the_parameters_are_those_of_the_model(table: Model, tmp_path: Path) -> None:
    model = pytest.importorskip("training.model")
    net = model.from_scratch(table, table.vocabulary, 0)
    count = sum(value.numel() for value in net.parameters())
    sizes = fit.sizes_of(Recipe(name="tiny", model=table))
    assert sizes is not None and sizes.parameters() == count
    # The same from its directory, as for a pretrained base, also with tied embeddings.
    net.save_pretrained(tmp_path)
    assert fit.sizes_of(recipe(model={"base": str(tmp_path)})) == sizes
    config = json.loads((tmp_path / "config.json").read_text("utf-8"))
    (tmp_path / "config.json").write_text(json.dumps({**config, "tie_word_embeddings": True}), "utf-8")
    tied = fit.sizes_of(recipe(model={"base": str(tmp_path)}))
    assert tied is not None and tied.parameters() == count - table.vocabulary * table.hidden


def test_the_seven_billion_are_seven_billion() -> None:
    assert fit.QWEN_7B.parameters() == 7_615_616_512
    assert fit.sizes_of(recipe(model={"base": "Qwen/Qwen2.5-7B-Instruct"})) == fit.QWEN_7B


def test_a_model_that_is_not_known_is_not_guessed() -> None:
    unknown = recipe(model={"base": "someone/something"})
    assert fit.sizes_of(unknown) is None
    assert fit.needed_bytes(unknown, "sft") is None
    fit.check(unknown, "sft")


@pytest.mark.parametrize("text", ["", "[]", "{", '{"vocab_size": 3}'])
def test_a_base_with_a_damaged_config_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(text, "utf-8")
    with pytest.raises(UserError, match="sizes cannot be read") as caught:
        fit.sizes_of(recipe(model={"base": str(tmp_path)}))
    assert "config.json" in caught.value.line()


def test_memory_counts_weights_gradients_and_optimizer() -> None:
    full = recipe(model=TABLES[0].model_dump())
    sizes = fit.sizes_of(full)
    assert sizes is not None
    count = sizes.parameters()
    assert fit.needed_bytes(full, "sft") == 16 * count
    assert fit.needed_bytes(full, "rl-0") == (16 + 16 + 4) * count
    lora = recipe(model={**TABLES[0].model_dump(), "adapter": "lora", "dtype": "bfloat16"})
    needed = fit.needed_bytes(lora, "rl-0")
    assert needed is not None and 2 * count < needed < 3 * count


@pytest.mark.parametrize("stage", ["sft", "sft-mine", "rl-0", "mine-3"])
def test_a_stage_that_is_too_large_is_refused(stage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit, "available", lambda: (1000, "memory"))
    large = recipe(arms={"mine": {"start": "scratch"}})
    with pytest.raises(UserError, match=f"{stage} needs at least .* GiB") as caught:
        fit.check(large, stage)
    assert "model.adapter" in caught.value.how
    assert "tiny" in caught.value.where
    for light in ("ideas", "experts", "corpus", "eval/rl-0", "other-3"):
        fit.check(large, light)


@pytest.mark.torch
def test_the_recipes_for_a_laptop_fit_here() -> None:
    pytest.importorskip("torch")
    assert {"nano", "smoke"} <= set(names())
    for name in ("nano", "smoke"):
        for stage in ("sft", "rl-0"):
            fit.check(load(name), stage)
    room, what = fit.available()
    assert room > 0 and what
