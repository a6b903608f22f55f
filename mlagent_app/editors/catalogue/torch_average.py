"""Average the parameters over the second half of the epochs, which steadies what a noisy optimiser ends at.

Stochastic weight averaging (Izmailov et al., arXiv 1803.05407), with PyTorch's own `AveragedModel`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from mlagent_app.editors.catalogue.grammar import Phrase
from mlagent_app.editors.catalogue.offers import Change, Offer
from mlagent_app.editors.catalogue.source import Source
from mlagent_app.editors.catalogue.torch_checkpoint import trained_model
from mlagent_app.editors.catalogue.torch_script import torch_script
from mlagent_app.editors.catalogue.torch_steps import training


def average_epochs(source: Source) -> Iterator[Offer]:
    """`average the last epochs`."""
    if not source.imported("torch") or "state_dict" in source.text or "swa_utils" in source.text:
        return
    script = torch_script(source)
    named = script.naming("torch.optim.swa_utils.AveragedModel")
    for loop in training(source).loops:
        model, counter = trained_model(script, loop), loop.node.target
        if named is None or not model or not isinstance(counter, ast.Name) or loop.node.orelse or not script.free("averaged"):
            continue
        if any(isinstance(node, (ast.Break, ast.Continue)) for node in ast.walk(loop.node)):
            continue  # it may end before the second half, with nothing averaged
        half = f"if 2 * {counter.id} + 2 > {_factor(loop.epochs)}:"
        start = script.before(loop.node, f"averaged = {named.name}({model}, use_buffers=True)")
        inside = script.after(loop.node.body[-1], half, f"{source.indent}averaged.update_parameters({model})")
        end = script.after(loop.node, f"{model}.load_state_dict(averaged.module.state_dict())")
        if inside is not None and end is not None:
            made = (*named.replacements, start, inside, end)
            yield Change(Phrase("average"), "checkpoint", made, source.span(loop.node)[0], "epochs")


def _factor(text: str) -> str:
    return text if text.replace("_", "").replace(".", "").isalnum() else f"({text})"
