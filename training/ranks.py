"""Several processes that train together (`torchrun`, `accelerate launch`): who writes, who executes, and how they agree.

Every process runs the same code. The first one alone holds the workers, and writes manifests, logs and weights; what it finds
is told to the others. Data are small and go over gloo between CPUs; gradients and shards go over NCCL where there are GPUs.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.distributed import ProcessGroup

T = TypeVar("T")
# The others wait while the first one makes stages that are not shared; a process that dies is noticed by what launched it.
PATIENCE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Ranks:
    """This process is number `rank` of `world`."""

    rank: int
    world: int

    @property
    def first(self) -> bool:
        """Whether it is the one that writes and executes."""
        return self.rank == 0

    def mine(self, rows: Sequence[T]) -> Sequence[T]:
        """This process's share: every `world`-th."""
        return rows[self.rank :: self.world]

    def from_first(self, make: Callable[[], T]) -> T:
        """What `make` returns in the first process; the others do not call it."""
        if self.world == 1:
            return make()
        import torch
        import torch.distributed as dist

        told: list[Any] = [make() if self.first else None]
        dist.broadcast_object_list(told, src=0, device=torch.device("cpu"))
        return told[0]

    def wait(self) -> None:
        """Until the first process is here as well."""
        self.from_first(lambda: None)

    def gathered(self, own: Sequence[T]) -> list[T]:
        """The rows of all processes, the first one's first."""
        if self.world == 1:
            return list(own)
        import torch.distributed as dist

        found: list[Any] = [None] * self.world
        dist.all_gather_object(found, list(own), group=_between_cpus())
        return [row for rows in found for row in rows]

    def most(self, number: int) -> int:
        """The largest of all processes' numbers."""
        return max(self.gathered([number]))

    def total(self, tensor: Tensor) -> Tensor:
        """The sum over all processes, in place; of any shape."""
        if self.world > 1:
            import torch.distributed as dist

            dist.all_reduce(tensor)
        return tensor


ALONE = Ranks(0, 1)


@cache
def ranks() -> Ranks:
    """Where this process stands, by what launched it; joins the others on the first call."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        return ALONE
    import torch
    import torch.distributed as dist

    cuda = torch.cuda.is_available()
    if cuda:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    if not dist.is_initialized():
        dist.init_process_group("cpu:gloo,cuda:nccl" if cuda else "gloo", timeout=PATIENCE)
    return Ranks(dist.get_rank(), world)


@cache
def _between_cpus() -> ProcessGroup:
    """A group whose collectives of objects stay off the GPUs."""
    import torch.distributed as dist

    group: Any = dist.new_group(backend="gloo", timeout=PATIENCE)
    return group


def shard(model: nn.Module, *, compute: str) -> None:
    """Split a causal language model over all processes with FSDP2 (Zhao et al. 2023): every decoder layer, the rest, the head.

    Body and head are roots of their own, so that either can be called alone. Gradients come out averaged over the processes.
    """
    import torch
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard

    net: Any = model
    device = str(next(model.parameters()).device.type)
    mesh = init_device_mesh(device, (ranks().world,))
    half = compute == "bfloat16"
    policy = MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32) if half else MixedPrecisionPolicy()
    body: Any = net.base_model
    for part in [
        *body.layers,
        body,
        *([head] if (head := net.get_output_embeddings()) is not None and body is not net else []),
    ]:
        fully_shard(part, mesh=mesh, mp_policy=policy)


def whole_weights(model: nn.Module, *, sharded: bool) -> dict[str, Tensor]:
    """The weights by name, put together on the CPU of the first process; every process has to ask."""
    if not sharded:
        return model.state_dict()
    from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict

    found: dict[str, Any] = get_model_state_dict(model, options=StateDictOptions(full_state_dict=True, cpu_offload=True))
    return found


def clip(parameters: Sequence[nn.Parameter], most: float) -> float:
    """Scale gradients, of which some may be shards, to a norm of at most `most` over all of them. Returns the norm before."""
    from torch.nn.utils import get_total_norm

    grads = [value.grad for value in parameters if value.grad is not None]
    norm = 0.0
    for split in (True, False):
        part = [grad for grad in grads if hasattr(grad, "full_tensor") == split]
        if part:
            found: Any = get_total_norm(part)
            norm = math.hypot(norm, float(found.full_tensor() if split else found))
    if norm > most:
        for grad in grads:
            grad.mul_(most / (norm + 1e-6))
    return norm


class NoWorkers:
    """The pool of a process that executes nothing."""

    def imap(self, jobs: Iterable[Any]) -> Iterator[tuple[int, Any]]:
        """Must not be asked to do anything. Raises `RuntimeError`."""
        for _ in jobs:
            raise RuntimeError("only the first process executes")
        return iter(())

    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...
