"""Learning-rate schedules of PyTorch: add one, change its arguments, replace it, remove it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from mlagent_app.agent.metrics import direction_of
from mlagent_app.editors.base import Replacement
from mlagent_app.editors.catalogue.grammar import Phrase
from mlagent_app.editors.catalogue.offers import Change, Offer
from mlagent_app.editors.catalogue.source import Call, Source
from mlagent_app.editors.catalogue.torch_optimizer import LEARNING_RATES
from mlagent_app.editors.catalogue.torch_script import TorchScript, torch_script
from mlagent_app.editors.catalogue.torch_steps import EpochLoop, training
from mlagent_app.editors.catalogue.values import Domain, Value, floats, ints, number_text

_MODULE = "torch.optim.lr_scheduler"
_FAMILY = "schedule"
_VALIDATION = re.compile(r"(\A|_)(val|valid|validation|dev|eval)(_|\Z)", re.IGNORECASE)
_FIXED = {"CosineAnnealingLR", "StepLR", "ExponentialLR", "MultiStepLR", "LinearLR", "ReduceLROnPlateau"}

# Arguments of schedules: position, domain, default.
_ARGUMENTS: dict[str, tuple[tuple[str, int, Domain, Value], ...]] = {
    "StepLR": (
        ("step_size", 1, ints(1, 2, 3, 5, 10, 15, 20, 30, 50, high=10_000), None),
        ("gamma", 2, floats(0.1, 0.2, 0.3, 0.5, 0.7, 0.9, low=0.001, high=1.0), 0.1),
    ),
    "MultiStepLR": (("gamma", 2, floats(0.1, 0.2, 0.3, 0.5, 0.7, low=0.001, high=1.0), 0.1),),
    "ExponentialLR": (("gamma", 1, floats(0.8, 0.9, 0.95, 0.98, 0.99, low=0.001, high=1.0), None),),
    "CosineAnnealingLR": (("eta_min", 2, floats(0.0, 1e-6, 1e-5, 1e-4, low=0.0, high=1.0), 0.0),),
    "CosineAnnealingWarmRestarts": (
        ("T_0", 1, ints(2, 5, 10, 20, 50, low=1), None),
        ("T_mult", 2, ints(1, 2, 3), 1),
    ),
    "OneCycleLR": (
        ("max_lr", 1, LEARNING_RATES, None),
        ("pct_start", 4, floats(0.05, 0.1, 0.2, 0.3, 0.5, low=0.01, high=0.9), 0.3),
    ),
    "ReduceLROnPlateau": (
        ("factor", 2, floats(0.1, 0.2, 0.3, 0.5, 0.7, low=0.01, high=0.99), 0.1),
        ("patience", 3, ints(1, 2, 3, 5, 10, 20, low=0), 10),
    ),
}


def schedule_arguments(source: Source) -> Iterator[Offer]:
    """`set gamma of StepLR to 0.5` and its like."""
    if not source.imported("torch"):
        return
    script = torch_script(source)
    for call in source.calls:
        if call.name.startswith(_MODULE):
            for name, position, domain, default in _ARGUMENTS.get(call.short, ()):
                family = "learning-rate" if name == "max_lr" else _FAMILY
                setting = script.setting(call, name, position, domain, default, family)
                if setting is not None and setting.present is not None:
                    yield setting


def schedule_insertion(source: Source) -> Iterator[Offer]:
    """`schedule the learning rate with CosineAnnealingLR`: made before the epoch loop, stepped at the end of its body."""
    if not source.imported("torch") or _has_schedule(source):
        return
    script = torch_script(source)
    for loop in training(script.source).loops:
        optimiser = _optimiser_at(script, loop)
        last = loop.node.body[-1]
        taken = not script.free("scheduler") or source.stored_attributes["scheduler"] > 0
        if not optimiser or not loop.epochs or loop.node.orelse or taken:
            continue
        name = f"{optimiser.rpartition('.')[0]}.scheduler" if "." in optimiser else "scheduler"
        for short, arguments, metric in _proposals(script, loop):
            made = script.naming(f"{_MODULE}.{short}")
            end = script.after(last, f"{name}.step({metric})")
            if made is None or end is None:
                continue
            start = script.before(loop.node, f"{name} = {made.name}({optimiser}, {arguments})")
            parts = (*made.replacements, start, end)
            yield Change(Phrase("schedule", (short,)), _FAMILY, parts, source.span(loop.node)[0], "epoch loop")
        yield from _one_cycle(script, loop, optimiser, name)


def _proposals(script: TorchScript, loop: EpochLoop) -> Iterator[tuple[str, str, str]]:
    """Class, arguments after the optimiser, and what `step` is given."""
    epochs = loop.epochs
    simple = re.fullmatch(r"[\w.\[\]\"']+", epochs) is not None
    count = script.literal(loop.stop, script.scope(loop.node))
    number = count.value if count and isinstance(count.value, int) else 0
    yield "CosineAnnealingLR", f"T_max={epochs}", ""
    part = epochs if simple else f"({epochs})"
    third = str(max(1, number // 3)) if re.fullmatch(r"\d+", epochs) else f"max(1, {part} // 3)"
    yield "StepLR", f"step_size={third}, gamma=0.3", ""
    if number >= 5:
        warm = min(10, max(2, number // 10))
        yield "LinearLR", f"start_factor=0.1, total_iters={warm}", ""
    metric = validation_metric(loop.node)
    if metric:
        quote = script.source.quote
        direction = direction_of(metric) or "min"
        patience = min(5, max(1, number // 5)) if number else 3
        yield "ReduceLROnPlateau", f"mode={quote}{direction}{quote}, factor=0.5, patience={patience}", metric


def validation_metric(loop: ast.For) -> str:
    """The name of a validation metric that every round of the loop computes; empty when there is none, or not just one."""
    names: dict[str, None] = {}
    for statement in loop.body:
        targets: list[ast.expr] = []
        if isinstance(statement, ast.Assign):
            targets = [part for goal in statement.targets for part in (goal.elts if isinstance(goal, ast.Tuple) else [goal])]
        elif isinstance(statement, ast.With):
            targets = [goal for item in statement.body if isinstance(item, ast.Assign) for goal in item.targets]
        for goal in targets:
            if isinstance(goal, ast.Name) and _VALIDATION.search(goal.id) and direction_of(goal.id):
                names[goal.id] = None
    ordered = sorted(names, key=lambda name: direction_of(name) == "min")
    return ordered[0] if ordered else ""


def _one_cycle(script: TorchScript, loop: EpochLoop, optimiser: str, name: str) -> Iterator[Offer]:
    """OneCycleLR steps after every batch, so the batches must be counted where the schedule is made."""
    loader = _loader(script, loop)
    rate = _rate(script, optimiser)
    made = script.naming(f"{_MODULE}.OneCycleLR")
    statement = loop.step.statement
    block = script.block(statement)
    if not loop.inline or not loader or made is None or not rate:
        return
    if loop.batches[:1] != tuple(script.ancestors(statement))[:1]:
        return
    end = script.after(statement, f"{name}.step()")
    if end is None or block is not getattr(loop.batches[0], "body", None):
        return
    arguments = f"max_lr={rate}, epochs={loop.epochs}, steps_per_epoch=len({loader})"
    start = script.before(loop.node, f"{name} = {made.name}({optimiser}, {arguments})")
    parts = (*made.replacements, start, end)
    yield Change(Phrase("schedule", ("OneCycleLR",)), _FAMILY, parts, script.source.span(loop.node)[0], "epoch loop")


def _loader(script: TorchScript, loop: EpochLoop) -> str:
    """The data loader that the batch loop runs over, where it can be named before the epoch loop."""
    if len(loop.batches) != 1 or not isinstance(loop.batches[0], ast.For):
        return ""
    over = loop.batches[0].iter
    while isinstance(over, ast.Call) and ast.unparse(over.func).rpartition(".")[2] in ("enumerate", "tqdm") and over.args:
        over = over.args[0]
    name = ast.unparse(over)
    makers = [c for c in script.source.calls if c.name == "torch.utils.data.DataLoader" and script.target(c.node) == name]
    named = isinstance(over, (ast.Name, ast.Attribute)) and ("loader" in name.lower() or bool(makers))
    assigned = {n.id for n in ast.walk(loop.node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return name if named and name.partition(".")[0] not in assigned else ""


def _rate(script: TorchScript, optimiser: str) -> str:
    """Three times the present rate, for the peak of a cycle."""
    for item in script.optimisers:
        found = script.argument(item.call, "lr", 1).literal if item.target == optimiser else None
        if found is not None and isinstance(found.value, (int, float)):
            return number_text(float(f"{3 * found.value:.2g}"))
    return ""


def _optimiser_at(script: TorchScript, loop: EpochLoop) -> str:
    """The optimiser as the scope of the loop names it; empty when it cannot be told."""
    if loop.inline:
        stepping = ast.parse(loop.step.optimiser, mode="eval").body
        bound = isinstance(stepping, ast.Name) and _assigned_in(loop.node, stepping.id)
        return "" if bound else loop.step.optimiser
    here = script.function(loop.node)
    for item in script.optimisers:
        same_scope = script.function(item.statement) is here or script.function(item.statement) is None
        if item.target.isidentifier() and same_scope and script.owner_class(item.statement) is None:
            return item.target
        same_class = script.owner_class(item.statement) is not None and script.owner_class(
            item.statement
        ) is script.owner_class(loop.node)
        if item.target.startswith("self.") and same_class and here is not None and here.args.args:
            return item.target
    return ""


def _assigned_in(loop: ast.For, name: str) -> bool:
    return any(isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Store) for n in ast.walk(loop))


def _schedules(source: Source) -> list[Call]:
    return [call for call in source.calls if call.name.startswith(_MODULE) and call.short[:1].isupper()]


def _has_schedule(source: Source) -> bool:
    helper = any(call.short.startswith("get_") and "schedule" in call.short for call in source.calls)
    manual = source.stored_attributes["lr_scheduler"] > 0 or re.search(r"param_groups|\[.lr.\]\s*\*?=", source.text) is not None
    return helper or manual or bool(_schedules(source))


def schedule_replacement(source: Source) -> Iterator[Offer]:
    """`replace StepLR with CosineAnnealingLR` where it steps once an epoch, and `remove StepLR`."""
    if not source.imported("torch"):
        return
    script = torch_script(source)
    for call in _schedules(source):
        target = script.target(call.node)
        statement = script.statement(call.node)
        if not target or statement is None or not call.node.args:
            continue
        uses = script.reads(target)
        steps = [found for node in uses if (found := _step_of(script, node)) is not None]
        anchor = source.span(call.node)[0]
        if len(steps) == len(uses) == 1 and not script.is_formatted(target):
            removed = [_gone(script, statement), _gone(script, steps[0])]
            if all(removed):
                parts = tuple(item for item in removed if item is not None)
                yield Change(Phrase("remove", (call.short,)), _FAMILY, parts, anchor, call.short)
        if len(steps) == 1:
            yield from _other(script, call, statement, steps[0])


def _other(script: TorchScript, call: Call, statement: ast.stmt, step: ast.stmt) -> Iterator[Offer]:
    """Another schedule in place of the present one, which must step at the end of an epoch without a metric."""
    value = step.value if isinstance(step, ast.Expr) else None
    loops = [loop for loop in training(script.source).loops if any(step is item for item in loop.node.body)]
    if not loops or not isinstance(value, ast.Call) or value.args or call.short not in _FIXED:
        return
    loop = loops[0]
    names = {n.id for n in ast.walk(loop.stop) if isinstance(n, ast.Name)}
    if script.function(statement) is not script.function(loop.node) and names:
        return
    for short, arguments, metric in _proposals(script, loop):
        named = script.renamed(call, f"{_MODULE}.{short}")
        if short == call.short or metric or named is None or _unbound(script, names, statement):
            continue
        # The arguments after the optimiser change as a whole: no two schedules share their meaning.
        begin = script.source.span(call.node.args[0])[1]
        close = script.source.span(call.node)[1] - 1
        parts = (*named, Replacement(begin, close, f", {arguments}"))
        yield Change(Phrase("replace", (call.short, short)), _FAMILY, parts, script.source.span(call.node)[0], call.short)


def _unbound(script: TorchScript, names: set[str], statement: ast.stmt) -> bool:
    """Whether a name gets its value only after the statement, in the same scope."""
    scope = script.scope(statement)
    at = script.source.span(statement)[0]
    for name in names:
        places = [
            script.source.span(b.node)[0]
            for b in scope.bindings.get(name, [])
            if isinstance(b.node, (ast.stmt, ast.expr, ast.arg))
        ]
        if places and min(places) > at:
            return True
    return False


def _step_of(script: TorchScript, use: ast.AST) -> ast.stmt | None:
    """The statement `scheduler.step(...)` that this use of the schedule is."""
    attribute = script.source.parents.get(use)
    call = script.source.parents.get(attribute) if attribute else None
    statement = script.source.parents.get(call) if call else None
    if isinstance(attribute, ast.Attribute) and attribute.attr == "step" and isinstance(call, ast.Call):
        return statement if isinstance(statement, ast.Expr) else None
    return None


def _gone(script: TorchScript, statement: ast.stmt) -> Replacement | None:
    """Takes a whole statement out, with its lines; None where it is not alone in them, or alone in its block."""
    if len(script.block(statement)) < 2:
        return None
    start, end = script.source.span(statement)
    line, stop = script.source.line_start(start), script.source.line_end(end)
    rest = script.source.text[end:stop].strip()
    if script.source.text[line:start].strip() or (rest and not rest.startswith("#")):
        return None
    return Replacement(line, stop, "")
