"""Activations of PyTorch networks: one kind for another, wherever it stands in the file."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator

from mlagent_app.editors.base import Replacement
from mlagent_app.editors.catalogue.grammar import Phrase
from mlagent_app.editors.catalogue.imports import merged
from mlagent_app.editors.catalogue.offers import Change, Offer
from mlagent_app.editors.catalogue.source import Call, Source
from mlagent_app.editors.catalogue.torch_network import Network, network
from mlagent_app.editors.catalogue.torch_script import torch_script
from mlagent_app.editors.catalogue.values import words

_FAMILY = "activation"
_LAYERS = ("ReLU", "GELU", "SiLU", "LeakyReLU", "Tanh", "ELU")
_FUNCTIONS = ("relu", "gelu", "silu", "leaky_relu", "elu")
# Sigmoid and tanh often bound an output: they change only inside a Sequential, before another layer.
_BOUNDING = frozenset({"Tanh", "Sigmoid"})
_NEW = 4


def activations(source: Source) -> Iterator[Offer]:
    """`replace ReLU with GELU` for layers, `replace relu with gelu` for functions; every one of the kind at once."""
    if not source.imported("torch"):
        return
    net = network(source)
    layers: defaultdict[str, list[Call]] = defaultdict(list)
    functions: defaultdict[str, list[Call]] = defaultdict(list)
    for call in source.calls:
        if call.node in net.by_node and call.short in (*_LAYERS, "Sigmoid") and _may_change(net, call):
            layers[call.short].append(call)
        elif call.name in (f"torch.nn.functional.{call.short}", "torch.relu") and call.short in _FUNCTIONS and call.node.args:
            functions[call.short].append(call)
    yield from _swaps(net, layers, _LAYERS, "torch.nn")
    yield from _swaps(net, functions, _FUNCTIONS, "torch.nn.functional")


def _may_change(net: Network, call: Call) -> bool:
    if call.short not in _BOUNDING:
        return True
    return any(call.node in stack.elements[:-1] for stack in net.sequences)


def _swaps(net: Network, found: dict[str, list[Call]], kinds: tuple[str, ...], module: str) -> Iterator[Offer]:
    for old, calls in found.items():
        for new in [kind for kind in kinds if kind != old][:_NEW]:
            parts = [_swap(net, call, f"{module}.{new}") for call in calls]
            if all(part is not None for part in parts):
                anchor = net.source.span(calls[0].node)[0]
                made = merged(*(part for part in parts if part))
                yield Change(Phrase("replace", (old, new)), _FAMILY, made, anchor, f"every {old}")


def _swap(net: Network, call: Call, qualified: str) -> tuple[Replacement, ...] | None:
    """Another class without arguments, or another function of the same tensor: slopes and `inplace` belong to the old one."""
    name = net.script.renamed(call, qualified)
    if name is None:
        return None
    node, text = call.node, net.source.text
    opening = text.index("(", net.source.span(node.func)[1])
    close = net.source.span(node)[1] - 1
    if qualified.rpartition(".")[2][0].isupper():
        bare = not node.args and not node.keywords
        return name if bare else (*name, Replacement(opening + 1, close, ""))
    if isinstance(node.args[0], ast.Starred):
        return None
    if len(node.args) == 1 and not node.keywords:
        return name
    return (*name, Replacement(opening + 1, close, net.source.segment(node.args[0])))


def transformer_arguments(source: Source) -> Iterator[Offer]:
    """`set activation of TransformerEncoderLayer to gelu` and `set norm_first of TransformerEncoderLayer to True`."""
    if not source.imported("torch"):
        return
    script = torch_script(source)
    for call in source.calls:
        if call.name in ("torch.nn.TransformerEncoderLayer", "torch.nn.TransformerDecoderLayer"):
            for name, position, choices, default, family in (
                ("activation", 4, words("gelu", "relu"), "relu", _FAMILY),
                ("norm_first", 7, words(True, False), False, "normalisation"),
            ):
                setting = script.setting(call, name, position, choices, default, family)
                if setting is not None:
                    yield setting
