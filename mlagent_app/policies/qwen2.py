"""The forward pass of a Qwen2 language model in numpy, for inference on a laptop: no PyTorch is needed.

Reads a directory as transformers writes it: `config.json` and `model.safetensors`. It is small on purpose: no key-value cache,
no batches; one pass over a prompt and the trie behind it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mlagent_app.policies.trie import ROOT, Floats, Ints, Mask, Trie

Array = npt.NDArray[np.float32]
_MASKED = np.float32(-1e30)


@dataclass(frozen=True, slots=True)
class Shape:
    """What the forward pass needs of `config.json`."""

    layers: int
    heads: int
    kv_heads: int
    head: int
    theta: float
    epsilon: float

    @classmethod
    def of(cls, config: dict[str, Any]) -> Shape:
        """Raises ValueError for a model that is no Qwen2, and KeyError for a value that is not there."""
        if config.get("model_type") != "qwen2":
            raise ValueError(f"a model of type {config.get('model_type')!r}, not qwen2")
        rope: dict[str, Any] = config.get("rope_parameters") or {}
        heads = int(config["num_attention_heads"])
        return cls(
            int(config["num_hidden_layers"]),
            heads,
            int(config["num_key_value_heads"]),
            int(config.get("head_dim") or config["hidden_size"] // heads),
            float(rope.get("rope_theta") or config.get("rope_theta") or 10000.0),
            float(config["rms_norm_eps"]),
        )


class Qwen2:
    """A loaded model. Safe to use from several threads."""

    def __init__(self, shape: Shape, weights: dict[str, Array]) -> None:
        self._shape = shape
        self._weights = weights

    @classmethod
    def load(cls, directory: Path) -> Qwen2:
        """Read a model directory. Raises OSError, ValueError and KeyError for what is missing or damaged."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file  # pyright: ignore[reportUnknownVariableType]

        config: dict[str, Any] = dict(json.loads((directory / "config.json").read_text("utf-8")))
        try:
            weights = {
                name: np.asarray(value, np.float32) for name, value in load_file(directory / "model.safetensors").items()
            }
        except SafetensorError as error:
            raise ValueError(f"model.safetensors: {error}") from error
        weights.setdefault("lm_head.weight", weights["model.embed_tokens.weight"])
        shape = Shape.of(config)
        _check(weights, shape, int(config["hidden_size"]), int(config["intermediate_size"]))
        return cls(shape, weights)

    def log_probabilities(self, prompt: Ints, trie: Trie) -> Floats:
        """The log-probability of each of the trie's completions [C] after `prompt` [P]."""
        total = len(prompt)
        tokens = np.concatenate([prompt, trie.token])
        positions = np.concatenate([np.arange(total), total + trie.depth])
        mask = np.zeros((len(tokens), len(tokens)), dtype=bool)
        mask[:total, :total] = np.tri(total, dtype=bool)
        mask[total:, :total] = True
        mask[total:, total:] = trie.ancestors()
        hidden = self.hidden(tokens, positions, mask)
        at = np.where(trie.source == ROOT, total - 1, total + trie.source)
        logits = np.einsum("eh,eh->e", hidden[at], self._weights["lm_head.weight"][trie.choice])
        return trie.log_probabilities(logits.astype(np.float64))

    def hidden(self, tokens: Ints, positions: Ints, mask: Mask) -> Array:
        """The last hidden states [L, H] of `tokens` [L] at `positions` [L].

        Position i attends to j where `mask` [L, L] says so.
        """
        weights, shape = self._weights, self._shape
        x = weights["model.embed_tokens.weight"][tokens]
        cosine, sine = _rotation(positions, shape)
        bias = np.where(mask, np.float32(0.0), _MASKED)
        for layer in range(shape.layers):
            name = f"model.layers.{layer}."
            normed = _norm(x, weights[name + "input_layernorm.weight"], shape.epsilon)
            x = x + self._attention(normed, name + "self_attn.", (cosine, sine), bias)
            normed = _norm(x, weights[name + "post_attention_layernorm.weight"], shape.epsilon)
            gate: Array = normed @ weights[name + "mlp.gate_proj.weight"].T
            up: Array = normed @ weights[name + "mlp.up_proj.weight"].T
            gated: Array = gate / (np.float32(1.0) + np.exp(-gate)) * up
            down: Array = gated @ weights[name + "mlp.down_proj.weight"].T
            x = x + down
        return _norm(x, weights["model.norm.weight"], shape.epsilon)

    def _attention(self, x: Array, name: str, rotation: tuple[Array, Array], bias: Array) -> Array:
        """Grouped-query attention with rotary positions, [L, H] -> [L, H]."""
        weights, shape = self._weights, self._shape

        def project(which: str, heads: int) -> Array:
            flat = x @ weights[f"{name}{which}.weight"].T + weights[f"{name}{which}.bias"]
            return flat.reshape(len(x), heads, shape.head).transpose(1, 0, 2)  # [heads, L, head]

        query = _rotate(project("q_proj", shape.heads), *rotation)
        key = _rotate(project("k_proj", shape.kv_heads), *rotation)
        value = project("v_proj", shape.kv_heads)
        groups = shape.heads // shape.kv_heads
        key, value = np.repeat(key, groups, axis=0), np.repeat(value, groups, axis=0)
        scores = query @ key.transpose(0, 2, 1) / np.float32(np.sqrt(shape.head)) + bias
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        mixed = (scores / scores.sum(axis=-1, keepdims=True)) @ value  # [heads, L, head]
        return mixed.transpose(1, 0, 2).reshape(len(x), -1) @ weights[f"{name}o_proj.weight"].T


