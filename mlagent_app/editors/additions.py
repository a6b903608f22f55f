"""What an edit adds beside the measure: cross-validations of training data, seeded generators of loaders."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from mlagent_app.editors.catalogue.protected import EVALUATORS, SEEDERS, SPLITTERS
from mlagent_app.editors.names import LABELS, callee, is_measured, is_training, names_in
from mlagent_app.editors.rows import pairs


def inner_folds(old: ast.Module, new: ast.Module, folded: frozenset[str], whole: frozenset[str]) -> frozenset[str]:
    """The folds that are new, as text, and that only data for training is cut into; `folded` are its cross-validations."""
    before = {ast.unparse(node) for node in ast.walk(old) if _makes_folds(node)}
    nodes = list(ast.walk(new))
    given = set(_given_names(nodes))
    within = _uses_within(nodes, folded, whole)
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Call) and _makes_folds(node) and (text := ast.unparse(node)) not in before:
            names = {name for name, value in given if value is node}
            if node in within or (names and all(_reads(nodes, name) <= within for name in names)):
                found.add(text)
    return frozenset(found)


def loader_seeds(old: ast.Module, new: ast.Module) -> frozenset[str]:
    """What seeds the loaders, as text, where none had a generator of its own before, and what else it is given to nowhere."""
    before, after = list(ast.walk(old)), list(ast.walk(new))
    if any(_generators(before)):
        return frozenset()
    known = {ast.unparse(node) for node in before if isinstance(node, ast.Call | ast.Name)}
    handed = set(_generators(after))
    seeding = {node.func.value: node for node in after if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)}
    found: set[str] = set()
    for node in handed:
        made: Sequence[ast.AST] = [node]
        if isinstance(node, ast.Name):
            reads = _reads(after, node.id)
            if not all(item in handed or (item in seeding and callee(seeding[item]) in SEEDERS) for item in reads):
                continue
            made = [
                *(seeding[item] for item in reads if item in seeding),
                *(value for name, value in _given_names(after) if name == node.id),
            ]
        calls = [item for part in made for item in ast.walk(part) if isinstance(item, ast.Call) and callee(item) in SEEDERS]
        found |= {ast.unparse(item) for item in (node, *calls)}
    return frozenset(found - known)


def new_rows(names: Sequence[str], value: ast.expr, known: frozenset[str], whole: frozenset[str]) -> bool:
    """Whether names that are new get rows of data for training and nothing else: the labels of a fold."""
    items = value.elts if isinstance(value, ast.Tuple) else [value]
    return not known & set(names) and all(isinstance(item, ast.Subscript) and _is_training_only(item, whole) for item in items)


def _makes_folds(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and callee(node) in SPLITTERS and callee(node)[:1].isupper()


def _uses_within(nodes: Sequence[ast.AST], folded: frozenset[str], whole: frozenset[str]) -> set[ast.expr]:
    """The expressions in the place of folds where these cut nothing but data for training."""
    found: set[ast.expr] = set()
    for node in nodes:
        if not isinstance(node, ast.Call):
            continue
        # What a search is fitted on is seen where it is fitted.
        if callee(node) not in EVALUATORS or ast.unparse(node) in folded:
            found |= {word.value for word in node.keywords if word.arg == "cv"}
        if isinstance(node.func, ast.Attribute):
            given = [*node.args, *(word.value for word in node.keywords)]
            cut = callee(node) == "split" and given and all(_is_training_only(item, whole) for item in given)
            if cut or callee(node) == "get_n_splits":
                found.add(node.func.value)
    return found


def _is_training_only(node: ast.expr, whole: frozenset[str]) -> bool:
    names = set(names_in(node))
    foreign = {name for name in names if is_measured(name) or name in whole or (LABELS.match(name) and not is_training(name))}
    return any(map(is_training, names)) and not foreign


def _generators(nodes: Sequence[ast.AST]) -> Iterator[ast.expr]:
    for node in nodes:
        if isinstance(node, ast.Call) and callee(node) == "DataLoader":
            yield from (word.value for word in node.keywords if word.arg == "generator")


def _given_names(nodes: Sequence[ast.AST]) -> Iterator[tuple[str, ast.expr]]:
    return (pair for node in nodes if isinstance(node, ast.Assign) for pair in pairs(node))


def _reads(nodes: Sequence[ast.AST], name: str) -> set[ast.expr]:
    return {node for node in nodes if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)}
