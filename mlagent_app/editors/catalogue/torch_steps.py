"""The training steps of a PyTorch file and the loops over epochs that they stand in."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from mlagent_app.editors.catalogue.source import Source, is_function
from mlagent_app.editors.catalogue.torch_script import TorchScript, torch_script

Loop = ast.For | ast.While
_EPOCH = re.compile(r"epo(ch|k)|(\A|_)(ep|e|it|iter|iters|iteration|iterations|step|steps)(\Z|_)", re.IGNORECASE)
_OUTER = re.compile(r"fold|seed|trial|repeat|split|restart|member|(\A|_)(run|runs|rep|reps)(\Z|_)", re.IGNORECASE)
_BARS = frozenset({"tqdm", "trange", "track"})
_HOPS = 3


@dataclass(frozen=True, slots=True)
class Step:
    """One training step: the statements of the backward pass and of the optimiser's step, in this order in one block.

    `optimiser` is the text of what steps; `scaler` the text of a gradient scaler that does it (empty: none).
    """

    backward: ast.stmt
    statement: ast.stmt
    optimiser: str
    scaler: str


@dataclass(frozen=True, slots=True)
class EpochLoop:
    """The loop over epochs of a training step. `inline`: the step stands in it, not in a function that it calls.

    `epochs` is code for how many there are, valid just before the loop; `stop` is the expression that decides it.
    `batches` are the loops between it and the step, as far as they are in the step's own function.
    """

    node: ast.For
    step: Step
    epochs: str
    stop: ast.expr
    inline: bool
    batches: tuple[Loop, ...]


class Training:
    """The training steps of one file. What is not certain is left out."""

    def __init__(self, script: TorchScript) -> None:
        self.script = script

    @cached_property
    def steps(self) -> list[Step]:
        """The training steps of the file."""
        # `scaler.scale(loss).backward()` has no dotted name, so the statements are looked at and not the named calls.
        expressions = [node for node in self.script.source.parents if isinstance(node, ast.Expr)]
        backward = [node for node in expressions if _method(node) == "backward"]
        steps = [self._step_after(node) for node in sorted(backward, key=lambda node: node.lineno)]
        return [step for step in steps if step is not None]

    def _step_after(self, backward: ast.stmt) -> Step | None:
        block = self.script.block(backward)
        for statement in block[block.index(backward) + 1 :]:
            inner = [statement, *statement.body] if isinstance(statement, ast.If) else [statement]
            for item in inner:
                if (found := self._stepping(item)) is not None:
                    return Step(backward, item, *found)
        return None

    def _stepping(self, statement: ast.stmt) -> tuple[str, str] | None:
        """The optimiser and the scaler of `optimizer.step()` or `scaler.step(optimizer)`."""
        call = statement.value if isinstance(statement, ast.Expr) else None
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute) or call.func.attr != "step":
            return None
        receiver = ast.unparse(call.func.value)
        if "sched" in receiver.lower() or receiver in self.scheduler_targets or call.keywords:
            return None
        if not call.args:
            return receiver, ""
        return (ast.unparse(call.args[0]), receiver) if "scaler" in receiver.lower() and len(call.args) == 1 else None

    @cached_property
    def scheduler_targets(self) -> frozenset[str]:
        """The texts that learning-rate schedules are assigned to."""
        makers = [
            c
            for c in self.script.source.calls
            if ".lr_scheduler." in c.name or (c.short.startswith("get_") and "schedule" in c.short)
        ]
        return frozenset(text for call in makers if (text := self.script.target(call.node)))

    @cached_property
    def loops(self) -> list[EpochLoop]:
        """The loops over epochs, one for each training step that has one."""
        found: dict[ast.For, EpochLoop] = {}
        for step in self.steps:
            chain = list(self._loops_around(step.statement, _HOPS, inline=True))
            loop = self._epoch_loop(step, chain)
            if loop is not None:
                found.setdefault(loop.node, loop)
        return list(found.values())

    def _loops_around(self, node: ast.AST, hops: int, *, inline: bool) -> Iterator[tuple[Loop, bool]]:
        """The loops around a node, innermost first, then those around the calls of its function."""
        for item in self.script.ancestors(node):
            if isinstance(item, (ast.For, ast.While)):
                yield item, inline
            if is_function(item):
                callers = [
                    c for c in self.script.source.calls if c.short == item.name and item not in self.script.ancestors(c.node)
                ]
                if hops and len(callers) == 1:
                    yield from self._loops_around(callers[0].node, hops - 1, inline=False)
                return

    def _epoch_loop(self, step: Step, chain: list[tuple[Loop, bool]]) -> EpochLoop | None:
        counted = [(node, inline) for node, inline in chain if isinstance(node, ast.For) and self._stop(node)]
        counted = [(node, inline) for node, inline in counted if not _OUTER.search(ast.unparse(node.target))]
        named = [(node, inline) for node, inline in counted if self._says_epoch(node)]
        for node, inline in (named or counted)[-1:]:
            stop = self._stop(node)
            if stop is not None:
                between = chain[: [item for item, _ in chain].index(node)]
                batches = tuple(item for item, own in between if own)
                return EpochLoop(node, step, self._count(node), stop, inline, batches)
        return None

    def _says_epoch(self, node: Loop) -> bool:
        return isinstance(node, ast.For) and bool(
            _EPOCH.search(ast.unparse(node.target)) or "epoch" in ast.unparse(node.iter).lower()
        )

    def _range(self, node: ast.expr) -> ast.Call | None:
        """The `range` call behind a progress bar."""
        if isinstance(node, ast.Name):
            node = self.script.follower.origin(node, self.script.scope(node)) or node
        if not isinstance(node, ast.Call):
            return None
        name = self.script.source.qualified(node.func).rpartition(".")[2]
        if name in ("range", "trange"):
            return node
        return self._range(node.args[0]) if name in _BARS and node.args else None

    def _stop(self, node: Loop) -> ast.expr | None:
        """The expression that says how many times the loop runs, for `range(n)`, `range(a, n)` and `range(1, n + 1)`."""
        call = self._range(node.iter) if isinstance(node, ast.For) else None
        if call is None or not 1 <= len(call.args) <= 2 or any(isinstance(a, ast.Starred) for a in call.args):
            return None
        stop = call.args[-1]
        plus_one = isinstance(stop, ast.BinOp) and isinstance(stop.op, ast.Add) and isinstance(stop.right, ast.Constant)
        return stop.left if plus_one and isinstance(stop, ast.BinOp) else stop

    def _count(self, node: ast.For) -> str:
        """Code for the number of rounds."""
        call = self._range(node.iter)
        if call is None:
            return ""
        stop, text = call.args[-1], self.script.source.segment(call.args[-1])
        if len(call.args) == 1:
            return text
        start = ast.unparse(call.args[0])
        if start == "0":
            return text
        if start == "1" and isinstance(stop, ast.BinOp) and isinstance(stop.op, ast.Add) and ast.unparse(stop.right) == "1":
            return self.script.source.segment(stop.left)
        return f"len(range({start}, {text}))"


def _method(statement: ast.Expr) -> str:
    """The name of the method that an expression statement calls."""
    call = statement.value
    return call.func.attr if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) else ""


@lru_cache(maxsize=2)
def training(source: Source) -> Training:
    """The training steps of a file, shared by the families that ask for them one after the other."""
    return Training(torch_script(source))


def switches_mode(source: Source) -> bool:
    """Whether evaluation turns dropout and batch statistics off.

    A file says so by `model.eval()`, a trainer does it by itself, and a file of networks alone leaves it to the training code.
    """
    trainers = ("lightning", "pytorch_lightning", "transformers")
    switched = any(call.short == "eval" or (call.short == "Trainer" and call.root in trainers) for call in source.calls)
    return switched or not training(source).steps
