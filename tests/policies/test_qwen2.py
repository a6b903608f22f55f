"""The forward pass in numpy is that of transformers, and a directory that is not whole is refused when it is opened."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from safetensors.numpy import load_file, save_file  # pyright: ignore[reportUnknownVariableType]
from transformers import Qwen2ForCausalLM

from mlagent_app.policies.qwen2 import Qwen2
from mlagent_app.policies.trie import Ints, build
from tests.policies.constrained import log_probabilities as constrained
from training import model
from training.recipe import Model

pytestmark = pytest.mark.torch

VOCABULARY = 40
SHAPES = [
    Model(hidden=32, layers=2, heads=4, kv_heads=2, intermediate=48),  # grouped heads
    Model(hidden=48, layers=3, heads=6, kv_heads=1, intermediate=64),  # one head of keys for all
    Model(hidden=32, layers=1, heads=4, kv_heads=4, intermediate=96),  # a head of keys each
    Model(hidden=16, layers=2, heads=1, kv_heads=1, intermediate=16),
]
PROMPT: Ints = np.array([7, 3, 21, 3, 39, 8, 8, 15, 2, 30, 1], np.int64)


def made(place: Path, table: Model, seed: int = 0) -> Path:
    """A random model whose distributions are far from uniform, as transformers writes it."""
    net = model.from_scratch(table, VOCABULARY, seed)
    with torch.no_grad():
        for name, value in net.named_parameters():
            value.normal_(1.0 if name.endswith("norm.weight") else 0.0, 0.3)
    net.save_pretrained(place)
    return place


def completions(seed: int, count: int = 30) -> list[list[int]]:
    """Some that share prefixes; token 2 ends them."""
    rng = random.Random(seed)
    return [[*row, 2] for row in sorted({tuple(rng.choices(range(3, 8), k=rng.randint(0, 5))) for _ in range(count)})]


def changed(source: Path, place: Path, change: Callable[[dict[str, Any]], object], name: str = "config.json") -> Path:
    """A copy of a model's directory with one JSON file changed."""
    shutil.copytree(source, place)
    data: dict[str, Any] = json.loads((place / name).read_text("utf-8"))
    change(data)
    (place / name).write_text(json.dumps(data), "utf-8")
    return place


@pytest.mark.parametrize("table", SHAPES, ids=lambda table: f"{table.heads}-{table.kv_heads}-{table.hidden}")
def test_it_is_the_pass_of_transformers(table: Model, tmp_path: Path) -> None:
    place, wanted = made(tmp_path / "model", table), completions(table.heads)
    trie = build(wanted)
    found = Qwen2.load(place).log_probabilities(PROMPT, trie)
    net = model.load(place)
    with torch.no_grad():
        packed = model.log_probabilities(net, model.pack([PROMPT], [trie]))[0]
    assert found == pytest.approx(packed.numpy(), abs=1e-4)
    assert found == pytest.approx(constrained(wanted, plain(net)), abs=1e-4)
    assert float(np.exp(found).max()) > 3 / len(wanted)  # it would not be told from a uniform one otherwise


def plain(net: Qwen2ForCausalLM) -> Callable[[tuple[int, ...]], list[float]]:
    """The logits after the prompt and a prefix, from a forward pass of its own."""

    def logits(prefix: tuple[int, ...]) -> list[float]:
        with torch.no_grad():
            out: Any = net(input_ids=torch.tensor([[*PROMPT.tolist(), *prefix]]), use_cache=False)
        return out.logits[0, -1].tolist()

    return logits


def test_a_batch_gives_what_each_of_its_states_gives_alone(tmp_path: Path) -> None:
    net = model.load(made(tmp_path / "model", SHAPES[0]))
    prompts, sets = [PROMPT, PROMPT[:4], PROMPT[2:9]], [completions(1), [[5, 2]], completions(2, 6)]
    tries = [build(wanted) for wanted in sets]
    with torch.no_grad():
        together = model.log_probabilities(net, model.pack(prompts, tries))
        for row, prompt, trie in zip(together, prompts, tries, strict=True):
            alone = model.log_probabilities(net, model.pack([prompt], [trie]))[0]
            count = len(trie.path)
            assert row[:count].tolist() == pytest.approx(alone.tolist(), abs=1e-4)
            assert float(row[:count].exp().sum()) == pytest.approx(1.0, abs=1e-4)
            assert torch.isneginf(row[count:]).all()


