"""Width and depth of PyTorch networks: sizes that two neighbouring layers share, recurrent sizes, one more hidden layer."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

from mlagent_app.editors.catalogue.following import keyword
from mlagent_app.editors.catalogue.grammar import Phrase
from mlagent_app.editors.catalogue.offers import Change, Offer, Setting
from mlagent_app.editors.catalogue.shared_setting import SharedSetting
from mlagent_app.editors.catalogue.source import Call, Source
from mlagent_app.editors.catalogue.torch_network import ACTIVATIONS, NORMS, RECURRENT, Module, Network, Stack, network
from mlagent_app.editors.catalogue.torch_script import torch_script
from mlagent_app.editors.catalogue.values import Value, floats, ints

_WIDTHS = ints(4, 8, 16, 32, 64, 128, 256, 512, 1024, low=1, high=4096, width=4)
_CHANNELS = ints(4, 8, 16, 32, 64, 128, 256, low=1, high=1024, width=3)
_LAYERS = ints(1, 2, 3, 4, low=1, high=8, width=2)
_DROPOUTS = floats(0.0, 0.1, 0.2, 0.3, 0.5, low=0.0, high=0.9)
_SIZED = frozenset({"Linear", "Conv1d", "Conv2d"})


def widths(source: Source) -> Iterator[Offer]:
    """`set width of Linear to 128`: the outputs of one layer, the inputs of the next and the norm between them."""
    if not source.imported("torch"):
        return
    net = network(source)
    for stack in net.sequences:
        yield from _in_stack(net, stack)
    for module in net.modules:
        yield from _in_module(net, module)


def _in_stack(net: Network, stack: Stack) -> Iterator[Offer]:
    for index, layer in net.hidden(stack):
        size = _number(net.outlet(layer))
        places: list[ast.expr] = []
        for follower in stack.layers[index + 1 :]:
            if follower is None or follower.short in ("Flatten", "Unflatten", "Sequential"):
                break
            if follower.short in NORMS and (node := net.normed(follower)) is not None:
                places.append(node)
            elif follower.short in _SIZED and (node := net.inlet(follower)) is not None:
                places.append(node)
                grouped = keyword(layer.node, "groups") is not None or keyword(follower.node, "groups") is not None
                if follower.short == layer.short and size and not grouped and all(_number(place) == size for place in places):
                    yield _width(net, layer, places)
                break
            elif follower.short not in ACTIVATIONS and not follower.short.startswith(
                ("Dropout", "MaxPool", "AvgPool", "Adaptive")
            ):
                break


def _in_module(net: Network, module: Module) -> Iterator[Offer]:
    """Sizes written as plain numbers: every such number of the class must be one that is known to be the size."""
    layers = sorted(module.layers.values(), key=lambda call: net.source.span(call.node))
    sized = [layer for layer in layers if layer.short in _SIZED]
    if any(keyword(layer.node, "groups") is not None for layer in sized):
        return
    for size, first in _shared_sizes(net, sized).items():
        places = [node for layer in layers for node in _places(net, layer) if _number(node) == size]
        everywhere = [
            n for n in ast.walk(module.node) if isinstance(n, ast.Constant) and type(n.value) is int and n.value == size
        ]
        outlet = net.outlet(first)
        if len(everywhere) == len(places) and outlet in places:
            yield _width(net, first, [place for place in places if place is not outlet])


def _shared_sizes(net: Network, sized: list[Call]) -> dict[int, Call]:
    """Numbers that are as often an outlet as an inlet, the outermost inlet and outlet aside; with the first layer of each."""
    inlets = Counter(_number(net.inlet(layer)) for layer in sized)
    outlets = Counter(_number(net.outlet(layer)) for layer in sized)
    ends = {_number(net.inlet(sized[0])), _number(net.outlet(sized[-1]))} if sized else set[int]()
    found: dict[int, Call] = {}
    for layer in sized:
        size = _number(net.outlet(layer))
        if size > 1 and size not in ends and inlets[size] == outlets[size]:
            found.setdefault(size, layer)
    return found


def _places(net: Network, layer: Call) -> list[ast.expr]:
    nodes = (
        (net.inlet(layer), net.outlet(layer)) if layer.short in _SIZED else (net.normed(layer),) if layer.short in NORMS else ()
    )
    return [node for node in nodes if node is not None]


def _width(net: Network, layer: Call, places: list[ast.expr]) -> SharedSetting:
    outlet = net.outlet(layer)
    assert outlet is not None
    start, end = net.source.span(outlet)
    domain = _WIDTHS if layer.short == "Linear" else _CHANNELS
    anchor = net.source.span(layer.node)[0]
    twins = tuple(net.source.span(place) for place in places)
    return SharedSetting("width", "width", domain, _number(outlet), start, end, anchor, layer.short, twins=twins)


def _number(node: ast.expr | None) -> int:
    """The plain whole number that the expression is, 0 for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int) and not isinstance(node.value, bool):
        return node.value
    return 0


