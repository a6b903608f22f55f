"""Which parameters of a file's own functions are trained on, so that it can be told what a call trains on."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping

from mlagent_app.editors.loops import BACKWARD, Loop, learns_from
from mlagent_app.editors.measuring import Function
from mlagent_app.editors.names import callee, names_in

FITTERS = frozenset("fit fit_transform fit_resample fit_predict partial_fit train train_on_batch".split())
STEPS = BACKWARD | {"train_on_batch", "partial_fit"}
_FITTED_WORDS = frozenset({"X", "x", "y", "data", "train_set", "dtrain", "train_dataset"})

# Of each function, the places and names of the parameters that it trains on.
Learners = Mapping[str, frozenset[tuple[int, str]]]


def learners_of(trees: Iterable[ast.Module]) -> Learners:
    """The functions of a file's versions; those that train on nothing that they are given are among them."""
    functions = [node for tree in trees for node in ast.walk(tree) if isinstance(node, Function)]
    found: dict[str, frozenset[tuple[int, str]]] = {node.name: frozenset() for node in functions}
    for node in functions:
        _add(found, node, {*_fitted_names(node), *_looped_names(node, _parameters(node))})
    size = -1
    while size != (size := sum(map(len, found.values()))):
        for node in functions:
            calls = [item for item in ast.walk(node) if isinstance(item, ast.Call)]
            _add(found, node, {name for call in calls for item in handed_on(call, found) for name in names_in(item)})
    return found


def _parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    names = [item.arg for item in (*node.args.posonlyargs, *node.args.args) if item.arg not in ("self", "cls")]
    return names + [item.arg for item in node.args.kwonlyargs]


def _add(found: dict[str, frozenset[tuple[int, str]]], node: ast.FunctionDef | ast.AsyncFunctionDef, used: set[str]) -> None:
    found[node.name] |= {(place, name) for place, name in enumerate(_parameters(node)) if name in used}


def fitted(node: ast.Call) -> list[ast.expr]:
    """What a call of `fit` and the like is given to learn from."""
    if callee(node) not in FITTERS:
        return []
    return [*node.args[:2], *(word.value for word in node.keywords if word.arg in _FITTED_WORDS)]


def handed_on(node: ast.Call, learners: Learners) -> Iterator[ast.expr]:
    """What a call gives to a function of the file that trains on it."""
    for place, name in learners.get(callee(node), ()):
        yield from node.args[place : place + 1]
        yield from (word.value for word in node.keywords if word.arg == name)


def _fitted_names(function: ast.AST) -> Iterator[str]:
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
    return (name for call in calls for item in fitted(call) for name in names_in(item))


def _looped_names(function: ast.AST, names: Iterable[str]) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, Loop) and _steps_always(node.body):
            if not isinstance(node, ast.While):
                yield from names_in(node.iter)
            yield from (name for name in names if learns_from(node, name.__eq__))


def _steps_always(body: Iterable[ast.stmt]) -> bool:
    """Whether these statements train whatever a caller asks for: a function that also measures trains on a condition."""
    for node in body:
        if isinstance(node, ast.If):
            if _steps_always(node.body) and _steps_always(node.orelse):
                return True
            if isinstance(node.body[-1], ast.Continue | ast.Return):
                return False
        elif inner := getattr(node, "body", None):
            if _steps_always(inner):
                return True
        elif any(isinstance(item, ast.Call) and callee(item) in STEPS for item in ast.walk(node)):
            return True
    return False
