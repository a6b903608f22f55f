"""Ways to a better number that are no better model, as facts of a file: what an edit newly has of them is worth a warning."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from mlagent_app.editors.catalogue.protected import SEED_WORDS, SEEDERS, SPLITTERS
from mlagent_app.editors.facts import Fact, is_metric_name
from mlagent_app.editors.names import MEASURED_LABELS, PREDICTIONS, callee, is_measured, is_test, is_training, names_in

_FITTERS = frozenset("fit fit_transform fit_resample fit_predict partial_fit train train_on_batch".split())
_FITTED_WORDS = frozenset({"X", "x", "y", "data", "train_set", "dtrain", "train_dataset"})
_WHOLE_SPLITTERS = frozenset({"train_test_split", "random_split", "temporal_train_test_split"})
_JOINERS = frozenset("concat concatenate vstack hstack append r_ row_stack ConcatDataset chain extend".split())
_STEPS = frozenset("backward train_on_batch partial_fit".split())
_MEASURES = frozenset("score evaluate eval_model validate cross_val_score".split())
_PICKERS = frozenset({"max", "min", "sorted", "argmax", "argmin"})
_REPLACED = frozenset({"print", "predict", "predict_proba", "score", "write", "__eq__"})


@dataclass(frozen=True, slots=True)
class Whole:
    """What must be known of a file to read one of its statements: data before its split, joined data, what is called."""

    unsplit: frozenset[str]
    joined: frozenset[str]
    called: frozenset[str]
    metric: frozenset[str]


def whole_of(trees: Sequence[ast.Module], metric: frozenset[str]) -> Whole:
    """The context of a file's versions."""
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    splits = [node for node in calls if callee(node) in _WHOLE_SPLITTERS]
    unsplit = {name for node in splits for item in node.args for name in names_in(item)}
    joined = {
        name
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and _joins(node.value)
        for name in _targets(node)
    }
    return Whole(frozenset(unsplit), frozenset(joined), frozenset(map(callee, calls)), metric)


def cheat_facts(body: Iterable[ast.stmt], whole: Whole) -> Iterator[Fact]:
    """What these statements do that a better model does not need."""
    for statement in body:
        parameters = _parameters(statement)
        for node in ast.walk(statement):
            yield from _leaks(node, whole, parameters)
            yield from _replacements(node, whole)
            if search := _seed_search(node, whole):
                yield "seed", "", search


# -- training on what is measured ------------------------------------------------------------------------------------


def _leaks(node: ast.AST, whole: Whole, parameters: frozenset[str]) -> Iterator[Fact]:
    if isinstance(node, ast.Call) and callee(node) in _FITTERS:
        given = [*node.args[:2], *(word.value for word in node.keywords if word.arg in _FITTED_WORDS)]
        names = [name for item in given for name in names_in(item)]
        if used := [name for name in names if is_measured(name) or name in whole.joined]:
            yield "leak", "", f"trains on {used[0]}"
        plain = [item.id for item in given if isinstance(item, ast.Name)]
        if len(plain) == 2 and whole.unsplit.issuperset(plain) and not parameters & set(plain):
            yield "leak", "", f"trains on {plain[0]}, which is split into parts"
    elif isinstance(node, ast.For):
        steps = any(isinstance(item, ast.Call) and callee(item) in _STEPS for item in ast.walk(node))
        if steps and (used := [name for name in names_in(node.iter) if is_measured(name) or name in whole.joined]):
            yield "leak", "", f"trains on {used[0]}"
    elif isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
        yield from _leaking_assignments(node)
    elif isinstance(node, ast.FunctionDef) and node.name.startswith("predict"):
        if used := [name for item in node.body for name in names_in(item) if MEASURED_LABELS.match(name)]:
            yield "leak", "", f"{node.name} uses {used[0]}"


def _leaking_assignments(node: ast.Assign | ast.AugAssign | ast.AnnAssign) -> Iterator[Fact]:
    if node.value is None or any(isinstance(item, ast.Call) and callee(item) in SPLITTERS for item in ast.walk(node.value)):
        return
    targets, values = list(_targets(node)), list(names_in(node.value))
    if not any(map(is_measured, targets)):
        used = [name for name in values if is_measured(name)]
        if used and any(map(is_training, targets)):
            yield "leak", "", f"{targets[0]} is made of {used[0]}"
        labels = [name for name in values if MEASURED_LABELS.match(name) and name not in _compared(node.value)]
        if labels and any(map(PREDICTIONS.match, targets)):
            yield "leak", "", f"{targets[0]} is made of {labels[0]}"
    elif any(map(is_test, targets)) and not any(map(is_training, targets)):
        used = [name for name in values if is_training(name)]
        if used and not any(map(is_measured, values)):
            yield "leak", "", f"{targets[0]} is made of {used[0]}"


