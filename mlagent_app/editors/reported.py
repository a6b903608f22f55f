"""Which names of a script hold the number that is printed as the metric."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from mlagent_app.agent.metrics import words
from mlagent_app.editors.names import callee

PRINTERS = frozenset(
    "print info echo write writerow writelines write_text write_bytes log log_metric log_metrics report dump dumps savetxt"
    " to_json to_csv secho debug warning add_scalar".split()
)
# Those of them that only tell: what others write may be read again.
TELLERS = frozenset(
    "print info debug warning echo secho log log_metric log_metrics add_scalar set_postfix set_description".split()
)
# Calls that leave a number what it is, of their arguments and of what they are methods of.
FUNCTIONS = frozenset("round float int str format abs max min sum mean average median".split())
METHODS = frozenset("item mean max min sum round cpu numpy detach tolist compute".split())
_UNSAID = frozenset({"val", "valid", "test", "best", "mean"})


def reported_names(tree: ast.Module, metric: frozenset[str]) -> frozenset[str]:
    """The names whose values are printed with a word of the metric's name, and those that they are computed from.

    Computed by arithmetic and by what leaves a number what it is: `acc = correct / total` leads to `correct` and `total`,
    `acc = model.score(X, y)` to nothing else.
    """
    found = {name for _, names in spoken(tree, metric) for name in names}
    sources = [(set(_targets(node)), set(_values(node.value))) for node in ast.walk(tree) if isinstance(node, ast.Assign)]
    size = -1
    while size != len(found):
        size = len(found)
        for targets, values in sources:
            if targets & found:
                found |= values
    return frozenset(found)


def spoken(tree: ast.Module, metric: frozenset[str]) -> Iterator[tuple[ast.expr, frozenset[str]]]:
    """What is printed with a word of the metric's name before it or in its own name, and which of its names are the metric."""
    keys = keys_of(metric)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and callee(node) in PRINTERS:
            yield from _printed(node, keys)


def keys_of(metric: frozenset[str]) -> frozenset[str]:
    """The words of a metric's name that tell it from other numbers."""
    return metric - _UNSAID


def _targets(node: ast.Assign) -> Iterator[str]:
    for target in node.targets:
        yield from (item.id for item in ast.walk(target) if isinstance(item, ast.Name))


def _printed(node: ast.Call, keys: frozenset[str]) -> Iterator[tuple[ast.expr, frozenset[str]]]:
    """The values of a printing call that stand behind a text with a word of the metric, or have one in their own name."""
    said: set[str] = set()
    for item in _pieces(node):
        if isinstance(item, ast.Constant):
            said = set(words(item.value)) if isinstance(item.value, str) and item.value.strip(" ,:=\n\t") else said
            continue
        names = frozenset(name for name in _values(item) if keys & said or keys & set(words(name)))
        called = isinstance(item, ast.Call) and keys & set(words(callee(item)))
        if names or called or keys & said:
            yield item, names
        said = set()


def _pieces(node: ast.expr) -> Iterator[ast.expr]:
    """What an expression prints, in order, texts and values apart."""
    match node:
        case ast.Call() if callee(node) in PRINTERS or _is_format(node):
            if isinstance(node.func, ast.Attribute) and node.func.attr == "format":
                yield node.func.value
            for item in (*node.args, *(word.value for word in node.keywords)):
                yield from _pieces(item)
        case ast.JoinedStr():
            for item in node.values:
                yield item.value if isinstance(item, ast.FormattedValue) else item
        case ast.Dict():
            for key, value in zip(node.keys, node.values, strict=True):
                yield from (item for item in (key, value) if item is not None)
        case ast.BinOp(op=ast.Add() | ast.Mod()):
            yield from _pieces(node.left)
            yield from node.right.elts if isinstance(node.right, ast.Tuple) else _pieces(node.right)
        case _:
            yield node


def _is_format(node: ast.Call) -> bool:
    return isinstance(node.func, ast.Attribute) and node.func.attr == "format"


def _values(node: ast.expr) -> Iterator[str]:
    """The names that an expression's number is made of by arithmetic."""
    match node:
        case ast.Name():
            yield node.id
        case ast.BinOp():
            yield from (*_values(node.left), *_values(node.right))
        case ast.UnaryOp():
            yield from _values(node.operand)
        case ast.IfExp():
            yield from (*_values(node.body), *_values(node.orelse))
        case ast.Subscript():
            yield from _values(node.value)
        case ast.Call(func=ast.Name(id=called)) if called in FUNCTIONS:
            for item in node.args:
                yield from _values(item)
        case ast.Call(func=ast.Attribute(attr=called, value=value)) if called in METHODS:
            # `acc.item()`, and `np.mean(scores)`, whose own name is a module's.
            yield from (name for item in node.args or [value] for name in _values(item))
        case _:
            return
