"""The training loss of PyTorch scripts: label smoothing, robust losses. A loss that also measures the model is left alone."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from mlagent_app.editors.catalogue.grammar import Phrase
from mlagent_app.editors.catalogue.offers import Change, Offer
from mlagent_app.editors.catalogue.source import Call, Source
from mlagent_app.editors.catalogue.torch_script import TorchScript, torch_script
from mlagent_app.editors.catalogue.torch_steps import training
from mlagent_app.editors.catalogue.values import floats

_SMOOTHING = floats(0.0, 0.05, 0.1, 0.2, low=0.0, high=0.5)
_ROBUST = ("SmoothL1Loss", "HuberLoss", "L1Loss", "MSELoss")
_ROBUST_FUNCTIONS = ("smooth_l1_loss", "huber_loss", "l1_loss", "mse_loss")
_KNOWN = frozenset({"CrossEntropyLoss", "cross_entropy", *_ROBUST, *_ROBUST_FUNCTIONS})
_MEASURING = re.compile(r"(\A|[._])(val|valid\w*|test\w*|eval\w*|validation)(_|\Z)")


def losses(source: Source) -> Iterator[Offer]:
    """`set label_smoothing of CrossEntropyLoss to 0.1`, `replace MSELoss with HuberLoss`."""
    if not source.imported("torch"):
        return
    script = torch_script(source)
    if not script.has_evaluation and not any(call.short == "Trainer" for call in source.calls):
        return
    for call in source.calls:
        if call.short in _KNOWN and call.name.startswith("torch.nn.") and _only_trains(script, call):
            if call.short in ("CrossEntropyLoss", "cross_entropy"):
                position = 5 if call.short == "CrossEntropyLoss" else 7
                setting = script.setting(call, "label_smoothing", position, _SMOOTHING, 0.0, "label-smoothing")
                if setting is not None:
                    yield setting
            yield from _others(script, call, _ROBUST)
            yield from _others(script, call, _ROBUST_FUNCTIONS)


def _others(script: TorchScript, call: Call, kinds: tuple[str, ...]) -> Iterator[Offer]:
    """Another regression loss with the same arguments, which all of them take."""
    if call.short not in kinds or any(word.arg not in ("reduction",) for word in call.node.keywords):
        return
    for new in kinds[:3]:
        made = script.renamed(call, f"{call.name.rpartition('.')[0]}.{new}")
        if new != call.short and made is not None:
            yield Change(Phrase("replace", (call.short, new)), "loss", made, script.source.span(call.node)[0], call.short)


def _only_trains(script: TorchScript, call: Call) -> bool:
    """Whether the loss is computed in training code alone, as far as the file shows."""
    if call.short[:1].islower():
        return not _use_measures(script, call.node.func)
    target = script.target(call.node) or _through_device(script, call.node)
    if not target:
        return False
    named = script.reads(target)
    measured = script.is_formatted(target) or any(_use_measures(script, node) for node in named)
    return bool(named) and not measured


def _through_device(script: TorchScript, node: ast.Call) -> str:
    """The target of `nn.CrossEntropyLoss().to(device)`."""
    attribute = script.source.parents.get(node)
    call = (
        script.source.parents.get(attribute)
        if isinstance(attribute, ast.Attribute) and attribute.attr in ("to", "cuda")
        else None
    )
    return script.target(call) if isinstance(call, ast.Call) else ""


def _measures(script: TorchScript, node: ast.AST) -> bool:
    """Whether a use stands outside training code, or gives a value a name that says so."""
    if script.evaluates(node) or not _trains(script, node):
        return True
    statement = script.statement(node)
    goals = (
        statement.targets
        if isinstance(statement, ast.Assign)
        else [statement.target]
        if isinstance(statement, ast.AugAssign)
        else []
    )
    after_eval = isinstance(statement, ast.stmt) and _follows_eval(script, statement)
    return after_eval or any(_MEASURING.search(ast.unparse(goal)) for goal in goals)


def _trains(script: TorchScript, node: ast.AST) -> bool:
    """Whether the code around takes a training step, or is named after training; `forward` serves evaluation too."""
    function = script.function(node)
    return (function is not None and "train" in function.name) or any(
        script.function(step.statement) is function for step in training(script.source).steps
    )


def _follows_eval(script: TorchScript, statement: ast.stmt) -> bool:
    """Whether the last switch of mode before the statement, in the blocks around it, is `model.eval()`."""
    at: ast.AST = statement
    while isinstance(at, ast.stmt):
        block = script.block(at)
        for item in reversed(block[: block.index(at)]):
            call = item.value if isinstance(item, ast.Expr) else None
            mode = call.func.attr if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) else ""
            if mode in ("eval", "train"):
                return mode == "eval"
        at = script.source.parents[at]
    return False


def _use_measures(script: TorchScript, node: ast.AST) -> bool:
    """Whether a use of the loss's name measures; a loss that is handed to another function may do so there."""
    parent = script.source.parents.get(node)
    if isinstance(parent, ast.Call) and parent.func is not node:
        return not _handed_to_training(script, parent)
    return _measures(script, node)


def _handed_to_training(script: TorchScript, call: ast.Call) -> bool:
    """Whether the function that is given the loss is one of this file that takes a training step and evaluates nothing."""
    name = script.source.qualified(call.func).rpartition(".")[2]
    if not any((f := script.function(step.statement)) and f.name == name for step in training(script.source).steps):
        return False
    inside = [c for c in script.source.calls if (f := script.function(c.node)) is not None and f.name == name]
    return not any(script.evaluates(c.node) or c.short == "eval" for c in inside)
