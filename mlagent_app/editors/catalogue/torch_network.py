"""The layers of a PyTorch file: what stands in which `nn.Sequential`, and which attributes a module class gives layers."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from mlagent_app.editors.base import Replacement
from mlagent_app.editors.catalogue.following import keyword
from mlagent_app.editors.catalogue.source import Call, Source
from mlagent_app.editors.catalogue.torch_script import TorchScript, torch_script

ACTIVATIONS = frozenset("ReLU LeakyReLU GELU SiLU ELU Tanh Sigmoid PReLU SELU CELU Mish ReLU6 Hardswish Softplus".split())
FUNCTIONAL = frozenset("relu leaky_relu gelu silu elu tanh sigmoid selu celu mish relu6 hardswish softplus relu_".split())
NORMS = frozenset("BatchNorm1d BatchNorm2d BatchNorm3d LayerNorm GroupNorm InstanceNorm1d InstanceNorm2d".split())
RECURRENT = frozenset({"LSTM", "GRU", "RNN"})
_WEIGHTED = frozenset({"Linear", "LazyLinear", "Conv1d", "Conv2d", "Conv3d"})
_FIXED_NAME = re.compile(r"teacher|oracle|ground_?truth|simulat|(\A|_)(true|target)_?(net|model|fn|function)", re.IGNORECASE)
_MODULES = ("torch.nn.Module", "lightning", "pytorch_lightning")
# With these a tensor between layers has a time axis, which BatchNorm1d takes for the channels.
_SEQUENTIAL_DATA = RECURRENT | frozenset(
    "Embedding MultiheadAttention TransformerEncoderLayer TransformerEncoder Transformer Conv1d LSTMCell GRUCell".split()
)


@dataclass(frozen=True, slots=True)
class Stack:
    """One `nn.Sequential(...)` call: its elements in order; `layer` is None for what is no layer of torch."""

    call: Call
    elements: tuple[ast.expr, ...]
    layers: tuple[Call | None, ...]


@dataclass(frozen=True, slots=True)
class Module:
    """A class of modules: the layers that `self.NAME = nn.Layer(...)` gives it, and its own nodes."""

    node: ast.ClassDef
    layers: dict[str, Call]


class Network:
    """The layers of one file."""

    def __init__(self, script: TorchScript) -> None:
        self.script = script
        self.source: Source = script.source
        self.by_node: dict[ast.AST, Call] = {
            call.node: call
            for call in script.source.calls
            if call.name.startswith("torch.nn.") and call.short[:1].isupper() and not self._is_fixed(call)
        }

    def _is_fixed(self, call: Call) -> bool:
        """Whether the layer is part of a network that is not trained: it may well make the labels."""
        nodes = [call.node, *self.script.ancestors(call.node)]
        for node in nodes:
            if isinstance(node, ast.Attribute) and node.attr in ("requires_grad_", "eval"):
                return True
            if isinstance(node, ast.ClassDef):
                return bool(_FIXED_NAME.search(node.name))
            if isinstance(node, ast.Assign):
                return any(_FIXED_NAME.search(ast.unparse(target)) for target in node.targets) or self._is_untrained(node)
        return False

    def _is_untrained(self, node: ast.Assign) -> bool:
        """Whether a network at the module's own level is put to use but never trained, while others are."""
        target = node.targets[0]
        made = node.value.func if isinstance(node.value, ast.Call) else None
        if not isinstance(target, ast.Name) or made is None or self.source.qualified(made) != "torch.nn.Sequential":
            return False
        trained = [ast.unparse(o.call.node.args[0]) for o in self.script.optimisers if o.call.node.args]
        uses = [self.source.parents[use] for use in self.script.reads(target.id) if not self._is_called(use)]
        passed = any(isinstance(parent, (ast.Call, ast.Return, ast.List, ast.keyword)) for parent in uses)
        return bool(trained) and not passed and not any(re.search(rf"\b{target.id}\b", text) for text in trained)

    def _is_called(self, use: ast.expr) -> bool:
        parent = self.source.parents[use]
        return isinstance(parent, ast.Call) and parent.func is use

    @cached_property
    def time_axis(self) -> bool:
        """Whether tensors between layers may have a time axis."""
        return any(call.short in _SEQUENTIAL_DATA for call in self.by_node.values())

    @cached_property
    def sequences(self) -> list[Stack]:
        """The `nn.Sequential(a, b, ...)` calls with plain elements."""
        found: list[Stack] = []
        for call in self.by_node.values():
            elements = call.node.args
            if call.short == "Sequential" and elements and not any(isinstance(e, ast.Starred) for e in elements):
                found.append(Stack(call, tuple(elements), tuple(self.by_node.get(e) for e in elements)))
        return found

    @cached_property
    def modules(self) -> list[Module]:
        """The module classes of the file."""
        found: list[Module] = []
        for node in self.source.scopes:
            if isinstance(node, ast.ClassDef) and any(self._is_module(base) for base in node.bases):
                found.append(Module(node, self._attributes(node)))
        return found

    def _is_module(self, base: ast.expr) -> bool:
        return self.source.qualified(base).startswith(_MODULES)

    def _attributes(self, node: ast.ClassDef) -> dict[str, Call]:
        """Attributes that are given a layer exactly once."""
        found: dict[str, Call] = {}
        for layer in self.by_node.values():
            target = self.script.target(layer.node)
            if target.startswith("self.") and self.script.owner_class(layer.node) is node:
                found[target[5:]] = layer
        return {name: layer for name, layer in found.items() if self._stored[(node, name)] == 1}

    @cached_property
    def _stored(self) -> Counter[tuple[ast.ClassDef | None, str]]:
        """How often each class assigns each attribute."""
        stores = [n for n in self.source.parents if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store)]
        return Counter((self.script.owner_class(node), node.attr) for node in stores)

    def uses(self, module: Module, name: str) -> list[ast.Attribute]:
        """Where the class reads `self.NAME`."""
        reads = self.script.reads(f"self.{name}")
        return [node for node in reads if isinstance(node, ast.Attribute) and self.script.owner_class(node) is module.node]

    def is_plain(self, module: Module, name: str) -> bool:
        """Whether `self.NAME` is only ever called, so that it may be wrapped in a Sequential."""
        called = [self._called(use) for use in self.uses(module, name)]
        return bool(called) and all(call is not None for call in called) and f".{name}." not in self.source.text

    def _called(self, use: ast.Attribute) -> ast.Call | None:
        parent = self.source.parents.get(use)
        return parent if isinstance(parent, ast.Call) and parent.func is use else None

    def is_activation(self, module: Module, node: ast.AST | None) -> bool:
        """Whether the node is a call of an activation: `F.relu(...)`, `torch.tanh(...)`, `self.act(...)`."""
        if not isinstance(node, ast.Call):
            return False
        name = self.source.qualified(node.func)
        if name.startswith("torch.") and name.rpartition(".")[2] in FUNCTIONAL:
            return True
        layer = module.layers.get(name[5:]) if name.startswith("self.") else None
        return layer is not None and layer.short in ACTIVATIONS

    def is_activated(self, module: Module, name: str) -> bool:
        """Whether every result of `self.NAME(...)` goes straight, or through one norm, into an activation."""
        calls = [self._called(use) for use in self.uses(module, name)]
        return bool(calls) and all(call is not None and self._flows_into(module, call) for call in calls)

    def _flows_into(self, module: Module, call: ast.Call) -> bool:
        outer = self.source.parents.get(call)
        if isinstance(outer, ast.Call) and self._is_norm(module, outer):
            outer = self.source.parents.get(outer)
        if self.is_activation(module, outer):
            return True
        if not isinstance(outer, ast.Assign) or len(outer.targets) != 1 or not isinstance(outer.targets[0], ast.Name):
            return False
        block = self.script.block(outer)
        after = block[block.index(outer) + 1 :][:1]
        variable = outer.targets[0].id
        for statement in after:
            inner = statement.value if isinstance(statement, ast.Assign) else None
            if self.is_activation(module, inner) and isinstance(inner, ast.Call) and inner.args:
                return ast.unparse(inner.args[0]) == variable
        return False

    def _is_norm(self, module: Module, call: ast.Call) -> bool:
        name = self.source.qualified(call.func)
        layer = module.layers.get(name[5:]) if name.startswith("self.") else None
        return layer is not None and layer.short in NORMS

    # -- arguments -----------------------------------------------------------------------------------------------

    @staticmethod
    def inlet(layer: Call) -> ast.expr | None:
        """The expression of the number of inputs."""
        return _argument(layer, 0, "in_features", "in_channels")

    @staticmethod
    def outlet(layer: Call) -> ast.expr | None:
        """The expression of the number of outputs."""
        return _argument(layer, 1, "out_features", "out_channels")

    @staticmethod
    def normed(layer: Call) -> ast.expr | None:
        """The expression of the number of features that a norm works on."""
        return _argument(layer, 0, "num_features", "normalized_shape", "num_channels")

    # -- text ----------------------------------------------------------------------------------------------------

    def insert_after(self, element: ast.expr, *codes: str) -> Replacement:
        """New elements after one of a Sequential, in the style of its lines."""
        text, source = self.source.text, self.source
        start, end = source.span(element)
        line, stop = source.line_start(start), source.line_end(end)
        margin = text[line:start]
        if margin.strip():
            return Replacement(end, end, "".join(f", {code}" for code in codes))
        rest = re.fullmatch(r"\s*,\s*(#.*)?\r?\n", text[end:stop])
        if rest:
            return Replacement(stop, stop, "".join(f"{margin}{code},{source.newline}" for code in codes))
        if not text[end:stop].strip():
            return Replacement(end, end, "".join(f",{source.newline}{margin}{code}" for code in codes))
        return Replacement(end, end, "".join(f", {code}" for code in codes))

    def wrapped(self, layer: Call, before: Sequence[str], after: Sequence[str]) -> tuple[Replacement, ...] | None:
        """The layer becomes `nn.Sequential(*before, layer, *after)`."""
        named = self.script.naming("torch.nn.Sequential")
        if named is None:
            return None
        start, end = self.source.span(layer.node)
        lead = "".join(f"{code}, " for code in before)
        tail = "".join(f", {code}" for code in after)
        opening = Replacement(start, start, f"{named.name}({lead}")
        return (*named.replacements, opening, Replacement(end, end, f"{tail})"))

    def hidden(self, sequence: Stack) -> Iterator[tuple[int, Call]]:
        """The weighted layers of a Sequential that an activation follows, at once or after a norm, with their index."""
        for index, layer in enumerate(sequence.layers):
            if layer is not None and layer.short in _WEIGHTED:
                rest = [item.short if item else "" for item in sequence.layers[index + 1 : index + 3]]
                if rest[:1] and (rest[0] in ACTIVATIONS or (len(rest) == 2 and rest[0] in NORMS and rest[1] in ACTIVATIONS)):
                    yield index, layer


def _argument(layer: Call, position: int, *names: str) -> ast.expr | None:
    if any(isinstance(item, ast.Starred) for item in layer.node.args):
        return None
    if len(layer.node.args) > position:
        return layer.node.args[position]
    return next((value for name in names if (value := keyword(layer.node, name)) is not None), None)


@lru_cache(maxsize=2)
def network(source: Source) -> Network:
    """The layers of a file, shared by the families that ask for them one after the other."""
    return Network(torch_script(source))