def _check(weights: dict[str, Array], shape: Shape, hidden: int, inner: int) -> None:
    """Raises ValueError for weights of other sizes than `config.json` says, and KeyError for what is not there."""
    query, key = shape.heads * shape.head, shape.kv_heads * shape.head
    sizes: dict[str, tuple[int, ...]] = {"input_layernorm.weight": (hidden,), "post_attention_layernorm.weight": (hidden,)}
    for name, size in (("q_proj", query), ("k_proj", key), ("v_proj", key)):
        sizes |= {f"self_attn.{name}.weight": (size, hidden), f"self_attn.{name}.bias": (size,)}
    sizes |= {"self_attn.o_proj.weight": (hidden, query), "mlp.down_proj.weight": (hidden, inner)}
    sizes |= {"mlp.gate_proj.weight": (inner, hidden), "mlp.up_proj.weight": (inner, hidden)}
    vocabulary = len(weights["model.embed_tokens.weight"])
    wanted = {f"model.layers.{layer}.{name}": size for layer in range(shape.layers) for name, size in sizes.items()}
    wanted |= {name: (vocabulary, hidden) for name in ("model.embed_tokens.weight", "lm_head.weight")}
    for name, size in {**wanted, "model.norm.weight": (hidden,)}.items():
        if weights[name].shape != size:
            raise ValueError(f"{name} has the shape {weights[name].shape}, not {size}")


def _norm(x: Array, weight: Array, epsilon: float) -> Array:
    """Root-mean-square norm (Zhang and Sennrich 2019)."""
    return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + np.float32(epsilon)) * weight


def _rotation(positions: Ints, shape: Shape) -> tuple[Array, Array]:
    """Cosines and sines of the rotary embedding (Su et al. 2021), each [L, head]."""
    frequency = shape.theta ** (-np.arange(0, shape.head, 2) / shape.head)
    angle = np.outer(positions, frequency)
    angle = np.concatenate([angle, angle], axis=1)
    return np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)


def _rotate(x: Array, cosine: Array, sine: Array) -> Array:
    half = x.shape[-1] // 2
    kept: Array = x * cosine
    turned: Array = np.concatenate([-x[..., half:], x[..., :half]], axis=-1) * sine
    return kept + turned
