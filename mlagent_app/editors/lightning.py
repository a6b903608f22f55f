"""What a PyTorch Lightning trainer watches while it trains, beside the data that its score is reported on."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence

from mlagent_app.editors.datasets import Part, Parts, is_made, label, shared
from mlagent_app.editors.facts import Fact
from mlagent_app.editors.measuring import Function
from mlagent_app.editors.names import callee

_PACKAGES = frozenset({"lightning", "pytorch_lightning"})
# What each makes of the part that is watched.
_WAYS = {"EarlyStopping": "stops by", "ModelCheckpoint": "keeps the best by", "ReduceLROnPlateau": "sets the learning rate by"}
# At which place a callback takes the name of what it goes by.
_MONITORS = {"EarlyStopping": 0, "ModelCheckpoint": 2}
# Arguments of a trainer by which it measures some batches alone; the one of the validation matters where no test follows.
_LIMITS = frozenset({"limit_test_batches", "limit_predict_batches", "overfit_batches", "fast_dev_run"})
_VALIDATION_LIMIT = "limit_val_batches"
# The method of a data module that gives what each measures.
_GIVERS = {"test": "test_dataloader", "validate": "val_dataloader"}
_ALL_GIVERS = frozenset({"train_dataloader", *_GIVERS.values()})


def is_lightning(nodes: Sequence[ast.AST]) -> bool:
    """Whether a file uses Lightning."""
    modules = [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    modules += [item.name for node in nodes if isinstance(node, ast.Import) for item in node.names]
    return any(name.partition(".")[0] in _PACKAGES for name in modules)


def lightning_facts(nodes: Sequence[ast.AST]) -> frozenset[Fact]:
    """That a trainer learns from what is reported, stops, goes back or slows down by it, or measures some of it alone."""
    parts = Parts(nodes)
    told = parts.of_all(reported(nodes))
    found = [*_limits(nodes)]
    found += [("leak", "", f"trains on {part}") for part in _both(parts.of_all(_learned(nodes)), parts.with_sources(told))]
    for part in _both(parts.of_all(_watched(nodes)), told):
        found += [("leak", way, f"{_WAYS[way]} {part}") for way in _ways(nodes)]
    return frozenset(found)


def _both(some: Iterable[Part], others: Iterable[Part]) -> list[str]:
    """The labels of what both hold; of a loader, those of the data in it."""
    both = shared(some, others)
    return [label(part) for part in both if not is_made(part)] or [label(part) for part in both]


def reported(nodes: Sequence[ast.AST]) -> list[ast.expr]:
    """What the last test is given, or the last validation; without any, what is watched in the training."""
    last = max(_measurements(nodes), key=lambda call: (call.lineno, call.col_offset), default=None)
    if last is None:
        return _watched(nodes)
    given = _argument(last, 1, "dataloaders")
    if given is None or _is_module(given, nodes):
        return _given_by(nodes, _GIVERS[callee(last)])
    return _loaders(given, nodes)


def _learned(nodes: Sequence[ast.AST]) -> list[ast.expr]:
    """What trainings are given to learn from."""
    found: list[ast.expr] = []
    for call in _methods(nodes, "fit"):
        given = _argument(call, 1, "train_dataloaders")
        if given is None or _is_module(given, nodes):
            found += _given_by(nodes, "train_dataloader")
        else:
            found += _loaders(given, nodes)
    return found


def _watched(nodes: Sequence[ast.AST]) -> list[ast.expr]:
    """What trainings are given to validate by."""
    found: list[ast.expr] = []
    for call in _methods(nodes, "fit"):
        given = _argument(call, 2, "val_dataloaders")
        found += _given_by(nodes, "val_dataloader") if given is None else _loaders(given, nodes)
    return found


def _loaders(given: ast.expr, nodes: Sequence[ast.AST]) -> list[ast.expr]:
    """An argument itself, or what the method of a data module returns that it calls."""
    return (_given_by(nodes, callee(given)) if isinstance(given, ast.Call) else []) or [given]


def _measurements(nodes: Sequence[ast.AST]) -> list[ast.Call]:
    return _methods(nodes, "test") or _methods(nodes, "validate")


def _methods(nodes: Sequence[ast.AST], name: str) -> list[ast.Call]:
    """Calls of a method of that name on what is called a trainer."""
    return [
        node
        for node in nodes
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == name
        and ast.unparse(node.func.value).lower().endswith(("trainer", "trainer)"))
    ]


def _argument(call: ast.Call, place: int, name: str) -> ast.expr | None:
    named = next((word.value for word in call.keywords if word.arg == name), None)
    return named if named is not None else call.args[place] if len(call.args) > place else None


def _is_module(given: ast.expr, nodes: Sequence[ast.AST]) -> bool:
    """Whether what a trainer is given is, or is called like, an instance of a class of the file that gives loaders."""
    classes = {
        node.name
        for node in nodes
        if isinstance(node, ast.ClassDef) and any(isinstance(item, Function) and item.name in _ALL_GIVERS for item in node.body)
    }
    made = {
        ast.unparse(target)
        for node in nodes
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and callee(node.value) in classes
        for target in node.targets
    }
    return ast.unparse(given) in made or (isinstance(given, ast.Call) and callee(given) in classes)


def _given_by(nodes: Sequence[ast.AST], name: str) -> list[ast.expr]:
    """What methods of that name return."""
    return [
        item.value
        for node in nodes
        if isinstance(node, Function) and node.name == name
        for item in ast.walk(node)
        if isinstance(item, ast.Return) and item.value is not None
    ]


def _ways(nodes: Sequence[ast.AST]) -> list[str]:
    """What is done by what is watched. A checkpoint matters where the best one is used."""
    made = {callee(node) for node in nodes if isinstance(node, ast.Call) and callee(node) in _WAYS and not _by_training(node)}
    slowed = [node for node in nodes if isinstance(node, ast.Dict) and _monitor(node).startswith("train")]
    if slowed:
        made.discard("ReduceLROnPlateau")
    if not any(_is_best(node) for node in nodes):
        made.discard("ModelCheckpoint")
    return sorted(made)


def _by_training(call: ast.Call) -> bool:
    """Whether a callback goes by the training's own loss, or a checkpoint by nothing at all."""
    called = callee(call)
    monitor = _argument(call, _MONITORS[called], "monitor") if called in _MONITORS else None
    if monitor is None:
        return called == "ModelCheckpoint"
    return isinstance(monitor, ast.Constant) and str(monitor.value).startswith("train")


