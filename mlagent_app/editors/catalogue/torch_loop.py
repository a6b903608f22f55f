"""The training loop of PyTorch: number of epochs, batch size, gradient clipping."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from mlagent_app.editors.base import Replacement
from mlagent_app.editors.catalogue.following import keyword
from mlagent_app.editors.catalogue.grammar import Phrase
from mlagent_app.editors.catalogue.offers import Change, Offer, Setting
from mlagent_app.editors.catalogue.shared_setting import SharedSetting
from mlagent_app.editors.catalogue.source import Binding, Call, Source
from mlagent_app.editors.catalogue.torch_script import Optimiser, TorchScript, torch_script
from mlagent_app.editors.catalogue.torch_steps import Step, training
from mlagent_app.editors.catalogue.values import floats, ints

# No more than about three times the present number is proposed: runs must not get out of hand.
EPOCHS = ints(*(1, 2, 3, 5, 8, 12, 20, 30, 50, 80, 120, 200, 300, 500, 800, 1200, 2000, 3000, 5000), high=100_000)
BATCH_SIZES = ints(4, 8, 16, 32, 64, 128, 256, 512, 1024, low=1, high=65_536)
_NORMS = floats(0.1, 0.25, 0.5, 1.0, 2.0, 5.0, low=0.001, high=1000.0)
_CLIPPERS = frozenset({"clip_grad_norm_", "clip_grad_value_", "clip_grad_norm"})
# What gives back the same parameters.
_KEEPERS = frozenset({"to", "cuda", "cpu", "float", "compile", "prepare", "DataParallel", "DistributedDataParallel", "DDP"})
_TRAIN_ONLY = ("train", "trn", "tr_")


def epochs(source: Source) -> Iterator[Offer]:
    """`set epochs to 20`: the number behind `range(...)` of the loop that trains."""
    if not source.imported("torch"):
        return
    script = torch_script(source)
    for loop in training(script.source).loops:
        found = script.literal(loop.stop, script.scope(loop.node))
        if found is not None and _is_count(found.value):
            anchor = source.span(loop.node)[0]
            yield Setting("epochs", "epochs", EPOCHS, found.value, found.start, found.end, anchor)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def batch_size(source: Source) -> Iterator[Offer]:
    """`set batch_size of DataLoader to 64` for loaders that train, and `set batch_size to 64` for batches cut by hand."""
    if not source.imported("torch"):
        return
    script = torch_script(source)
    loaders = [call for call in source.calls if call.short == "DataLoader" and call.name.startswith(("torch.", "DataLoader"))]
    for call in loaders:
        if _trains(script, call, only=len(loaders) == 1):
            setting = script.setting(call, "batch_size", 1, BATCH_SIZES, 1, "batch-size")
            if setting is not None and _is_count(setting.present):
                yield setting
    if not loaders:
        for loop in training(script.source).loops:
            setting = _cut_by_hand(script, loop.batches[0]) if loop.batches and isinstance(loop.batches[0], ast.For) else None
            if setting is not None and _is_count(setting.present):
                yield setting


def _trains(script: TorchScript, call: Call, *, only: bool) -> bool:
    shuffled = script.follower.argument(call, "shuffle", 2).literal
    sampled = any(word.arg in ("sampler", "batch_sampler") for word in call.node.keywords)
    statement = script.statement(call.node)
    around = script.function(call.node)
    name = (ast.unparse(statement.targets[0]) if isinstance(statement, ast.Assign) else "") + (around.name if around else "")
    if any(word.arg == "batch_sampler" for word in call.node.keywords) or "test" in name or "val" in name:
        return shuffled is not None and shuffled.value is True
    return (
        only
        or sampled
        or any(part in name.lower() for part in _TRAIN_ONLY)
        or (shuffled is not None and shuffled.value is True)
    )


def _cut_by_hand(script: TorchScript, loop: ast.For) -> Setting | None:
    """The size in `for i in range(0, n, size)` with `i : i + size`, and in `.split(size)`."""
    over = loop.iter
    if not isinstance(over, ast.Call):
        return None
    anchor, twins = script.source.span(loop)[0], list[ast.expr]()
    if isinstance(over.func, ast.Attribute) and over.func.attr == "split" and len(over.args) == 1:
        size = over.args[0]
    elif script.source.qualified(over.func) == "range" and len(over.args) == 3:
        size = over.args[2]
        sums = [node for node in ast.walk(loop) if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add)]
        twins = [
            node.right for node in sums if isinstance(size, ast.Constant) and ast.unparse(node.left) == ast.unparse(loop.target)
        ]
        if isinstance(size, ast.Constant) and (not twins or any(ast.unparse(twin) != ast.unparse(size) for twin in twins)):
            return None
    else:
        return None
    place = script.literal(size, script.scope(loop))
    if place is None:
        return None
    spans = tuple(script.source.span(twin) for twin in twins)
    return SharedSetting("batch_size", "batch-size", BATCH_SIZES, place.value, place.start, place.end, anchor, twins=spans)


def gradient_clipping(source: Source) -> Iterator[Offer]:
    """`clip gradients at 1.0` between the backward pass and the step, or another norm where it is done already."""
    if not source.imported("torch"):
        return
    script = torch_script(source)
    clippers = [call for call in source.calls if call.short in _CLIPPERS]
    for call in clippers:
        if call.short == "clip_grad_norm_":
            setting = script.setting(call, "max_norm", 1, _NORMS, 1.0, "gradient-clipping")
            if setting is not None and setting.start != setting.end:
                yield setting
    if clippers:
        return
    for step in training(script.source).steps:
        for norm in (1.0, 0.5, 5.0):
            made = _clipping(script, step, norm)
            if made is not None:
                anchor = source.span(step.statement)[0]
                yield Change(Phrase("clip", (str(norm),)), "gradient-clipping", made, anchor, "training step")


def _clipping(script: TorchScript, step: Step, norm: float) -> tuple[Replacement, ...] | None:
    accelerator = _accelerator(script, step)
    parameters = _parameters(script, step)
    if accelerator:
        lines = (f"{accelerator}.clip_grad_norm_({parameters}, {norm})",)
        return (script.before(step.statement, *lines),)
    named = script.naming("torch.nn.utils.clip_grad_norm_")
    if named is None:
        return None
    unscale = (f"{step.scaler}.unscale_({step.optimiser})",) if step.scaler and "unscale_" not in script.source.text else ()
    return (*named.replacements, script.before(step.statement, *unscale, f"{named.name}({parameters}, {norm})"))


def _accelerator(script: TorchScript, step: Step) -> str:
    """The accelerator behind `accelerator.backward(loss)`, empty for `loss.backward()`."""
    call = step.backward.value if isinstance(step.backward, ast.Expr) else None
    if (
        isinstance(call, ast.Call)
        and call.args
        and isinstance(call.func, ast.Attribute)
        and script.source.imported("accelerate")
    ):
        return ast.unparse(call.func.value)
    return ""


def _parameters(script: TorchScript, step: Step) -> str:
    """Code for exactly what the optimiser of the step updates: all of one model where that is certain."""
    makers = [optimiser for optimiser in script.optimisers if optimiser.target == step.optimiser]
    owners = {_owner(script, maker, step, len(makers)) for maker in makers}
    owner = owners.pop() if len(owners) == 1 else ""
    return f"{owner}.parameters()" if owner else f'[p for g in {step.optimiser}.param_groups for p in g["params"]]'


def _owner(script: TorchScript, maker: Optimiser, step: Step, makers: int) -> str:
    """The `X` of `SGD(X.parameters(), ...)` when it is the same model at the step; empty for any other first argument."""
    call = maker.call.node
    given = call.args[0] if call.args else keyword(call, "params")
    if not isinstance(given, ast.Call) or not isinstance(given.func, ast.Attribute) or given.func.attr != "parameters":
        return ""
    if given.args or given.keywords:
        return ""
    owner = ast.unparse(given.func.value)
    stays = _stays(script, maker.target, maker, step, makers) and _stays(script, owner, maker, step, 1)
    return owner if stays and "add_param_group" not in script.source.attribute_names else ""


def _stays(script: TorchScript, text: str, maker: Optimiser, step: Step, times: int) -> bool:
    """Whether a name or an attribute of `self` is the same thing where the optimiser is made and at the step.

    That is when both see the one variable and it is set `times` times, not counting what moves or wraps what it was.
    """
    head, _, attribute = text.partition(".")
    if attribute:
        inside = script.owner_class(maker.statement)
        here = inside is not None and inside is script.owner_class(step.statement)
        return head == "self" and here and script.source.stored_attributes[attribute] == times
    holder = script.follower.holder(head, script.scope(maker.statement))
    if holder is None or holder is not script.follower.holder(head, script.scope(step.statement)):
        return False
    return sum(not _is_kept(script, head, binding) for binding in holder.bindings[head]) == times


def _is_kept(script: TorchScript, name: str, binding: Binding) -> bool:
    """Whether this is an assignment such as `model = model.to(device)` or `model, opt = accelerator.prepare(model, opt)`."""
    statement = script.statement(binding.node)
    value = statement.value if isinstance(statement, ast.Assign) else None
    if not isinstance(value, ast.Call):
        return False
    function = value.func
    method = function.attr if isinstance(function, ast.Attribute) else ast.unparse(function)
    return method in _KEEPERS and any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(value))
