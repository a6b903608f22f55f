"""Keep the parameters of the best validation epoch in memory and go back to them after the epoch loop.

Only where a validation metric chooses and something else, the test part, is measured afterwards: choosing by the number
that is reported would be a gain on paper.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from mlagent_app.agent.metrics import direction_of
from mlagent_app.editors.catalogue.grammar import Phrase
from mlagent_app.editors.catalogue.offers import Change, Offer
from mlagent_app.editors.catalogue.source import Source
from mlagent_app.editors.catalogue.torch_schedule import validation_metric
from mlagent_app.editors.catalogue.torch_script import TorchScript, torch_script
from mlagent_app.editors.catalogue.torch_steps import EpochLoop, training

_TEST = re.compile(r"(\A|_)(test\w*|te|tst|holdout)(_|\Z)", re.IGNORECASE)


def keep_best(source: Source) -> Iterator[Offer]:
    """`keep the best checkpoint`."""
    if not source.imported("torch") or "state_dict" in source.text:
        return
    script = torch_script(source)
    for loop in training(script.source).loops:
        metric, model = validation_metric(loop.node), trained_model(script, loop)
        if not metric or not model or _names_test(loop.node) or not _tests_after(script, loop, model):
            continue
        worst, sign = ("-inf", ">") if direction_of(metric) == "max" else ("inf", "<")
        if not script.free("best_metric", "best_state") or loop.node.orelse:
            continue
        quote, indent = source.quote, source.indent
        state = f"{{k: v.detach().clone() for k, v in {model}.state_dict().items()}}"
        start = script.before(loop.node, f"best_metric, best_state = float({quote}{worst}{quote}), {model}.state_dict()")
        inside = script.after(
            loop.node.body[-1],
            f"if {metric} {sign} best_metric:",
            f"{indent}best_metric, best_state = {metric}, {state}",
        )
        end = script.after(loop.node, f"{model}.load_state_dict(best_state)")
        if inside is None or end is None:
            continue
        # Both insertions may fall on one place; the text inside the loop comes first.
        yield Change(Phrase("keep-best"), "checkpoint", (start, inside, end), source.span(loop.node)[0], "checkpoint")


def trained_model(script: TorchScript, loop: EpochLoop) -> str:
    """The model's name, as the optimiser in the scope of the loop is given its parameters."""
    here = script.function(loop.node)
    for item in script.optimisers:
        arguments = [*item.call.node.args[:1], *(word.value for word in item.call.node.keywords if word.arg == "params")]
        for given in arguments:
            if isinstance(given, ast.Call) and isinstance(given.func, ast.Attribute) and given.func.attr == "parameters":
                owner = given.func.value
                if isinstance(owner, ast.Name) and script.function(item.statement) is here:
                    return owner.id
    return ""


def _names_test(node: ast.AST) -> bool:
    """Whether code (not text) of the loop names a test part: then the choice would see it."""
    names = (n.id if isinstance(n, ast.Name) else n.attr for n in ast.walk(node) if isinstance(n, (ast.Name, ast.Attribute)))
    return any(_TEST.search(name) for name in names)


def _tests_after(script: TorchScript, loop: EpochLoop, model: str) -> bool:
    """Whether the model is used on a test part after the loop."""
    block = script.block(loop.node)
    later = block[block.index(loop.node) + 1 :]
    return any(_names_test(item) and any(isinstance(n, ast.Name) and n.id == model for n in ast.walk(item)) for item in later)