def _monitor(table: ast.Dict) -> str:
    named = zip(table.keys, table.values, strict=True)
    values = (value for key, value in named if isinstance(key, ast.Constant) and key.value == "monitor")
    return next((str(value.value) for value in values if isinstance(value, ast.Constant)), "")


def _is_best(node: ast.AST) -> bool:
    match node:
        case ast.keyword(arg="ckpt_path", value=ast.Constant(value="best")):
            return True
        case ast.Attribute(attr="best_model_path" | "best_model_score"):
            return True
        case ast.Call(func=ast.Attribute(attr="test" | "validate"), args=[_, _, ast.Constant(value="best"), *_]):
            return True
        case _:
            return False


def _limits(nodes: Sequence[ast.AST]) -> Iterator[Fact]:
    words = _LIMITS if _methods(nodes, "test") else _LIMITS | {_VALIDATION_LIMIT}
    for node in nodes:
        if isinstance(node, ast.Call) and callee(node) == "Trainer":
            for word in node.keywords:
                if word.arg in words and not (isinstance(word.value, ast.Constant) and _is_all(word.value.value)):
                    yield "metric", "", f"{word.arg}={ast.unparse(word.value)}"


def _is_all(limit: object) -> bool:
    """`1.0` is the share of the batches, `1` their number."""
    return limit is None or limit is False or limit == 0 or (isinstance(limit, float) and limit == 1.0)
