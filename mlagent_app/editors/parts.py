"""What is done to the parts of the data after their split: fewer rows to measure on, parts that change places."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from mlagent_app.editors.names import callee, is_measured, is_training, names_in

_CHOOSING_WORDS = frozenset({"drop_last", "sampler", "batch_sampler"})


def cut_parts(node: ast.Call) -> Iterator[str]:
    """`Subset(test_set, range(50))`, `DataLoader(test_set, drop_last=True)`."""
    if node.args and any(map(is_measured, names_in(node.args[0]))):
        if callee(node) == "Subset":
            yield ast.unparse(node)
        elif callee(node) == "DataLoader":
            words = [(word.arg, ast.unparse(word.value)) for word in node.keywords if word.arg in _CHOOSING_WORDS]
            yield from (f"{name}={value}" for name, value in words if value not in ("False", "None"))


def reordered_parts(old: ast.Module, new: ast.Module) -> frozenset[frozenset[str]]:
    """The names that one statement gives parts of the data in another order than before: parts change places by this alone."""
    before, after = _orders(old), _orders(new)
    return frozenset(names for names, orders in before.items() if after.get(names, orders) != orders)


def part_names(node: ast.AST) -> tuple[str, ...]:
    """The names, in their order, of parts of both kinds that a statement gets from elsewhere: not `a, b = scaled(a, b)`."""
    if not isinstance(node, ast.Assign):
        return ()
    names = tuple(item.id for target in node.targets for item in ast.walk(target) if isinstance(item, ast.Name))
    both = any(map(is_training, names)) and any(map(is_measured, names))
    return names if both and not set(names) & set(names_in(node.value)) else ()


def _orders(tree: ast.Module) -> dict[frozenset[str], set[tuple[str, ...]]]:
    found: dict[frozenset[str], set[tuple[str, ...]]] = {}
    for names in map(part_names, ast.walk(tree)):
        if names:
            found.setdefault(frozenset(names), set()).add(names)
    return found
