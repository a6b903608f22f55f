"""Loading a language model into this process with transformers: on which device, in which precision, with which adapter."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlagent_app.agent.errors import Exit, UserError, first_line
from mlagent_app.chat.checkpoint import adapter_rank, model_directory, no_model, read_checkpoint
from mlagent_app.chat.vllm_plan import GIB, Quantization

PACKAGES = ("torch", "transformers")
# Beside the weights: activations, keys and values of one conversation.
_BESIDE = 1.25


@dataclass(frozen=True, slots=True)
class Source:
    """What to load: a directory or a hub's name, an adapter's directory, how the weights are quantised.

    `device` is `cpu`, `cuda` or `mps`; empty: the best that is here.
    """

    model: str
    adapter: str = ""
    quantization: Quantization = ""
    device: str = ""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model in evaluation mode, its tokenizer, and the name of its device."""

    model: Any
    tokenizer: Any
    device: str


def check(source: Source) -> None:
    """What can be known before anything heavy is imported. Raises `UserError` (exit 4)."""
    if not source.model:
        how = "set policy.model, or give --model, to a directory or a hub's model such as Qwen/Qwen2.5-7B-Instruct"
        raise UserError("the policy transformers needs a model", where="policy.model", how=how, code=Exit.NO_POLICY)
    require(*PACKAGES, *(["peft"] if source.adapter else []), how="pip install 'ml-agent[local]'")
    if source.quantization:
        require("bitsandbytes", "accelerate", how="pip install bitsandbytes accelerate, or leave policy.quantization empty")
    read_checkpoint(source.model)
    if source.adapter:
        adapter_rank(Path(source.adapter).expanduser())


def require(*packages: str, how: str) -> None:
    """Raises `UserError` (exit 4) where one of the packages is not installed."""
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise UserError(f"the policy transformers needs {', '.join(missing)}", how=how, code=Exit.NO_POLICY)


def load_tokenizer(source: Source) -> Any:  # noqa: ANN401  # a tokenizer of transformers
    """The tokenizer of the adapter where it has one (training may have given it a template), else the model's."""
    import transformers

    kind: Any = transformers.AutoTokenizer
    adapter = Path(source.adapter).expanduser()
    own = bool(source.adapter) and (adapter / "tokenizer.json").is_file()
    place = str(adapter) if own else _place(source)
    try:
        return kind.from_pretrained(place)
    except Exception as error:  # the library raises what it likes
        raise _explained(error, place) from None


def load(source: Source) -> Loaded:
    """The model on its device. Raises `UserError` (exit 4) where it cannot be read, does not fit, or cannot be quantised."""
    import torch
    import transformers

    device = source.device or best_device()
    options: dict[str, Any] = {"dtype": _dtype(source, device)}
    if source.quantization:
        options |= _quantised(source, device)
    elif device == "cuda":
        _fits_gpu(source)
    kind: Any = transformers.AutoModelForCausalLM
    tokenizer = load_tokenizer(source)
    try:
        model = kind.from_pretrained(_place(source), **options)
        if source.adapter:
            import peft

            model = peft.PeftModel.from_pretrained(model, str(Path(source.adapter).expanduser()))
        if not source.quantization:
            model.to(device)
    except torch.cuda.OutOfMemoryError:
        raise _too_large(source, device) from None
    except Exception as error:  # weights, configurations and adapters each have errors of their own
        raise _explained(error, source.model) from None
    model.eval()
    return Loaded(model, tokenizer, device)


def best_device() -> str:
    """`cuda`, `mps` or `cpu`."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _dtype(source: Source, device: str) -> Any:  # noqa: ANN401  # a torch.dtype
    """16 bits on a GPU. A CPU computes faster in 32 bits, where they fit into its memory; else in what the weights have."""
    import psutil
    import torch

    if device == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    if device == "mps":
        return torch.float16
    size, free = read_checkpoint(source.model).weights, int(psutil.virtual_memory().available)
    if 2 * size * _BESIDE <= free:
        return torch.float32
    if size * _BESIDE > free:
        raise _too_large(source, "main memory")
    return torch.bfloat16


def _quantised(source: Source, device: str) -> dict[str, Any]:
    import torch
    import transformers

    if device == "mps":
        how = "leave policy.quantization empty, or serve a quantised model with Ollama or LM Studio and use --policy openai"
        raise UserError(
            "bitsandbytes quantises nothing on Apple's GPUs", where="policy.quantization", how=how, code=Exit.NO_POLICY
        )
    make: Any = transformers.BitsAndBytesConfig
    if source.quantization == "4bit":
        config = make(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16)
    else:
        config = make(load_in_8bit=True)
    return {"quantization_config": config, "device_map": {"": 0 if device == "cuda" else device}}


def _fits_gpu(source: Source) -> None:
    import torch

    free, _ = torch.cuda.mem_get_info()
    if read_checkpoint(source.model).weights * _BESIDE > free:
        raise _too_large(source, "the GPU")


def _too_large(source: Source, place: str) -> UserError:
    size = read_checkpoint(source.model).weights * _BESIDE
    return UserError(
        f"the model does not fit into {place}: it needs about {size / GIB:.1f} GiB",
        where=source.model,
        how="set policy.quantization to 8bit or 4bit, choose a smaller model, or another machine's server with --policy openai",
        code=Exit.NO_POLICY,
    )


def _place(source: Source) -> str:
    found = model_directory(source.model)
    return str(found) if found is not None else source.model


def _explained(error: Exception, place: str) -> UserError:
    if not os.path.isdir(place):
        how = f"run `hf download {place}` where there is a network, or name a directory"
        return UserError(f"the model cannot be loaded: {first_line(error)}", where=place, how=how, code=Exit.NO_POLICY)
    return no_model(first_line(error), place)
