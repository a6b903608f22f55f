"""Several networks, each trained from an initialisation of its own, whose answers are averaged where one answered."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from mlagent_app.editors.base import Replacement
from mlagent_app.editors.catalogue.grammar import Phrase
from mlagent_app.editors.catalogue.imports import merged
from mlagent_app.editors.catalogue.offers import Change, Offer
from mlagent_app.editors.catalogue.source import Function, Scope, Source, is_function
from mlagent_app.editors.catalogue.torch_network import network
from mlagent_app.editors.catalogue.torch_script import TorchScript, torch_script
from mlagent_app.editors.catalogue.torch_steps import training

_SIZES = (3,)
_CLASS = "AveragedNetworks"
# What may be done to a network that an average of networks can do as well.
_COMMON = frozenset({"eval", "train", "to", "cpu", "cuda"})


def ensembles(source: Source) -> Iterator[Offer]:
    """`average 3 networks`, where a function trains one and returns it, and does not seed it alike each time."""
    if not source.imported("torch"):
        return
    script, steps = torch_script(source), training(source).steps
    function = script.function(steps[0].statement) if len(steps) == 1 else None
    if function is None or not script.free(_CLASS) or not _trains_one(script, function):
        return
    calls = [call.node for call in source.calls if call.name == function.name]
    uses = _Uses(script)
    if not calls or len(uses.reads(function.name)) != len(calls):
        return
    if not all(script.function(node) is not function and uses.only_answers(node) and _may_repeat(node) for node in calls):
        return
    module, modules, stack = (script.naming(f"torch.{name}") for name in ("nn.Module", "nn.ModuleList", "stack"))
    if module is None or modules is None or stack is None:
        return
    lines = _class(source, module.name, modules.name, stack.name)
    for size in _SIZES:
        wrapped: list[tuple[Replacement, ...]] = []
        for node in calls:
            start, end = source.span(node)
            opening, closing = f"{_CLASS}([", f" for _ in range({size})])"
            wrapped.append((Replacement(start, start, opening), Replacement(end, end, closing)))
        parts = (module.replacements, modules.replacements, stack.replacements, (script.before(function, *lines),), *wrapped)
        yield Change(Phrase("ensemble", (str(size),)), "ensemble", merged(*parts), source.span(function)[0], "networks")


def _class(source: Source, module: str, modules: str, stack: str) -> list[str]:
    one, two = source.indent, 2 * source.indent
    return [
        f"class {_CLASS}({module}):",
        f"{one}def __init__(self, networks):",
        f"{two}super().__init__()",
        f"{two}self.networks = {modules}(networks)",
        "",
        f"{one}def forward(self, *inputs):",
        f"{two}return {stack}([network(*inputs) for network in self.networks]).mean(0)",
        "",
        "",
    ]


def _may_repeat(call: ast.Call) -> bool:
    """Whether the call means the same inside of a comprehension over `_`."""
    return not any(isinstance(n, ast.NamedExpr) or (isinstance(n, ast.Name) and n.id == "_") for n in ast.walk(call))


def _trains_one(script: TorchScript, function: Function) -> bool:
    """Whether the function makes one network of this file, trains it and returns it, and measures and seeds nothing."""
    source = script.source
    returns = [node for node in ast.walk(function) if isinstance(node, ast.Return)]
    if source.parents.get(function) is not source.tree or len(returns) != 1 or function.body[-1] is not returns[0]:
        return False
    value = returns[0].value
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr in _COMMON:
        value = value.func.value
    if not isinstance(value, ast.Name) or isinstance(function, ast.AsyncFunctionDef) or function.decorator_list:
        return False
    text = source.segment(function).lower()
    if any(word in text for word in ("seed", "print", "no_grad", "inference_mode", ".eval()") if not _ends_with(text, word)):
        return False
    made = script.scope(returns[0]).bindings.get(value.id, [])
    return len(made) == 1 and made[0].kind == "assign" and _is_network(script, made[0].value)


def _ends_with(text: str, word: str) -> bool:
    """A switch to evaluation just before the network is returned, or with it, measures nothing."""
    return word == ".eval()" and text.count(word) == 1 and text.rindex(word) > len(text) - 40


def _is_network(script: TorchScript, made: ast.expr | None) -> bool:
    """Whether the expression makes a network whose answer is one tensor."""
    source, net = script.source, network(script.source)
    if not isinstance(made, ast.Call):
        return False
    if isinstance(made.func, ast.Attribute) and made.func.attr in _COMMON:
        return _is_network(script, made.func.value)
    if any(made is stack.call.node for stack in net.sequences):
        return True
    name = source.qualified(made.func)
    for module in net.modules:
        if module.node.name == name:
            forward = next((item for item in module.node.body if is_function(item) and item.name == "forward"), None)
            return forward is not None and _answers_once(forward)
    builder = next((node for node in source.scopes if is_function(node) and node.name == name), None)
    last = builder.body[-1] if builder is not None else None
    return isinstance(last, ast.Return) and any(last.value is stack.call.node for stack in net.sequences)


def _answers_once(forward: Function) -> bool:
    returns = [node.value for node in ast.walk(forward) if isinstance(node, ast.Return)]
    return bool(returns) and not any(node is None or isinstance(node, (ast.Tuple, ast.Dict, ast.List)) for node in returns)


class _Uses:
    """What the file does with a network that a function gives. Unlike elsewhere, f-strings are read: a metric may be there."""

    def __init__(self, script: TorchScript) -> None:
        self.script = script
        self._parents: dict[ast.AST, ast.AST] = {}
        self._names: dict[str, list[ast.Name]] = {}
        for node in ast.walk(script.source.tree or ast.Module([], [])):
            self._parents.update((child, node) for child in ast.iter_child_nodes(node))
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                self._names.setdefault(node.id, []).append(node)

    def reads(self, name: str) -> list[ast.Name]:
        """Where the file reads the name."""
        return self._names.get(name, [])

    def _scope(self, node: ast.AST) -> Scope:
        """The scope that code at this node runs in."""
        while node in self._parents:
            node = self._parents[node]
            if node in self.script.source.scopes:
                return self.script.source.scopes[node]
        return self.script.source.module

    def only_answers(self, node: ast.expr, hops: int = 2) -> bool:
        """Whether nothing is done to the network that this expression gives but to ask it, in this file."""
        parent = self._parents.get(node)
        if isinstance(parent, ast.Expr):
            return True
        if isinstance(parent, ast.Attribute):
            call = self._parents.get(parent)
            asked = parent.attr in _COMMON and isinstance(call, ast.Call) and call.func is parent
            return asked and isinstance(call, ast.Call) and self.only_answers(call, hops)
        if isinstance(parent, ast.Call):
            return parent.func is node or self._is_passed(parent, node, hops)
        if isinstance(parent, ast.Assign) and len(parent.targets) == 1 and isinstance(parent.targets[0], ast.Name):
            return self._name_only_answers(parent.targets[0].id, parent, hops)
        return False

    def _name_only_answers(self, name: str, at: ast.AST, hops: int) -> bool:
        """The same of every use of a name in the scope of `at`; a name of the module may be read in its functions, too."""
        scope, holder = self.script.scope(at), self.script.follower.holder
        return all(self.only_answers(use, hops) for use in self.reads(name) if holder(name, self._scope(use)) is scope)

    def _is_passed(self, call: ast.Call, node: ast.expr, hops: int) -> bool:
        """Whether a function of this file, which is given the network, only asks it."""
        source = self.script.source
        name = source.qualified(call.func)
        functions = [item for item in source.scopes if is_function(item) and item.name == name]
        if hops == 0 or len(functions) != 1 or node not in call.args or source.parents.get(functions[0]) is not source.tree:
            return False
        names = [argument.arg for argument in functions[0].args.args]
        place = call.args.index(node)
        return place < len(names) and self._name_only_answers(names[place], functions[0].body[0], hops - 1)
