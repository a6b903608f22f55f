"""Normalisation layers of PyTorch networks: added after hidden linear and convolution layers."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from mlagent_app.editors.base import Replacement
from mlagent_app.editors.catalogue.grammar import Phrase
from mlagent_app.editors.catalogue.imports import merged
from mlagent_app.editors.catalogue.offers import Change, Offer
from mlagent_app.editors.catalogue.source import Call, Source
from mlagent_app.editors.catalogue.torch_network import NORMS, Module, Network, Stack, network
from mlagent_app.editors.catalogue.torch_steps import switches_mode

_NORMS_FOR = {"Linear": ("BatchNorm1d", "LayerNorm"), "Conv2d": ("BatchNorm2d",)}


def normalisation(source: Source) -> Iterator[Offer]:
    """`add BatchNorm1d after Linear`: after every hidden layer of the kind in one network that has no norms yet."""
    if not source.imported("torch"):
        return
    net = network(source)
    for kind, norms in _NORMS_FOR.items():
        for norm in norms:
            if (norm == "BatchNorm1d" and net.time_axis) or (norm != "LayerNorm" and not switches_mode(source)):
                continue
            for stack in net.sequences:
                yield from _in_stack(net, stack, kind, norm)
            for module in net.modules:
                yield from _in_module(net, module, kind, norm)


def _in_stack(net: Network, stack: Stack, kind: str, norm: str) -> Iterator[Offer]:
    named = net.script.naming(f"torch.nn.{norm}")
    if named is None or any(layer.short in NORMS for layer in stack.layers if layer is not None):
        return
    made: list[Replacement] = []
    for index, layer in net.hidden(stack):
        size = net.outlet(layer)
        if layer.short == kind and size is not None:
            made.append(net.insert_after(stack.elements[index], f"{named.name}({net.source.segment(size)})"))
    if made:
        anchor = net.source.span(stack.call.node)[0]
        yield Change(
            Phrase("add-after", (norm, kind)), "normalisation", (*named.replacements, *made), anchor, f"stack of {kind}"
        )


def _in_module(net: Network, module: Module, kind: str, norm: str) -> Iterator[Offer]:
    """A layer that feeds an activation becomes a Sequential of itself and the norm, so that `forward` stays as it is."""
    if any(layer.short in NORMS for layer in module.layers.values()):
        return
    parts: list[tuple[Replacement, ...] | None] = []
    for name, layer in module.layers.items():
        if layer.short == kind and net.is_activated(module, name) and net.is_plain(module, name):
            parts.append(_wrapped(net, layer, norm))
    if parts and all(part is not None for part in parts):
        anchor = net.source.span(module.node)[0]
        made = merged(*(part for part in parts if part))
        yield Change(Phrase("add-after", (norm, kind)), "normalisation", made, anchor, f"stack of {kind}")


def _wrapped(net: Network, layer: Call, norm: str) -> tuple[Replacement, ...] | None:
    named, size = net.script.naming(f"torch.nn.{norm}"), net.outlet(layer)
    if named is None or size is None or isinstance(size, ast.Starred):
        return None
    made = net.wrapped(layer, (), (f"{named.name}({net.source.segment(size)})",))
    return (*named.replacements, *made) if made else None
