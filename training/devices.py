"""What a plan knows of GPUs, from the vendor's data sheets: memory, arithmetic and bandwidth."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any, cast

from mlagent_app.agent.errors import UserError

GIB = 2**30


@dataclass(frozen=True, slots=True)
class Device:
    """`count` GPUs of a kind. `memory`: bytes that PyTorch sees on one. `flops`: dense bfloat16, a second, of one.

    `bandwidth`: of its memory, bytes a second.
    """

    name: str
    memory: int
    flops: float
    bandwidth: float
    count: int = 1

    def line(self) -> str:
        """For people."""
        return f"{self.count} x {self.name}, {self.memory / GIB:.1f} GiB and {self.flops / 1e12:.0f} TFLOPS (bfloat16) each"


def _gpu(name: str, gib: float, teraflops: float, terabytes: float) -> Device:
    return Device(name, int(gib * GIB), teraflops * 1e12, terabytes * 1e12)


# Without sparsity. A data sheet's GB are what is soldered on; a little less is left to use.
KNOWN = {
    "b200": _gpu("NVIDIA B200", 178.0, 2250, 8.0),
    "h200": _gpu("NVIDIA H200", 139.8, 989, 4.8),
    "h100-80g": _gpu("NVIDIA H100 80 GB", 79.1, 989, 3.35),
    "a100-80g": _gpu("NVIDIA A100 80 GB", 79.2, 312, 2.04),
    "a100-40g": _gpu("NVIDIA A100 40 GB", 39.4, 312, 1.56),
    "l40s": _gpu("NVIDIA L40S", 44.3, 362, 0.86),
    "rtx4090": _gpu("NVIDIA GeForce RTX 4090", 23.6, 165, 1.01),
}


def device(text: str) -> Device:
    """The device that `h200` or `a100-80g:8` names. Raises `UserError`."""
    name, _, many = text.strip().lower().partition(":")
    if name not in KNOWN:
        near = difflib.get_close_matches(name, KNOWN, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]}?" if near else f"choose one of {', '.join(KNOWN)}"
        raise UserError(f"there is no device {name!r}", where="--device", how=hint)
    if many and (not many.isdigit() or int(many) == 0):
        raise UserError(f"{many!r} is no number of GPUs", where="--device", how=f"write it as {name}:8")
    return several(KNOWN[name], int(many or 1))


def several(one: Device, count: int) -> Device:
    """So many of it."""
    return Device(one.name, one.memory, one.flops, one.bandwidth, count)


def here(processes: int) -> Device | None:
    """One GPU of this machine for each process, None without one. What is not known by name has the numbers of an A100."""
    import torch

    if not torch.cuda.is_available():
        return None
    found = cast("Any", torch.cuda).get_device_properties(0)
    name = str(found.name)
    plain = name.lower().replace(" ", "")
    alike = next((gpu for key, gpu in KNOWN.items() if key.partition("-")[0] in plain), KNOWN["a100-80g"])
    return Device(name, int(found.total_memory), alike.flops, alike.bandwidth, processes)
