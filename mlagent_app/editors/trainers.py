"""What a trainer learns from and watches, beside the data that its score is reported on: Hugging Face's, and Lightning's."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from mlagent_app.editors import lightning
from mlagent_app.editors.datasets import Part, Parts, is_made, label, shared
from mlagent_app.editors.facts import Fact
from mlagent_app.editors.lightning import is_lightning, lightning_facts
from mlagent_app.editors.names import callee, dotted, names_in, targets_of
from mlagent_app.editors.reported import TELLERS

# What each makes of the part that is watched.
_WAYS = {
    "load_best_model_at_end": "keeps the best by",
    "metric_for_best_model": "keeps the best by",
    "EarlyStoppingCallback": "stops by",
}
_PLACES = {"train_dataset": 3, "eval_dataset": 4}


def trainer_facts(tree: ast.Module) -> frozenset[Fact]:
    """That a trainer of a file learns from what is reported, or chooses a checkpoint by it; one fact for each way."""
    nodes = list(ast.walk(tree))
    if not _has_trainer(nodes):
        return frozenset()
    if is_lightning(nodes):
        return lightning_facts(nodes)
    parts = Parts(nodes)
    learned = parts.of_all(_settings(nodes, "train_dataset"))
    reported = parts.of_all(_reported(nodes))
    found: list[Fact] = [("leak", "", f"trains on {label(part)}") for part in shared(learned, parts.with_sources(reported))]
    for part in shared(parts.of_all(_watched(nodes)), reported):
        found += [("leak", way, f"{_WAYS[way]} {label(part)}") for way in _ways(nodes)]
    return frozenset(found)


def moved_report(old: ast.Module, new: ast.Module) -> Iterator[Fact]:
    """That a trainer's score is reported on other data, or on other rows of it, than before."""
    before, after = _measured_on(old), _measured_on(new)
    if before and after and before != after:
        told = [" and ".join(map(label, sorted(one - other or one))) for one, other in ((after, before), (before, after))]
        yield "metric", "", f"is measured on {told[0]}, not on {told[1]}"


def _measured_on(tree: ast.Module) -> frozenset[Part]:
    """Of a data set that a call makes, what it is made of: how it reads its rows may well change."""
    nodes = list(ast.walk(tree))
    if not _has_trainer(nodes):
        return frozenset()
    given = lightning.reported(nodes) if is_lightning(nodes) else _reported(nodes)
    return frozenset(part for part in Parts(nodes).of_all(given) if not is_made(part))


def _has_trainer(nodes: Sequence[ast.AST]) -> bool:
    return any(isinstance(node, ast.Call) and callee(node).endswith("Trainer") for node in nodes)


def _settings(nodes: Sequence[ast.AST], name: str) -> list[ast.expr]:
    """What a setting is given: as an argument, as an attribute, or in a dictionary of arguments."""
    found: list[ast.expr] = []
    for node in nodes:
        match node:
            case ast.Call(args=given) if callee(node).endswith("Trainer") and name in _PLACES:
                found += given[_PLACES[name] : _PLACES[name] + 1]
            case ast.Assign(targets=[ast.Attribute(attr=attribute)], value=value) if attribute == name:
                found.append(value)
            case ast.Dict(keys=keys, values=values):
                named = zip(keys, values, strict=True)
                found += [value for key, value in named if isinstance(key, ast.Constant) and key.value == name]
            case _:
                pass
        if isinstance(node, ast.Call):
            found += [word.value for word in node.keywords if word.arg == name]
    return [item for item in found if not (isinstance(item, ast.Constant) and not item.value)]


def _ways(nodes: Sequence[ast.AST]) -> list[str]:
    """By what a training is told to end or to go back; where the best is kept, by which measure is no second way."""
    keeping = [name for name in ("load_best_model_at_end", "metric_for_best_model") if _settings(nodes, name)][:1]
    stopping = [name for name in map(callee, _calls(nodes)) if name == "EarlyStoppingCallback"][:1]
    return [*keeping, *stopping]


def _watched(nodes: Sequence[ast.AST]) -> list[ast.expr]:
    """What is evaluated during the training; of several, named parts the one that the name of the measure names."""
    measures = [node.value for node in _settings(nodes, "metric_for_best_model") if isinstance(node, ast.Constant)]
    found: list[ast.expr] = []
    for given in _settings(nodes, "eval_dataset"):
        named = zip(given.keys, given.values, strict=True) if isinstance(given, ast.Dict) else ()
        chosen = [
            value
            for key, value in named
            if isinstance(key, ast.Constant) and any(f"{key.value}_" in str(measure) for measure in measures)
        ]
        found += chosen or [given]
    return found


# -- what is reported --------------------------------------------------------------------------------------------------


def _reported(nodes: Sequence[ast.AST]) -> list[ast.expr]:
    """What the last evaluation is given whose result is told; without one, what is evaluated during the training."""
    trainers = {
        name
        for node in nodes
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and callee(node.value).endswith("Trainer")
        for name in targets_of(node)
    }
    untold = set(_untold_predictions(nodes))
    evaluations = [
        call
        for call in _calls(nodes)
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in ("evaluate", "predict")
        and ((name := dotted(call.func.value).rpartition(".")[2]) in trainers or name.lower().endswith("trainer"))
        and call not in untold
    ]
    last = max(evaluations, key=lambda call: (call.lineno, call.col_offset), default=None)
    words = last.keywords if last else []
    given = [*(last.args[:1] if last else ()), *(w.value for w in words if w.arg in ("eval_dataset", "test_dataset"))]
    return given or _settings(nodes, "eval_dataset")


def _untold_predictions(nodes: Sequence[ast.AST]) -> Iterator[ast.Call]:
    """Predictions that nothing that is printed comes of, as those of rows without labels; an evaluation is logged at once."""
    told = {name for call in _calls(nodes) if callee(call) in TELLERS for name in names_in(call)}
    steps = [node for node in nodes if isinstance(node, ast.Assign)]
    size = -1
    while size != (size := len(told)):
        for node in steps:
            if told.intersection(targets_of(node)):
                told.update(names_in(node.value))
    for node in nodes:
        if isinstance(node, ast.Expr) or (isinstance(node, ast.Assign) and not told.intersection(targets_of(node))):
            value = node.value
            if isinstance(value, ast.Call) and callee(value) in TELLERS:
                continue
            yield from (call for call in ast.walk(value) if isinstance(call, ast.Call) and callee(call) == "predict")


def _calls(nodes: Sequence[ast.AST]) -> list[ast.Call]:
    return [node for node in nodes if isinstance(node, ast.Call)]
