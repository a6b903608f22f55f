"""Dropout in PyTorch: its probability, and dropout after hidden activations."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from mlagent_app.editors.base import Replacement
from mlagent_app.editors.catalogue.grammar import Phrase
from mlagent_app.editors.catalogue.imports import merged
from mlagent_app.editors.catalogue.offers import Change, Offer
from mlagent_app.editors.catalogue.source import Call, Source
from mlagent_app.editors.catalogue.torch_network import ACTIVATIONS, NORMS, Module, Network, Stack, network
from mlagent_app.editors.catalogue.torch_script import torch_script
from mlagent_app.editors.catalogue.torch_steps import switches_mode
from mlagent_app.editors.catalogue.values import floats, number_text

_PROBABILITIES = floats(0.0, 0.1, 0.2, 0.3, 0.5, low=0.0, high=0.95)
_NEW = (0.1, 0.3)
_FAMILY = "dropout"
# Layers with a probability: where the argument stands and what it is called.
_ARGUMENTS = {
    "Dropout": ("p", 0, 0.5),
    "Dropout1d": ("p", 0, 0.5),
    "Dropout2d": ("p", 0, 0.5),
    "AlphaDropout": ("p", 0, 0.5),
    "dropout": ("p", 1, 0.5),
    "TransformerEncoderLayer": ("dropout", 3, 0.1),
    "TransformerDecoderLayer": ("dropout", 3, 0.1),
    "MultiheadAttention": ("dropout", 2, 0.0),
}


def dropout_arguments(source: Source) -> Iterator[Offer]:
    """`set p of Dropout to 0.3`."""
    if not source.imported("torch"):
        return
    script = torch_script(source)
    for call in source.calls:
        if call.short in _ARGUMENTS and call.name.startswith("torch."):
            name, position, default = _ARGUMENTS[call.short]
            setting = script.setting(call, name, position, _PROBABILITIES, default, _FAMILY)
            if setting is not None:
                yield setting


def dropout_insertion(source: Source) -> Iterator[Offer]:
    """`add Dropout(0.1) after ReLU`: after every hidden activation of one network that has no dropout yet."""
    if not source.imported("torch"):
        return
    net = network(source)
    if not switches_mode(source):
        return
    for stack in net.sequences:
        layers = [layer for layer in stack.layers if layer is not None]
        if not any(layer.short.endswith("Dropout") for layer in layers):
            yield from _in_stack(net, stack)
    for module in net.modules:
        if not any("ropout" in layer.short for layer in module.layers.values()) and not _drops(net, module):
            yield from _in_module(net, module)


def _drops(net: Network, module: Module) -> bool:
    calls = [call for call in net.source.calls if "dropout" in call.name.lower()]
    return any(net.script.owner_class(call.node) is module.node for call in calls)


def _in_stack(net: Network, stack: Stack) -> Iterator[Offer]:
    named = net.script.naming("torch.nn.Dropout")
    places = [(index, layer) for index, layer in enumerate(stack.layers) if layer and _is_hidden(stack, index)]
    if named is None or not places:
        return
    anchor = net.source.span(stack.call.node)[0]
    for p in _NEW:
        code = f"{named.name}({number_text(p)})"
        made = tuple(net.insert_after(stack.elements[index], code) for index, _ in places)
        phrase = Phrase("add-after", (f"Dropout({number_text(p)})", places[0][1].short))
        yield Change(phrase, _FAMILY, (*named.replacements, *made), anchor, "stack without dropout")


def _is_hidden(stack: Stack, index: int) -> bool:
    """Whether the element is an activation after a linear layer, with another linear layer to come."""
    layer = stack.layers[index]
    if layer is None or layer.short not in ACTIVATIONS:
        return False
    before = [item.short if item else "" for item in stack.layers[:index]]
    while before and before[-1] in NORMS:
        before.pop()
    return before[-1:] == ["Linear"] and any(item and item.short == "Linear" for item in stack.layers[index + 1 :])


def _in_module(net: Network, module: Module) -> Iterator[Offer]:
    """Activation layers are followed by dropout in a Sequential; activation functions are wrapped in `F.dropout`."""
    wanted = {name for name, layer in module.layers.items() if layer.short == "Linear" and net.is_activated(module, name)}
    calls = [found for name in sorted(wanted) for use in net.uses(module, name) if (found := _activation(net, module, use))]
    calls = list(dict.fromkeys(calls))
    shared = {net.source.qualified(call.func)[5:] for call in calls if net.source.qualified(call.func).startswith("self.")}
    if not calls or (shared and (not all(net.is_plain(module, name) for name in shared) or len(shared) > 4)):
        return
    functions = [call for call in calls if not net.source.qualified(call.func).startswith("self.")]
    anchor = net.source.span(module.node)[0]
    for p in _NEW:
        parts = [_wrapped_layer(net, module.layers[name], p) for name in sorted(shared)]
        parts += [_wrapped_call(net, call, p) for call in functions]
        if all(part is not None for part in parts):
            first = _short(net, module, calls[0])
            phrase = Phrase("add-after", (f"Dropout({number_text(p)})", first))
            yield Change(phrase, _FAMILY, merged(*(part for part in parts if part)), anchor, "module without dropout")


def _activation(net: Network, module: Module, use: ast.Attribute) -> ast.Call | None:
    """The activation call that directly takes the result of the layer."""
    for node in list(net.script.ancestors(use))[:3]:
        if isinstance(node, ast.Call) and net.is_activation(module, node):
            return node
    return None


def _short(net: Network, module: Module, call: ast.Call) -> str:
    name = net.source.qualified(call.func)
    return module.layers[name[5:]].short if name.startswith("self.") else name.rpartition(".")[2]


def _wrapped_layer(net: Network, layer: Call, p: float) -> tuple[Replacement, ...] | None:
    named = net.script.naming("torch.nn.Dropout")
    made = net.wrapped(layer, (), (f"{named.name}({number_text(p)})",)) if named else None
    return (*named.replacements, *made) if named and made else None


def _wrapped_call(net: Network, call: ast.Call, p: float) -> tuple[Replacement, ...] | None:
    named = net.script.naming("torch.nn.functional.dropout")
    function = net.script.function(call)
    if named is None or function is None or function.name == "__init__":
        return None
    start, end = net.source.span(call)
    tail = f", p={number_text(p)}, training=self.training)"
    return (*named.replacements, Replacement(start, start, f"{named.name}("), Replacement(end, end, tail))
