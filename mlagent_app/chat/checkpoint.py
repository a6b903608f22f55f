"""What can be known of a language model before it is loaded: its size, its context, and what a token of context takes."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlagent_app.agent.errors import Exit, UserError

# Keys and values are kept in 16 bits, whatever the weights have.
_KV_BYTES = 2
_NAMED_SIZE = re.compile(r"(?<![\d.])(\d+(?:\.\d+)?)\s*([BM])(?![a-z])", re.IGNORECASE)
_NAMED = 2 * 1.1
ADAPTER_FILE = "adapter_config.json"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model's weights in bytes as stored, bytes of keys and values a token, its longest context, its attention heads.

    `float32`: whether it computes in 32 bits, as small models do that were never on a GPU. Numbers are 0 where they are not
    known: a model of a hub that was not downloaded yet is known by its name alone.
    """

    weights: int = 0
    kv_bytes: int = 0
    context: int = 0
    heads: int = 0
    kv_heads: int = 0
    float32: bool = False


def read_checkpoint(model: str) -> Checkpoint:
    """What is known of a directory, or of a hub's model. Raises `UserError` (exit 4) for a directory that holds no model."""
    place = model_directory(model)
    if place is None:
        return Checkpoint(weights=_size_by_name(model))
    try:
        config: dict[str, Any] = json.loads((place / "config.json").read_text("utf-8"))
        text: dict[str, Any] = config.get("text_config") or config
        heads = int(text["num_attention_heads"])
        kv_heads = int(text.get("num_key_value_heads") or heads)
        head = int(text.get("head_dim") or text["hidden_size"] // heads)
        layers, context = int(text["num_hidden_layers"]), int(text["max_position_embeddings"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ZeroDivisionError) as error:
        why = f"config.json has no {error}" if isinstance(error, KeyError) else str(error)
        raise no_model(why, model) from None
    size = sum(path.stat().st_size for pattern in ("*.safetensors", "*.bin") for path in place.glob(pattern))
    if not size:
        raise no_model("no *.safetensors in it", model)
    single = str(text.get("dtype") or text.get("torch_dtype")) == "float32"
    return Checkpoint(size, 2 * layers * kv_heads * head * _KV_BYTES, context, heads, kv_heads, single)


def model_directory(model: str) -> Path | None:
    """The directory of a model: itself, or the newest download of a hub's name; None where it is not on this machine.

    Raises `UserError` (exit 4) for a path that is not there: it would be looked up on a hub, with a message to match.
    """
    path = Path(model).expanduser()
    if model and path.is_dir():
        return path.resolve()
    if not model or model.startswith((".", "/", "~")) or model.count("/") > 1:
        raise no_model("there is no such directory", model)
    home = os.environ.get("HF_HOME") or "~/.cache/huggingface"
    cache = Path(os.environ.get("HF_HUB_CACHE") or f"{home}/hub").expanduser()
    kept = [item for item in cache.glob(f"models--{model.replace('/', '--')}/snapshots/*") if (item / "config.json").exists()]
    return max(kept, key=lambda item: item.stat().st_mtime, default=None)


def require_context(model: Checkpoint, wanted: int) -> None:
    """Raises `UserError` (exit 4) where more tokens are asked for than the model is known to have."""
    if model.context and wanted > model.context:
        raise UserError(
            f"the model's context has {model.context} tokens, fewer than {wanted}",
            how=f"ask for {model.context} or less",
            code=Exit.NO_POLICY,
        )


def adapter_rank(adapter: Path) -> int:
    """The rank of a LoRA adapter's directory. Raises `UserError` (exit 4) where it is none."""
    try:
        data: dict[str, Any] = json.loads((adapter / ADAPTER_FILE).read_text("utf-8"))
        kind, rank = data.get("peft_type"), int(data["r"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        why = f"{ADAPTER_FILE} has no {error}" if isinstance(error, KeyError) else str(error)
        raise _no_adapter(why, adapter) from None
    if kind != "LORA":
        raise _no_adapter(f"an adapter of type {kind}, not LORA", adapter)
    if not any(adapter.glob("adapter_model.*")):
        raise _no_adapter("it has no weights: adapter_model.safetensors is missing", adapter)
    return rank


def _no_adapter(why: str, adapter: Path) -> UserError:
    how = "name a directory that peft wrote, such as the one that mlagent-train rl made"
    return UserError(f"the adapter cannot be read: {why}", where=str(adapter), how=how, code=Exit.NO_POLICY)


def no_model(why: str, model: str) -> UserError:
    """The error for what is not a model."""
    return UserError(
        f"the model cannot be read: {why}",
        where=model or "no model",
        how="name a directory with config.json and *.safetensors, or a hub's model such as Qwen/Qwen2.5-7B-Instruct",
        code=Exit.NO_POLICY,
    )


def _size_by_name(model: str) -> int:
    """Bytes of the weights in 16 bits, by the number of parameters in the name; 0 where it says none.

    Names round down: Qwen2.5-7B has 7.6 billion.
    """
    found = _NAMED_SIZE.findall(model.rpartition("/")[2])
    if not found:
        return 0
    number, unit = found[-1]
    return int(_NAMED * float(number) * {"B": 1e9, "M": 1e6}[unit.upper()])