def test_a_single_completion_is_certain(tmp_path: Path) -> None:
    place, trie = made(tmp_path / "model", SHAPES[0]), build([[5, 4, 2]])
    assert Qwen2.load(place).log_probabilities(PROMPT, trie).tolist() == [0.0]
    assert model.log_probabilities(model.load(place), model.pack([PROMPT], [trie])).tolist() == [[0.0]]


def test_weights_in_half_precision_are_read(tmp_path: Path) -> None:
    source, place, trie = made(tmp_path / "model", SHAPES[0]), tmp_path / "half", build(completions(3))
    shutil.copytree(source, place)
    half = {name: value.astype(np.float16) for name, value in load_file(source / "model.safetensors").items()}
    save_file(half, place / "model.safetensors", metadata={"format": "pt"})
    found = Qwen2.load(place).log_probabilities(PROMPT, trie)
    with torch.no_grad():
        packed = model.log_probabilities(model.load(place), model.pack([PROMPT], [trie]))[0]
    assert found == pytest.approx(packed.numpy(), abs=1e-4)
    assert found == pytest.approx(Qwen2.load(source).log_probabilities(PROMPT, trie), abs=0.1)


def test_the_base_of_the_rotation_is_read(tmp_path: Path) -> None:
    source, trie = made(tmp_path / "model", SHAPES[0]), build(completions(4))
    place = changed(source, tmp_path / "other", lambda config: config["rope_parameters"].update(rope_theta=500.0))
    found = Qwen2.load(place).log_probabilities(PROMPT, trie)
    with torch.no_grad():
        packed = model.log_probabilities(model.load(place), model.pack([PROMPT], [trie]))[0]
    assert found == pytest.approx(packed.numpy(), abs=1e-4)
    assert found != pytest.approx(Qwen2.load(source).log_probabilities(PROMPT, trie), abs=1e-4)


def test_tied_embeddings_stand_in_for_a_head(tmp_path: Path) -> None:
    place = made(tmp_path / "model", SHAPES[0])
    weights = load_file(place / "model.safetensors")
    weights["lm_head.weight"] = weights["model.embed_tokens.weight"]
    save_file(weights, place / "model.safetensors")
    untied = Qwen2.load(place).log_probabilities(PROMPT, build(completions(5)))
    del weights["lm_head.weight"]
    save_file(weights, place / "model.safetensors")
    assert Qwen2.load(place).log_probabilities(PROMPT, build(completions(5))) == pytest.approx(untied)


def without(place: Path, name: str) -> None:
    weights = load_file(place / "model.safetensors")
    del weights[name]
    save_file(weights, place / "model.safetensors")


DAMAGE: dict[str, Callable[[Path], object]] = {
    "no config": lambda place: (place / "config.json").unlink(),
    "an empty config": lambda place: (place / "config.json").write_text("", "utf-8"),
    "a config that is no object": lambda place: (place / "config.json").write_text("[]", "utf-8"),
    "another architecture": lambda place: (place / "config.json").write_text('{"model_type": "llama"}', "utf-8"),
    "a config without sizes": lambda place: (place / "config.json").write_text('{"model_type": "qwen2"}', "utf-8"),
    "no weights": lambda place: (place / "model.safetensors").unlink(),
    "half of the weights": lambda place: (place / "model.safetensors").write_bytes(
        (place / "model.safetensors").read_bytes()[:-100]
    ),
    "weights that are none": lambda place: (place / "model.safetensors").write_bytes(b"\x08" + b"\0" * 7 + b"not json"),
    "no embedding": lambda place: without(place, "model.embed_tokens.weight"),
    "no last norm": lambda place: without(place, "model.norm.weight"),
    "a bias that is missing": lambda place: without(place, "model.layers.1.self_attn.k_proj.bias"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_directory_that_is_not_whole_is_refused(damage: str, tmp_path: Path) -> None:
    place = made(tmp_path / "model", SHAPES[0])
    DAMAGE[damage](place)
    with pytest.raises((OSError, ValueError, KeyError)):
        Qwen2.load(place)


@pytest.mark.parametrize("key", ["num_hidden_layers", "num_attention_heads", "hidden_size", "intermediate_size"])
def test_weights_of_other_sizes_than_the_config_are_refused(key: str, tmp_path: Path) -> None:
    place = changed(
        made(tmp_path / "model", SHAPES[0]), tmp_path / "other", lambda config: config.update({key: 2 * config[key]})
    )
    with pytest.raises((ValueError, KeyError), match=r"shape|model\.layers\.2"):
        Qwen2.load(place)