def _joins(value: ast.expr) -> bool:
    """Whether data that is trained on and data that is measured on become one somewhere in an expression."""
    return any(_joins_here(node) for node in ast.walk(value) if isinstance(node, ast.expr))


def _joins_here(node: ast.expr) -> bool:
    joining = isinstance(node, ast.Call) and callee(node) in _JOINERS
    adding = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add)
    stacking = isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute) and node.value.attr in _JOINERS
    names = list(names_in(node)) if joining or adding or stacking else []
    return any(map(is_measured, names)) and any(map(is_training, names))


def _compared(node: ast.expr) -> frozenset[str]:
    """The names within comparisons: `hits = pred == y_test` counts, it does not predict."""
    return frozenset(name for item in ast.walk(node) if isinstance(item, ast.Compare) for name in names_in(item))


def _targets(node: ast.Assign | ast.AugAssign | ast.AnnAssign) -> Iterator[str]:
    for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
        # What is indexed or has the attribute is what changes; an index does not.
        while isinstance(target, ast.Subscript):
            target = target.value
        yield from names_in(target)


def _parameters(statement: ast.stmt) -> frozenset[str]:
    """The names of all parameters of functions in a statement: there they mean what a caller gives."""
    functions = [item for item in ast.walk(statement) if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)]
    return frozenset(
        item.arg
        for function in functions
        for item in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)
    )


# -- functions replaced ------------------------------------------------------------------------------------------------


def _replacements(node: ast.AST, whole: Whole) -> Iterator[Fact]:
    """`accuracy_score = ...`, `model.predict = ...`, `setattr(metrics, "accuracy_score", ...)`, `def print(...)`."""
    replaced: list[str] = []
    if isinstance(node, ast.Assign):
        for target in node.targets:
            if isinstance(target, ast.Name) and target.id in whole.called:
                replaced.append(target.id)
            elif isinstance(target, ast.Attribute):
                replaced.append(target.attr)
        if any(isinstance(target, ast.Attribute) and target.attr in ("stdout", "stderr") for target in node.targets):
            yield "metric", "", f"replaces {ast.unparse(node.targets[0])}"
    elif isinstance(node, ast.Call) and callee(node) == "setattr" and len(node.args) == 3:
        name = node.args[1]
        replaced += [name.value] if isinstance(name, ast.Constant) and isinstance(name.value, str) else ["predict"]
    elif isinstance(node, ast.FunctionDef) and node.name == "print":
        replaced.append("print")
    for name in replaced:
        if name in _REPLACED or (name in whole.called and is_metric_name(name, whole.metric)):
            yield "metric", "", f"replaces {name}"


# -- searching for a lucky seed ----------------------------------------------------------------------------------------


def _seed_search(node: ast.AST, whole: Whole) -> str:
    """What is searched when a loop, or a pick of the best, tries seeds and measures each; an ensemble does not measure them."""
    if isinstance(node, ast.For):
        tried = set(names_in(node.target))
    elif isinstance(node, ast.While):
        tried = {name for item in ast.walk(node) if isinstance(item, ast.Assign | ast.AugAssign) for name in _targets(item)}
    elif isinstance(node, ast.Call) and callee(node) in _PICKERS:
        tried = set(_bound(node))
    else:
        return ""
    calls = [item for item in ast.walk(node) if isinstance(item, ast.Call)]
    seeds = {name for call in calls for value in _seed_values(call) for name in names_in(value)} & tried
    measured = any(callee(call) in _MEASURES or is_metric_name(callee(call), whole.metric) for call in calls)
    return f"tries seeds by {min(seeds)}" if seeds and measured else ""


def _seed_values(call: ast.Call) -> Iterator[ast.expr]:
    yield from (word.value for word in call.keywords if word.arg in SEED_WORDS)
    if callee(call) in SEEDERS:
        yield from call.args


def _bound(node: ast.expr) -> Iterator[str]:
    """The names that comprehensions and lambdas in an expression give to what they go through."""
    for item in ast.walk(node):
        if isinstance(item, ast.comprehension):
            yield from names_in(item.target)
        elif isinstance(item, ast.Lambda):
            yield from (argument.arg for argument in item.args.args)
