"""Mixed training examples (mixup, Zhang et al., arXiv 1710.09412): each with another one of its batch, and so their losses."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from mlagent_app.editors.base import Replacement
from mlagent_app.editors.catalogue.grammar import Phrase
from mlagent_app.editors.catalogue.offers import Change, Offer
from mlagent_app.editors.catalogue.source import Source
from mlagent_app.editors.catalogue.torch_batches import Batch, batch, takes_numbers
from mlagent_app.editors.catalogue.torch_script import TorchScript, torch_script

_CLASSES = frozenset("CrossEntropyLoss BCEWithLogitsLoss MSELoss SmoothL1Loss HuberLoss L1Loss".split())
_FUNCTIONS = frozenset("cross_entropy binary_cross_entropy_with_logits mse_loss smooth_l1_loss huber_loss l1_loss".split())
# What leaves the first axis, the examples, where it is.
_KEEPERS = frozenset("squeeze to float long cuda unsqueeze".split())


def mixup(source: Source) -> Iterator[Offer]:
    """`mix the training examples`: each is mixed with the one at its place from the end of the batch."""
    if not source.imported("torch") or not takes_numbers(source):
        return
    script, found = torch_script(source), batch(source)
    if found is None or found.is_shown(script) or not script.free("mixed", "share", "outputs_mixed"):
        return
    loss = _loss(script, found)
    if loss is None:
        return
    made = _mixing(script, found, loss)
    if made is not None:
        yield Change(Phrase("mix"), "augmentation", made, source.span(found.statement)[0], "training examples")


def _mixing(script: TorchScript, found: Batch, loss: ast.Assign) -> tuple[Replacement, ...] | None:
    source, torch, given = script.source, script.source.local_name("torch"), found.text(script.source)
    call = loss.value
    if not isinstance(call, ast.Call):
        return None
    measure, outputs, labels = source.segment(call.func), source.segment(call.args[0]), source.segment(call.args[1])
    lines = [
        f"share = {torch}.distributions.Beta(0.2, 0.2).sample().item()",
        f"mixed = share * {given} + (1 - share) * {given}.flip(0)",
    ]
    parts: list[Replacement] = []
    at, end = source.span(found.inputs)
    if found.statement is loss:
        start = source.span(call.args[0])[0]
        lines.append(f"outputs_mixed = {outputs[: at - start]}mixed{outputs[end - start :]}")
        outputs = "outputs_mixed"
    else:
        parts.append(Replacement(at, end, "mixed"))
    both = f"share * {measure}({outputs}, {labels}) + (1 - share) * {measure}({outputs}, {labels}.flip(0))"
    return (script.before(found.statement, *lines), *parts, Replacement(*source.span(call), both))


def _loss(script: TorchScript, found: Batch) -> ast.Assign | None:
    """The assignment of the loss of the step: a known loss of the network's answers and the labels, example by example."""
    names = {node.id for node in ast.walk(found.step.backward) if isinstance(node, ast.Name)}
    block = script.block(found.statement)
    for item in block[block.index(found.statement) :]:
        goal = item.targets[0] if isinstance(item, ast.Assign) and len(item.targets) == 1 else None
        if isinstance(item, ast.Assign) and isinstance(goal, ast.Name) and goal.id in names:
            return item if _is_known(script, item.value, found) else None
    return None


def _is_known(script: TorchScript, value: ast.expr, found: Batch) -> bool:
    if not isinstance(value, ast.Call) or len(value.args) != 2 or value.keywords:
        return False
    name = script.source.qualified(value.func)
    makers = [call for call in script.source.calls if script.target(call.node) == ast.unparse(value.func)]
    known = name.startswith("torch.") and name.rpartition(".")[2] in _FUNCTIONS
    if not known and not (makers and all(call.short in _CLASSES and not _weighs(call.node) for call in makers)):
        return False
    answers, labels = _core(value.args[0]), _core(value.args[1])
    if isinstance(found.statement, ast.Assign) and found.statement.value is not value:
        made = found.statement.targets[0]
        direct = _core(found.statement.value) is found.call
        own = isinstance(made, ast.Name) and isinstance(answers, ast.Name) and made.id == answers.id and direct
    else:
        own = answers is found.call
    return own and isinstance(labels, (ast.Name, ast.Subscript))


def _weighs(call: ast.Call) -> bool:
    return any(word.arg == "reduction" for word in call.keywords)


def _core(node: ast.expr) -> ast.expr:
    """What is left of `model(x).squeeze(1)` and `y.to(device)` without what keeps the examples in their order."""
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _KEEPERS:
        node = node.func.value
    return node
