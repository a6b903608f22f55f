"""How a vLLM server is started, from the model's size and the machine's memory. Pure: nothing is asked of the machine here.

The agent asks one or two questions at a time, and the project's own runs may need the same GPU. So the server gets what the
model and a few contexts take, and not, as is vLLM's default, nine tenths of the GPU.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mlagent_app.agent.errors import Exit, UserError
from mlagent_app.chat.checkpoint import Checkpoint, require_context

GIB = 2**30
# CUDA's own context, activations and graphs, on each GPU.
OVERHEAD = 3 * GIB
# Left alone on each GPU: a desktop, and what grows.
SPARE = GIB // 2
# A context of more tokens serves no session, and one of fewer holds no project.
MOST_CONTEXT, LEAST_CONTEXT = 32_768, 4_096
# Conversations at once: a policy and an editor, of two sessions.
SEQUENCES = 4
# Contexts' worth of keys and values to have room for; more where sequences are short.
CONTEXTS = 2
# What vLLM knows as the ranks of adapters.
RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
# Share of the 16-bit weights that is left, and vLLM's name for it.
QUANTIZED: dict[str, tuple[float, str]] = {"8bit": (0.55, "fp8"), "4bit": (0.35, "bitsandbytes")}
# Of the hub's models the shape is not known before the download: a 7B has this many bytes a token, and heads.
_ASSUMED_KV, _ASSUMED_HEADS = 57_344, 28

Quantization = Literal["", "8bit", "4bit"]


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU; memory in bytes."""

    name: str
    total: int
    free: int


