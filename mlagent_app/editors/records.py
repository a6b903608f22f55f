"""The best value so far of a number that a loop measures, where nothing comes of it but that it is shown."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

from mlagent_app.editors.names import callee, targets_of
from mlagent_app.editors.reported import TELLERS


def records_of(tree: ast.Module, before: frozenset[str] = frozenset()) -> frozenset[str]:
    """The names that are only shown, and compared with where they are set anew; `before` are those of an older version."""
    nodes = list(ast.walk(tree))
    read = Counter(node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load))
    shown = Counter(name for node in nodes if _is_outer_teller(node) for name in _read_in(node))
    renewed = Counter(name for node in nodes for name in _renewed(node))
    # A name that never was shown may be read by another file.
    return frozenset(name for name in shown.keys() | before if read[name] == shown[name] + renewed[name])


def only_notes(statement: ast.stmt, records: frozenset[str]) -> bool:
    """Whether a statement does nothing but set records, count, or show something."""
    match statement:
        case ast.Assign(targets=targets):
            plain = all(isinstance(item, ast.Name | ast.Tuple | ast.List) for item in targets)
            return plain and records.issuperset(targets_of(statement))
        case ast.Expr(value=ast.Call() as call):
            return callee(call) in TELLERS
        case ast.AugAssign() | ast.Pass():
            return True
        case _:
            return False


def _is_outer_teller(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and callee(node.value) in TELLERS


def _read_in(node: ast.AST) -> Iterator[str]:
    return (item.id for item in ast.walk(node) if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Load))


def _renewed(node: ast.AST) -> Iterator[str]:
    """The names that `if acc > best: best = acc` and `best = max(best, acc)` read to set them anew, once for each time."""
    if isinstance(node, ast.If):
        changed = {name for item in node.body if isinstance(item, ast.Assign) for name in targets_of(item)}
        yield from (name for name in _read_in(node.test) if name in changed)
    elif isinstance(node, ast.Assign):
        changed = set(targets_of(node))
        yield from (name for name in _read_in(node.value) if name in changed)
