"""Ways to a better number that are no better model, as facts of a file: what an edit newly has of them is worth a warning."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from mlagent_app.editors.catalogue.protected import SEED_WORDS, SEEDERS
from mlagent_app.editors.facts import Context, Fact, is_metric_function, is_metric_name
from mlagent_app.editors.leaks import Data, data_of, leak_facts
from mlagent_app.editors.learners import FITTERS
from mlagent_app.editors.loops import Loop, decides_by, loops_in, steps_by
from mlagent_app.editors.measuring import trains
from mlagent_app.editors.names import callee, dotted, is_test, names_in, targets_of
from mlagent_app.editors.records import records_of

_MEASURES = frozenset("score evaluate eval_model validate cross_val_score".split())
_PICKERS = frozenset({"max", "min", "sorted", "argmax", "argmin"})
_REPLACED = frozenset({"print", "predict", "predict_proba", "score", "write", "__eq__"})


@dataclass(frozen=True, slots=True)
class Whole:
    """What must be known of a file to read one of its statements.

    Its data, what is called, what trains, what measures, and the records of which nothing comes.
    """

    data: Data
    called: frozenset[str]
    trainers: frozenset[str]
    metric: frozenset[str]
    measures: frozenset[str]
    records: frozenset[str]


def wholes_of(old: ast.Module, new: ast.Module, context: Context) -> tuple[Whole, Whole]:
    """What must be known of a file's two versions, for each of them, beside the context of their facts."""
    trees, metric = (old, new), context.metric
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    called = frozenset(map(callee, calls))
    measures = {name for name in called if is_metric_function(name) or is_metric_name(name, metric)}
    measures |= context.measuring
    # `metrics` of `metrics.accuracy_score(...)`.
    measures |= {dotted(node.func).partition(".")[0] for node in calls if is_metric_name(callee(node), metric)}
    before, after = data_of(old, new, context.unsplit, context.whole)
    shown = records_of(old)
    records = [item - context.reported if context.named else frozenset[str]() for item in (shown, records_of(new, shown))]
    whole = Whole(before, called, context.trainers, metric, frozenset(measures), records[0])
    return whole, replace(whole, data=after, records=records[1])


def cheat_facts(body: Iterable[ast.stmt], whole: Whole) -> Iterator[Fact]:
    """What these statements do that a better model does not need."""
    for statement in body:
        parameters = _parameters(statement)
        for node in ast.walk(statement):
            yield from leak_facts(node, whole.data, parameters)
            yield from _replacements(node, whole)
            yield from _imports(node, whole)
            if search := _seed_search(node, whole):
                yield "seed", "", search
            yield from (("leak", "", choice) for choice in _choices(node, whole))


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


def _imports(node: ast.AST, whole: Whole) -> Iterator[Fact]:
    """Where what measures comes from: another function under the same name is another metric."""
    if not isinstance(node, ast.Import | ast.ImportFrom):
        return
    origin = f"{'.' * node.level}{node.module or ''}." if isinstance(node, ast.ImportFrom) else ""
    for item in node.names:
        if (name := item.asname or item.name) in whole.measures:
            yield "metric", "", f"{name} is {origin}{item.name}"


# -- searching for a lucky seed, or choosing by the test part -------------------------------------------------------------


def _seed_search(node: ast.AST, whole: Whole) -> str:
    """What is searched when a loop, or a pick of the best, tries seeds and measures each; an ensemble does not measure them."""
    if isinstance(node, ast.For):
        tried = set(names_in(node.target))
    elif isinstance(node, ast.While):
        tried = {name for item in ast.walk(node) if isinstance(item, ast.Assign | ast.AugAssign) for name in targets_of(item)}
    elif isinstance(node, ast.Call) and callee(node) in _PICKERS:
        tried = set(_bound(node))
    else:
        return ""
    calls = [item for item in ast.walk(node) if isinstance(item, ast.Call)]
    seeds = {name for call in calls for value in _seed_values(call) for name in names_in(value)} & tried
    measured = any(_measures(call, whole) for call in calls)
    return f"tries seeds by {min(seeds)}" if seeds and measured else ""


def _choices(node: ast.AST, whole: Whole) -> list[str]:
    """How a loop that trains or measures, or a pick that tries things, decides by the test part."""
    if isinstance(node, Loop):
        inside = any(_measures(item, whole) for item in ast.walk(node)) or trains(node.body, whole.trainers | FITTERS)
        found = _decisions(node, whole) if inside else []
        within = [text for inner in loops_in(node) for text in _choices(inner, whole)] if found else []
        return [text for text in found if text not in within]
    if isinstance(node, ast.Call) and callee(node) in _PICKERS and any(_bound(node)):
        measures = [call for call in ast.walk(node) if isinstance(call, ast.Call) and _measures(call, whole)]
        names = [name for call in measures for name in _given_names(call) if _is_test(whole, name)]
        return [f"chooses by {min(names)}"] if names else []
    return []


def _decisions(loop: Loop, whole: Whole) -> list[str]:
    is_part = partial(_is_test, whole)
    chosen, scheduled = decides_by(loop, is_part, whole.records), steps_by(loop, is_part)
    return [
        *([f"chooses by {chosen}"] if chosen else []),
        *([f"sets the learning rate by {scheduled}"] if scheduled else []),
    ]


def _measures(node: ast.AST, whole: Whole) -> bool:
    return isinstance(node, ast.Call) and (callee(node) in _MEASURES or is_metric_name(callee(node), whole.metric))


def _is_test(whole: Whole, name: str) -> bool:
    return is_test(name) or name in whole.data.tests


def _given_names(call: ast.Call) -> Iterator[str]:
    return (name for item in (*call.args, *call.keywords) for name in names_in(item))


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