def recurrent(source: Source) -> Iterator[Offer]:
    """`set hidden_size of LSTM to 64` with the layer that reads it, `set num_layers of LSTM to 2`, its dropout."""
    if not source.imported("torch"):
        return
    net, script = network(source), torch_script(source)
    for call in net.by_node.values():
        if call.short not in RECURRENT:
            continue
        size = script.setting(call, "hidden_size", 1, _WIDTHS, 0, "width")
        if size is not None and size.present:
            yield from _recurrent_width(net, call, size)
        layers = script.setting(call, "num_layers", 2, _LAYERS, 1, "depth")
        if layers is not None:
            yield layers
            dropout = script.setting(call, "dropout", 5, _DROPOUTS, 0.0, "dropout")
            if dropout is not None and isinstance(layers.present, int) and layers.present > 1:
                yield dropout


def _recurrent_width(net: Network, call: Call, size: Setting) -> Iterator[Offer]:
    """A size behind one name goes with it wherever it is used; a plain number needs exactly one reader with the same number."""
    start, end = net.source.span(call.node)
    if not start <= size.start < end:
        yield size
        return
    module = next((m for m in net.modules if call in m.layers.values()), None)
    if module is None:
        return
    rest = [layer for layer in module.layers.values() if layer is not call]
    places = [node for layer in rest for node in _places(net, layer) if _number(node) == size.present]
    inlets = [node for layer in rest if layer.short == "Linear" and _number(node := net.inlet(layer)) == size.present]
    constants = [n for n in ast.walk(module.node) if isinstance(n, ast.Constant) and n.value == size.present]
    two_way = any(word.arg in ("bidirectional", "proj_size") for word in call.node.keywords)
    if (
        len(inlets) == 1
        and len(places) + 1 == len(constants)
        and not two_way
        and len(places) == 1 + _norms(net, rest, size.present)
    ):
        twins = tuple(net.source.span(place) for place in places)
        yield SharedSetting(
            "hidden_size", "width", _WIDTHS, size.present, size.start, size.end, size.anchor, call.short, twins=twins
        )


def _norms(net: Network, layers: list[Call], size: Value) -> int:
    return sum(layer.short in NORMS and _number(net.normed(layer)) == size for layer in layers)


def deeper(source: Source) -> Iterator[Offer]:
    """`add a hidden layer`: one more square layer with its activation before the last layer."""
    if not source.imported("torch"):
        return
    net = network(source)
    for stack in net.sequences:
        last = max((i for i, layer in enumerate(stack.layers) if layer is not None and layer.short == "Linear"), default=0)
        layer, activation = stack.layers[last], _activation_before(net, stack, last)
        if layer is not None and activation and (size := net.inlet(layer)) is not None:
            text = net.source.segment(size)
            code = f"{net.source.segment(layer.node.func)}({text}, {text})"
            made = net.insert_after(stack.elements[last - 1], code, activation)
            anchor = net.source.span(stack.call.node)[0]
            yield Change(Phrase("deepen"), "depth", (made,), anchor, "hidden layer")
    for module in net.modules:
        yield from _deeper_module(net, module)


def _activation_before(net: Network, stack: Stack, last: int) -> str:
    """The text of the activation between the last two linear layers of the stack."""
    for index in range(last - 1, 0, -1):
        layer = stack.layers[index]
        if layer is None or layer.short in ("Linear", "Flatten"):
            return ""
        if layer.short in ACTIVATIONS:
            before = [item.short for item in stack.layers[:index] if item is not None]
            return net.source.segment(layer.node) if "Linear" in before else ""
    return ""


def _deeper_module(net: Network, module: Module) -> Iterator[Offer]:
    linear = [name for name, layer in module.layers.items() if layer.short == "Linear"]
    heads = [name for name in linear if not net.is_activated(module, name)]
    if len(heads) != 1 or len(linear) < 2 or not net.is_plain(module, heads[0]):
        return
    head = module.layers[heads[0]]
    size, relu = net.inlet(head), net.script.naming("torch.nn.ReLU")
    if size is None or relu is None:
        return
    text, func = net.source.segment(size), net.source.segment(head.node.func)
    made = net.wrapped(head, (f"{func}({text}, {text})", f"{relu.name}()"), ())
    if made is not None:
        yield Change(Phrase("deepen"), "depth", (*relu.replacements, *made), net.source.span(module.node)[0], "hidden layer")
