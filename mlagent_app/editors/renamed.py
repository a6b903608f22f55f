"""Measured data under other names."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence

from mlagent_app.editors.measuring import Function
from mlagent_app.editors.names import callee, is_measured, is_test, names_in, targets_of
from mlagent_app.editors.rows import pairs, root_of

# What gives the same data in another form.
_FORMS = frozenset(
    "tensor array asarray from_numpy DataLoader TensorDataset list iter cycle DMatrix Dataset from_tensor_slices".split()
)
_CASTS = frozenset("float double long to cpu cuda batch prefetch cache repeat".split())


def measured_names(nodes: Sequence[ast.AST]) -> frozenset[str]:
    """Names that only ever mean measured data: `A` of `A, b = X_test, y_test`."""
    found: dict[str, bool] = {}
    for node in nodes:
        if isinstance(node, ast.Assign):
            known = dict(pairs(node))
            for name in targets_of(node):
                found[name] = found.get(name, True) and name in known and is_measured(form_of(known[name]))
    bound = _bound(nodes) | {node.arg for node in nodes if isinstance(node, ast.arg)}
    return frozenset(name for name, always in found.items() if always and name not in bound)


def tests_by_other_names(tree: ast.Module) -> frozenset[str]:
    """Names that only ever mean test data, or things with test data: `dvalid` of `Dataset(X_test)`, a list of what is watched.

    A parameter that is called as measured data is one too, where each call gives it test data.
    """
    nodes = list(ast.walk(tree))
    values: dict[str, list[ast.expr | None]] = {}
    for name, value in _given(nodes):
        values.setdefault(name, []).append(value)
    found: set[str] = set()
    size = -1
    while size != len(found):
        size = len(found)
        for name, given in values.items():
            if all(value is not None and _holds_test(value, found) for value in given):
                found.add(name)
    return frozenset(found - _bound(nodes))


def _given(nodes: Sequence[ast.AST]) -> Iterator[tuple[str, ast.expr | None]]:
    """What each name of a file gets; None for what cannot be told."""
    functions = [node for node in nodes if isinstance(node, Function)]
    for node in nodes:
        if isinstance(node, ast.Assign):
            known = dict(pairs(node))
            yield from ((name, known.get(name)) for name in targets_of(node))
        else:
            yield from ((name, value) for name, value in handed(node, functions) if is_measured(name))


def handed(node: ast.AST, functions: Iterable[Function]) -> Iterator[tuple[str, ast.expr]]:
    """What a call gives to each parameter of a function of the file."""
    for function in functions:
        if isinstance(node, ast.Call) and function.name == callee(node):
            names = [item.arg for item in function.args.args if item.arg != "self"]
            yield from zip(names, node.args, strict=False)
            yield from ((word.arg, word.value) for word in node.keywords if word.arg in names and word.arg)


def _holds_test(value: ast.expr, known: set[str]) -> bool:
    if isinstance(value, ast.List | ast.Tuple):
        return any(_holds_test(item, known) for item in value.elts)
    return is_test(form := form_of(value)) or form in known


def _bound(nodes: Sequence[ast.AST]) -> set[str]:
    return {name for node in nodes if isinstance(node, ast.For | ast.comprehension) for name in names_in(node.target)}


def form_of(node: ast.expr) -> str:
    """The name of data that an expression is another form or a part of."""
    match node:
        case ast.Call(args=[ast.Tuple(elts=[first, *_]), *_] | [first, *_]) if callee(node) in _FORMS:
            return form_of(first)
        case ast.Call(func=ast.Attribute(value=value, attr=called)) if called in _CASTS:
            return form_of(value)
        case ast.Subscript(value=value):
            return form_of(value)
        case _:
            return root_of(node)