@dataclass(frozen=True, slots=True)
class Machine:
    """What there is to serve on. `memory`: bytes of main memory that are free."""

    gpus: tuple[Gpu, ...]
    memory: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for. `context` in tokens, 0 for the most that is of use; `rank` of an adapter, 0 without one."""

    context: int = 0
    quantization: Quantization = ""
    rank: int = 0


@dataclass(frozen=True, slots=True)
class ServerPlan:
    """The arguments and environment that memory decides, and what goes where: (what it is for, bytes on each device)."""

    device: str
    context: int
    arguments: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    memory: tuple[tuple[str, int], ...]

    def lines(self) -> list[str]:
        """The plan for a person."""
        rows = [f"  {what:<34} {size / GIB:8.2f} GiB" for what, size in self.memory]
        total = sum(size for _, size in self.memory)
        return [
            f"device   {self.device}",
            f"context  {self.context:,} tokens",
            "memory",
            *rows,
            f"  {'in all':<34} {total / GIB:8.2f} GiB",
        ]


def plan_server(model: Checkpoint, machine: Machine, wanted: Wanted) -> ServerPlan:
    """The plan for a model on a machine. Raises `UserError` (exit 4), with the ways out, where it does not fit."""
    if machine.gpus:
        return _on_gpus(model, machine.gpus, wanted)
    return _on_cpu(model, machine.memory, wanted)


def _on_gpus(model: Checkpoint, gpus: Sequence[Gpu], wanted: Wanted) -> ServerPlan:
    weights, kv = _weights(model, wanted), model.kv_bytes or _ASSUMED_KV
    limit = _context_limit(model, wanted)
    count, room = 1, 0
    for count in _splits(model, len(gpus)):
        room = min(gpu.free for gpu in gpus[:count]) - SPARE - OVERHEAD - math.ceil(weights / count)
        if room * count >= min(limit, MOST_CONTEXT) * kv:
            break
    context = min(limit, _rounded(room * count // kv))
    if context < min(limit, LEAST_CONTEXT):
        needed = weights + count * (OVERHEAD + SPARE) + min(limit, LEAST_CONTEXT) * kv
        raise _too_large(needed, f"{count} x {gpus[0].name}", sum(gpu.free for gpu in gpus[:count]))
    cache = min(room, math.ceil(CONTEXTS * context * kv / count))
    smallest = min(gpus[:count], key=lambda gpu: gpu.free)
    used = OVERHEAD + math.ceil(weights / count) + cache
    share = min(math.ceil(100 * used / smallest.total), math.floor(100 * (smallest.free - SPARE) / smallest.total)) / 100
    arguments = ["--max-model-len", str(context), "--gpu-memory-utilization", f"{share:.2f}"]
    if count > 1:
        arguments += ["--tensor-parallel-size", str(count)]
    device = f"{count} x {gpus[0].name}, {smallest.free / GIB:.1f} of {smallest.total / GIB:.1f} GiB free" + (
        " each" if count > 1 else ""
    )
    memory = (("weights", math.ceil(weights / count)), (_cache_label(context), cache), ("CUDA, activations, graphs", OVERHEAD))
    return ServerPlan(device, context, (*arguments, *_common(wanted)), (), memory)


def _on_cpu(model: Checkpoint, free: int, wanted: Wanted) -> ServerPlan:
    if wanted.quantization:
        how = "leave quantization empty, or use a GPU"
        raise UserError("vLLM quantises no weights on a CPU", where="policy.quantization", how=how, code=Exit.NO_POLICY)
    # vLLM would round a model of 32 bits to 16; on a CPU nothing is won by that.
    exact = ["--dtype", "float32"] if model.float32 else []
    weights, kv = model.weights, (model.kv_bytes or _ASSUMED_KV) * (2 if exact else 1)
    limit = _context_limit(model, wanted)
    room = free - SPARE - OVERHEAD // 2 - weights
    context = min(limit, _rounded(room // kv))
    if context < min(limit, LEAST_CONTEXT):
        raise _too_large(weights + OVERHEAD // 2 + SPARE + min(limit, LEAST_CONTEXT) * kv, "main memory", free)
    # vLLM takes whole GiB here, at least one.
    cache = max(1, math.ceil(min(room, CONTEXTS * context * kv) / GIB))
    memory = (("weights", weights), (_cache_label(context), cache * GIB), ("Python, activations", OVERHEAD // 2))
    # Compiling takes longer than it saves within a session; the sampler would do it too, in the middle of a reply.
    arguments = ("--max-model-len", str(context), "--enforce-eager", *exact, *_common(wanted))
    environment = (("VLLM_CPU_KVCACHE_SPACE", str(cache)), ("TORCHDYNAMO_DISABLE", "1"))
    return ServerPlan(f"CPU, {free / GIB:.1f} GiB free", context, arguments, environment, memory)


def _common(wanted: Wanted) -> list[str]:
    arguments = ["--max-num-seqs", str(SEQUENCES)]
    if wanted.quantization:
        arguments += ["--quantization", QUANTIZED[wanted.quantization][1]]
    if wanted.rank:
        rank = next((known for known in RANKS if known >= wanted.rank), None)
        if rank is None:
            how = f"train one of rank {RANKS[-1]} or less, or merge it into the model"
            raise UserError(f"vLLM serves no adapter of rank {wanted.rank}", how=how, code=Exit.NO_POLICY)
        arguments += ["--enable-lora", "--max-lora-rank", str(rank)]
    return arguments


def _splits(model: Checkpoint, gpus: int) -> list[int]:
    """Over how many GPUs the model can be split, least first: the heads must divide evenly."""
    heads = model.heads or _ASSUMED_HEADS
    return [count for count in (1, 2, 4, 8) if count <= gpus and heads % count == 0]


def _weights(model: Checkpoint, wanted: Wanted) -> int:
    return math.ceil(model.weights * QUANTIZED[wanted.quantization][0]) if wanted.quantization else model.weights


def _context_limit(model: Checkpoint, wanted: Wanted) -> int:
    """The context that is aimed at. Raises `UserError` where more is asked for than the model has."""
    require_context(model, wanted.context)
    return wanted.context or min(model.context or MOST_CONTEXT, MOST_CONTEXT)


def _rounded(tokens: int) -> int:
    return max(0, tokens // 1024 * 1024)


def _cache_label(context: int) -> str:
    return f"keys and values, {CONTEXTS} x {context:,} tokens"


def _too_large(needed: int, place: str, free: int) -> UserError:
    return UserError(
        f"the model does not fit: it needs {needed / GIB:.1f} GiB, {place} has {free / GIB:.1f} GiB free",
        how="stop what else uses the memory, set policy.quantization to 8bit or 4bit, choose a smaller model, or another "
        "machine's server with --policy openai",
        code=Exit.NO_POLICY,
    )
