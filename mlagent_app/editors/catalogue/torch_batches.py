"""The inputs that a training step gives its network. What is done to them there, no evaluation sees."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mlagent_app.editors.base import Replacement
from mlagent_app.editors.catalogue.source import Source, is_function
from mlagent_app.editors.catalogue.torch_network import RECURRENT, Network, network
from mlagent_app.editors.catalogue.torch_script import TorchScript, torch_script
from mlagent_app.editors.catalogue.torch_steps import Step, training

# A network with these may take tokens, which are no numbers to reckon with.
_TOKENS = frozenset({"Embedding", "EmbeddingBag", "from_pretrained"})
# What makes another number of axes, or another order of them, of what a network is given.
_RESHAPING = frozenset("view reshape unsqueeze permute transpose unflatten flatten movedim swapaxes stft T".split())
# Graphs and batches of several tensors under names, which are no tensor; and pixels that are no numbers to reckon with yet.
_STRUCTURED = re.compile(
    r"edge_index|torch_geometric|\bdgl\b|uint8|\b(batch|inputs?|data|x)\[[\"']|\*\*(batch|inputs?|data|x)\b"
)
_SPATIAL = frozenset("ConvTranspose2d Upsample UpsamplingBilinear2d PixelShuffle interpolate pad_sequence".split())


@dataclass(frozen=True, slots=True)
class Batch:
    """A call of the network in a training step: its only argument `inputs`, and the statement around it."""

    step: Step
    call: ast.Call
    inputs: ast.expr
    statement: ast.stmt

    def replaced(self, script: TorchScript, name: str, *lines: str) -> tuple[Replacement, ...]:
        """The network is given the variable `name` instead, which the lines before the statement make."""
        start, end = script.source.span(self.inputs)
        return (script.before(self.statement, *lines), Replacement(start, end, name))

    def is_shown(self, script: TorchScript) -> bool:
        """Whether the training loss is also looked at, other than to go down it: someone may go by it."""
        names = {node.id for node in ast.walk(self.step.backward) if isinstance(node, ast.Name)} & _assigned(self, script)
        inside, here = set(ast.walk(self.step.backward)), script.function(self.step.backward)
        uses = [use for name in names for use in script.reads(name) if script.function(use) is here]
        return any(use not in inside for use in uses) or any(script.is_formatted(name) for name in names)

    def is_in_loss(self) -> bool:
        """Whether the network is called in the very statement that makes the loss."""
        goals = self.statement.targets if isinstance(self.statement, ast.Assign) else []
        names = {node.id for node in ast.walk(self.step.backward) if isinstance(node, ast.Name)}
        return any(isinstance(goal, ast.Name) and goal.id in names for goal in goals)

    def text(self, source: Source) -> str:
        """The inputs as code that a dot or a bracket may follow."""
        text = source.segment(self.inputs)
        plain = isinstance(self.inputs, (ast.Name, ast.Attribute, ast.Subscript, ast.Call)) and "\n" not in text
        return text if plain else f"({text})"


def batch(source: Source) -> Batch | None:
    """The one batch of the one training step of the file; None where it is not certain, or where nothing else is measured."""
    script, steps = torch_script(source), training(source).steps
    if len(steps) != 1 or not script.has_evaluation or source.local_name("torch") is None:
        return None
    step = steps[0]
    looped = any(isinstance(item, (ast.For, ast.While)) for item in _around(script, step.backward))
    block = script.block(step.backward)
    statements = [inner for item in block[: block.index(step.backward)] for inner in _simple(item)]
    names = _networks(script, step)
    calls = [node for item in statements for node in ast.walk(item) if _calls(node, names)]
    if not looped or len(calls) != 1:
        return None
    call = calls[0]
    statement = script.statement(call)
    if not isinstance(call, ast.Call) or statement is None or script.evaluates(call):
        return None
    if len(call.args) != 1 or call.keywords or isinstance(call.args[0], ast.Starred) or _STRUCTURED.search(source.text):
        return None
    return Batch(step, call, call.args[0], statement)


def _assigned(found: Batch, script: TorchScript) -> set[str]:
    """The names that the statement around the network's call and those after it give values, up to the backward pass."""
    block = script.block(found.step.backward)
    statements = [inner for item in block[: block.index(found.step.backward)] for inner in _simple(item)]
    goals = [goal for item in statements if isinstance(item, ast.Assign) for goal in item.targets]
    return {goal.id for goal in goals if isinstance(goal, ast.Name)}


