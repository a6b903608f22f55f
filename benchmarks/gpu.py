"""What training the 7B costs on one GPU, beside TRL: `python -m benchmarks.gpu`, or `--tiny` for the same code on a CPU.

Random weights of Qwen2.5-7B's configuration, adapters on a frozen base as in the recipe `qwen2.5-7b-lora`; nothing is
downloaded. SFT: our configuration of the trainer and TRL's SFTTrainer as it comes, on the same examples. RL: one update of
our step-wise PPO, split into generation, execution and update, and one of TRL's GRPOTrainer on as many answers. An
execution is a pause of fixed length: what real ones take depends on the tasks.
"""

from __future__ import annotations

import argparse
import gc
import random
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlagent_app.agent.errors import UserError
from training.devices import GIB, Device, here
from training.fit import QWEN_7B, Sizes
from training.recipe import Recipe, checked

TINY = Sizes(512, 32, 2, 4, 2, 64, False)
COLUMNS = ("what", "by", "seconds", "tokens a second", "MFU", "peak GiB", "ratio to TRL")
MFU_TARGET = 0.45
CPU = Device("a CPU", 0, 1e11, 1e10)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table. `flops`: the model's own, of all of its tokens; `ratio`: TRL's seconds over these, 1 for TRL."""

    what: str
    by: str
    seconds: float
    tokens: int
    flops: float
    peak: int
    ratio: float

    def cells(self, device: Device) -> list[str]:
        """For the table; a part of a step that makes no FLOPs that are counted has no MFU."""
        mfu = f"{self.flops / self.seconds / device.flops:.1%}" if self.flops else ""
        speed = f"{self.tokens / self.seconds:,.0f}" if self.tokens else ""
        ratio = f"{self.ratio:.2f}" if self.ratio else ""
        return [self.what, self.by, f"{self.seconds:.2f}", speed, mfu, f"{self.peak / GIB:.1f}", ratio]


@dataclass(frozen=True, slots=True)
class Setting:
    """What is measured: `examples` of `length` tokens for SFT, `states` answers of `answer` tokens to prompts for RL."""

    sizes: Sizes
    length: int
    examples: int
    batch: int
    states: int
    prompt: int
    answer: int
    tiny: bool

    def recipe(self) -> Recipe:
        """As qwen2.5-7b-lora, at this size."""
        dtype = "float32" if self.tiny else "bfloat16"
        return checked(
            {
                "name": "gpu",
                "model": {"base": "given", "context": self.length, "dtype": dtype, "adapter": "lora", "lora_rank": 32},
                "sft": {"epochs": 1, "learning_rate": 1e-4, "batch": self.batch, "max_length": self.length},
                "rl": {
                    "actor": "text", "states": self.states, "rollouts_per_state": 2, "minibatch": 2 * self.states, "epochs": 1,
                    "entropy": 0.0, "max_new_tokens": self.answer, "actor_lr": 1e-5, "critic_lr": 1e-4, "kl": 0.001,
                    "updates": 1,
                },
            },
            "benchmark",
        )  # fmt: skip


FULL = Setting(QWEN_7B, length=4096, examples=32, batch=2, states=8, prompt=3072, answer=256, tiny=False)
SMALL = Setting(TINY, length=48, examples=4, batch=2, states=2, prompt=24, answer=6, tiny=True)


def model(sizes: Sizes, *, tiny: bool) -> Any:  # noqa: ANN401
    """A Qwen2 of these sizes with random weights, in bfloat16 on the GPU."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    config = Qwen2Config(
        vocab_size=sizes.vocabulary, hidden_size=sizes.hidden, num_hidden_layers=sizes.layers, num_attention_heads=sizes.heads,
        num_key_value_heads=sizes.kv_heads, intermediate_size=sizes.intermediate, max_position_embeddings=32_768,
        tie_word_embeddings=sizes.tied, bos_token_id=None, eos_token_id=1, pad_token_id=0,
        attn_implementation="sdpa",  # pyright: ignore[reportCallIssue]
    )  # fmt: skip
    torch.manual_seed(0)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32 if tiny else torch.bfloat16)
    try:
        with torch.device("cpu" if tiny else "cuda"):
            return Qwen2ForCausalLM(config)
    finally:
        torch.set_default_dtype(before)


def timed(call: Callable[[], object]) -> tuple[float, int]:
    """Seconds, and the peak of the GPU's memory in bytes; 0 on a CPU."""
    import torch

    cuda = torch.cuda.is_available()
    gc.collect()
    if cuda:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        torch.cuda.synchronize()
    start = time.perf_counter()
    call()
    if cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - start, int(torch.cuda.max_memory_allocated()) if cuda else 0


def table(rows: list[Row], device: Device) -> str:
    """The rows as Markdown."""
    lines = [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
    return "\n".join([*lines, *(f"| {' | '.join(row.cells(device))} |" for row in rows)])


def measured(setting: Setting, place: Path) -> list[Row]:
    """All rows, SFT first."""
    from benchmarks import gpu_rl, gpu_sft

    random.seed(0)
    return [*gpu_sft.rows(setting, place), *gpu_rl.rows(setting, place)]


def main() -> int:
    """Measure, print, and write. Returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tiny", action="store_true", help="a tiny model on the CPU: that the code works, not how fast")
    parser.add_argument("--out", type=Path, default=Path("gpu.md"), help="where the table goes [gpu.md]")
    chosen = parser.parse_args()
    device = CPU if chosen.tiny else here(1)
    if device is None:
        error = UserError("there is no GPU", where="benchmarks.gpu", how="run it on a machine with one, or give --tiny")
        print(error.line(), file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as place:
        found = measured(SMALL if chosen.tiny else FULL, Path(place))
    head = f"{device.line() if device.memory else device.name}, random weights; target for SFT: MFU of {MFU_TARGET:.0%} or more"
    chosen.out.write_text(f"{head}\n\n{table(found, device)}\n", "utf-8")
    print(table(found, device))
    print(f"written to {chosen.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
