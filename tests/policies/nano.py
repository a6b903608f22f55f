"""The shipped weights as a directory that servers can load.

vLLM's attention on a CPU knows no heads of 16 numbers. So the model is written out twice as wide, with zeros between: hidden
states of 128 of which 64 are always 0, heads of 32 of which 16 are. What it computes is the same to the last rounding:

- a root-mean-square norm over twice as many numbers, half of them 0, is larger by sqrt(2): its weight is divided by that, and
  its epsilon halved;
- rotary positions turn number j of a head's half with theta^(-j/half): number j of 8 turns as number 2 j of 16;
- scores are divided by the root of the head's size: queries are multiplied by sqrt(2).
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file, save_file  # pyright: ignore[reportUnknownVariableType]

from mlagent_app.policies.embedded import shipped

Array = npt.NDArray[np.float32]
# Positions are turned and not learnt: a longer context costs nothing but the model's ability to make use of it.
CONTEXT = 16384
# Every message's text, then the mark that begins an instruction.
TEMPLATE = (
    "{% for message in messages %}{{ message['content'] }}\n{% endfor %}{% if add_generation_prompt %}<|edit|>{% endif %}"
)
TOKENIZER = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "eos_token": "<|end|>",
    "pad_token": "<|pad|>",
    "chat_template": TEMPLATE,
    "clean_up_tokenization_spaces": False,
    "model_max_length": CONTEXT,
}


def servable(place: Path) -> Path:
    """Write the directory: config.json, model.safetensors, the tokenizer with a chat template."""
    place.mkdir(parents=True)
    source = shipped()
    config: dict[str, Any] = json.loads((source / "config.json").read_text("utf-8"))
    weights = {name: np.asarray(value, np.float32) for name, value in load_file(source / "model.safetensors").items()}
    save_file(_wide(weights, config), place / "model.safetensors", metadata={"format": "pt"})
    config |= {
        "hidden_size": 2 * config["hidden_size"],
        "rms_norm_eps": config["rms_norm_eps"] / 2,
        "max_position_embeddings": CONTEXT,
        "use_cache": True,
    }
    (place / "config.json").write_text(json.dumps(config), "utf-8")
    (place / "tokenizer_config.json").write_text(json.dumps(TOKENIZER), "utf-8")
    shutil.copyfile(source / "tokenizer.json", place / "tokenizer.json")
    return place


def _wide(weights: dict[str, Array], config: dict[str, Any]) -> dict[str, Array]:
    head = config["hidden_size"] // config["num_attention_heads"]
    wide: dict[str, Array] = {}
    for name, value in weights.items():
        part = name.rsplit(".", 2)[-2]
        if part.endswith("norm"):
            made = _padded(value / np.float32(np.sqrt(2.0)), 0)
        elif part in ("q_proj", "k_proj", "v_proj"):
            scaled = value * np.float32(np.sqrt(2.0) if part == "q_proj" else 1.0)
            made = _spread(scaled if scaled.ndim == 1 else _padded(scaled, 1), head)
        elif part == "o_proj":
            made = _padded(_spread(value.T, head).T, 0)
        elif part == "down_proj":
            made = _padded(value, 0)
        else:  # the embeddings, the head, gate and up: hidden states are their last axis
            made = _padded(value, 1)
        wide[name] = np.ascontiguousarray(made)
    return wide


def _padded(value: Array, axis: int) -> Array:
    """Twice as long along an axis, the second half zeros."""
    return np.concatenate([value, np.zeros_like(value)], axis=axis)


def _spread(value: Array, head: int) -> Array:
    """The heads along the first axis, each spread over twice its size."""
    heads = value.reshape(-1, head, *value.shape[1:])
    made = np.zeros((len(heads), 2 * head, *value.shape[1:]), np.float32)
    made[:, ::2] = heads
    return made.reshape(-1, *value.shape[1:])