def _around(script: TorchScript, node: ast.AST) -> Iterator[ast.AST]:
    """What is around the node in its own function."""
    for item in script.ancestors(node):
        if is_function(item):
            return
        yield item


def _simple(statement: ast.stmt) -> Iterator[ast.stmt]:
    """The assignments that run once each time; those of a `with` block too."""
    if isinstance(statement, ast.With):
        for item in statement.body:
            yield from _simple(item)
    elif isinstance(statement, ast.Assign):
        yield statement


def _calls(node: ast.AST, names: frozenset[str]) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, (ast.Name, ast.Attribute)) and ast.unparse(node.func) in names


def _networks(script: TorchScript, step: Step) -> frozenset[str]:
    """What an optimiser of the file updates, and what the step's function switches to training."""
    here = script.function(step.statement)
    found: set[str] = set()
    for call in script.source.calls:
        owner = call.node.func.value if isinstance(call.node.func, ast.Attribute) else None
        if owner is None or call.node.args or call.node.keywords:
            continue
        if call.short == "parameters" or (call.short == "train" and script.function(call.node) is here):
            found.add(ast.unparse(owner))
    return frozenset(found)


def takes_numbers(source: Source) -> bool:
    """Whether the networks of the file are given real numbers, as far as their layers say."""
    layers = network(source).by_node.values()
    weighted = any(layer.short in ("Linear", "LazyLinear", "Conv1d", "Conv2d", *RECURRENT) for layer in layers)
    return weighted and not any(call.short in _TOKENS for call in source.calls)


def takes_images(source: Source) -> bool:
    """Whether the networks of the file are given images, of shape (n, channels, height, width), to judge as a whole."""
    net = network(source)
    kinds = {layer.short for layer in net.by_node.values()}
    if "Conv2d" not in kinds or not kinds & {"Linear", "LazyLinear"} or not takes_numbers(source):
        return False
    shaped = kinds & {"Conv1d", "Conv3d", "Unflatten", *RECURRENT} or any(call.short in _SPATIAL for call in source.calls)
    return not shaped and all(_is_direct(net, module.node) for module in net.modules)


def _is_direct(net: Network, module: ast.ClassDef) -> bool:
    """Whether `forward` gives what it is given to a layer before it changes its shape."""
    forward = next((item for item in module.body if is_function(item) and item.name == "forward"), None)
    if forward is None or len(forward.args.args) != 2:
        return forward is None
    given = forward.args.args[1].arg
    uses = [node for node in ast.walk(forward) if isinstance(node, ast.Name) and node.id == given]
    first = min((node for node in uses if _enters_layer(net, node)), key=lambda n: (n.lineno, n.col_offset), default=None)
    if first is None:
        return False
    before = [node for node in uses if (node.lineno, node.col_offset) <= (first.lineno, first.col_offset)]
    return not any(isinstance(node.ctx, ast.Store) or _is_reshaped(net, node) for node in before if node.lineno < first.lineno)


def _enters_layer(net: Network, node: ast.Name) -> bool:
    """Whether this is the very argument of a call of a layer, `self.conv(x)`."""
    parent = net.source.parents.get(node)
    return isinstance(parent, ast.Call) and parent.args[:1] == [node] and net.source.qualified(parent.func).startswith("self.")


def _is_reshaped(net: Network, node: ast.Name) -> bool:
    parent = net.source.parents.get(node)
    if isinstance(parent, ast.Attribute):
        return parent.attr in _RESHAPING
    return isinstance(parent, ast.Call) and net.source.qualified(parent.func).rpartition(".")[2] in _RESHAPING
