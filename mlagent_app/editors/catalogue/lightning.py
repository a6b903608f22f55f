"""PyTorch Lightning: arguments of the trainer and its callbacks, weight averaging, a schedule in `configure_optimizers`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from mlagent_app.editors.base import Replacement
from mlagent_app.editors.catalogue.following import keyword
from mlagent_app.editors.catalogue.grammar import Phrase
from mlagent_app.editors.catalogue.offers import Change, Offer
from mlagent_app.editors.catalogue.source import Call, Function, Source, is_function
from mlagent_app.editors.catalogue.torch_loop import EPOCHS
from mlagent_app.editors.catalogue.torch_script import TorchScript, torch_script
from mlagent_app.editors.catalogue.values import floats, ints

_PACKAGES = ("lightning", "pytorch_lightning")
_CLIPS = floats(0.1, 0.5, 1.0, 5.0, low=0.0, high=1000.0)
_PATIENCE = ints(2, 3, 5, 10, 20, 30, low=1)
_SCHEDULES = (("CosineAnnealingLR", "T_max={n}"), ("StepLR", "step_size=max(1, {n} // 3), gamma=0.3"))


def lightning_arguments(source: Source) -> Iterator[Offer]:
    """`set max_epochs of Trainer to 20`, `set gradient_clip_val of Trainer to 1.0`, `set patience of EarlyStopping to 5`."""
    if not any(source.imported(package) for package in _PACKAGES):
        return
    script = torch_script(source)
    for call in _calls(source, "Trainer"):
        epochs = script.setting(call, "max_epochs", None, EPOCHS, 1, "epochs")
        if epochs is not None and epochs.start != epochs.end:
            yield epochs
        clipping = script.setting(call, "gradient_clip_val", None, _CLIPS, None, "gradient-clipping")
        if clipping is not None:
            yield clipping
        yield from _averaging(script, call)
    for call in _calls(source, "EarlyStopping"):
        patience = script.setting(call, "patience", 2, _PATIENCE, 3, "patience")
        if patience is not None:
            yield patience


def _calls(source: Source, short: str) -> list[Call]:
    return [call for call in source.calls if call.short == short and call.root in _PACKAGES]


def _averaging(script: TorchScript, trainer: Call) -> Iterator[Offer]:
    """`train with the callback StochasticWeightAveraging`."""
    source = script.source
    if any(call.short == "StochasticWeightAveraging" for call in source.calls):
        return
    package = "lightning.pytorch" if trainer.root == "lightning" else trainer.root
    named = script.naming(f"{package}.callbacks.StochasticWeightAveraging")
    if named is None:
        return
    code = f"{named.name}(swa_lrs=0.01)"
    given = keyword(trainer.node, "callbacks")
    written = script.follower.origin(given, trainer.scope) if given is not None else None
    made: Replacement | None = None
    if given is None:
        made = script.follower.adding(trainer.node, f"callbacks=[{code}]")
    elif isinstance(written, ast.List):
        made = _appended(source, written, code)
    if made is not None:
        parts = (*named.replacements, made)
        phrase = Phrase("callback", ("StochasticWeightAveraging",))
        yield Change(phrase, "weight-averaging", parts, source.span(trainer.node)[0], "callback")


def _appended(source: Source, items: ast.List, code: str) -> Replacement:
    """One more element at the end of a list, in the style of its lines."""
    if not items.elts:
        end = source.span(items)[1] - 1
        return Replacement(end, end, code)
    start, end = source.span(items.elts[-1])
    margin = source.text[source.line_start(start) : start]
    joint = f",{source.newline}{margin}" if not margin.strip() else ", "
    return Replacement(end, end, joint + code)


def lightning_schedule(source: Source) -> Iterator[Offer]:
    """`schedule the learning rate with CosineAnnealingLR` where `configure_optimizers` returns a bare optimiser."""
    if not any(source.imported(package) for package in _PACKAGES):
        return
    script = torch_script(source)
    trainers = _calls(source, "Trainer")
    if trainers and not all(keyword(call.node, "max_epochs") is not None for call in trainers):
        return
    for node in source.scopes:
        if is_function(node) and node.name == "configure_optimizers":
            yield from _scheduled(script, node)


def _scheduled(script: TorchScript, function: Function) -> Iterator[Offer]:
    source = script.source
    last = function.body[-1]
    if not isinstance(last, ast.Return) or last.value is None or "lr_scheduler" in source.segment(function):
        return
    returned = last.value
    is_call = any(item.call.node is returned for item in script.optimisers)
    is_name = isinstance(returned, ast.Name) and any(item.target == returned.id for item in script.optimisers)
    if not (is_call or is_name):
        return
    optimiser = "optimizer" if is_call else source.segment(returned)
    start, end = source.span(last)
    margin = source.text[source.line_start(start) : start]
    joint = source.newline + margin
    if margin.strip():
        return
    for short, arguments in _SCHEDULES:
        named = script.naming(f"torch.optim.lr_scheduler.{short}")
        if named is None:
            continue
        made = f"scheduler = {named.name}({optimiser}, {arguments.format(n='self.trainer.max_epochs')})"
        closing = f"{made}{joint}return [{optimiser}], [scheduler]"
        parts = (
            (Replacement(start, start + len("return"), f"{optimiser} ="), Replacement(end, end, joint + closing))
            if is_call
            else (Replacement(start, end, closing),)
        )
        yield Change(Phrase("schedule", (short,)), "schedule", (*named.replacements, *parts), start, "configure_optimizers")
