"""PyTorch optimisers: their arguments, and one optimiser for another."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace

from mlagent_app.editors.base import Replacement
from mlagent_app.editors.catalogue.grammar import Phrase
from mlagent_app.editors.catalogue.offers import Change, Offer, Setting
from mlagent_app.editors.catalogue.source import Source
from mlagent_app.editors.catalogue.torch_script import Optimiser, TorchScript, torch_script
from mlagent_app.editors.catalogue.values import Domain, Value, flag, floats, number_text, same, words

LEARNING_RATES = floats(1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, low=1e-8, high=10.0)
_WEIGHT_DECAYS = floats(0.0, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, low=0.0, high=1.0)
_MOMENTA = floats(0.0, 0.8, 0.9, 0.95, 0.99, low=0.0, high=0.999)
_BETAS = words((0.9, 0.999), (0.9, 0.99), (0.9, 0.95), (0.8, 0.99), (0.95, 0.999))


@dataclass(frozen=True, slots=True)
class _Kind:
    """An optimiser class: its positional parameters after `params`, defaults, and the learning rates worth a try."""

    positions: tuple[str, ...]
    rates: tuple[float, ...]
    defaults: tuple[tuple[str, Value], ...]
    extra: tuple[str, ...] = ()

    def takes(self, name: str) -> bool:
        return name in self.positions or name in self.extra or name in ("foreach", "maximize", "differentiable")


_ADAM = ("lr", "betas", "eps", "weight_decay")
_BETA_DEFAULT: Value = (0.9, 0.999)
_ADAM_DEFAULTS: tuple[tuple[str, Value], ...] = (("lr", 1e-3), ("betas", _BETA_DEFAULT), ("weight_decay", 0.0))
_KINDS: dict[str, _Kind] = {
    "SGD": _Kind(
        ("lr", "momentum", "dampening", "weight_decay", "nesterov"),
        (0.1, 0.01),
        (("lr", 1e-3), ("momentum", 0.0), ("weight_decay", 0.0), ("nesterov", False)),
    ),
    "Adam": _Kind(_ADAM, (1e-3, 3e-3), _ADAM_DEFAULTS, ("amsgrad", "fused", "capturable")),
    "AdamW": _Kind(
        _ADAM,
        (1e-3, 3e-3),
        (("lr", 1e-3), ("betas", _BETA_DEFAULT), ("weight_decay", 1e-2)),
        ("amsgrad", "fused", "capturable"),
    ),
    "NAdam": _Kind(_ADAM, (2e-3,), (("lr", 2e-3), *_ADAM_DEFAULTS[1:])),
    "RAdam": _Kind(_ADAM, (), _ADAM_DEFAULTS),
    "Adamax": _Kind(_ADAM, (), (("lr", 2e-3), *_ADAM_DEFAULTS[1:])),
    "RMSprop": _Kind(
        ("lr", "alpha", "eps", "weight_decay", "momentum"),
        (1e-3,),
        (("lr", 1e-2), ("weight_decay", 0.0), ("momentum", 0.0)),
    ),
    "Adagrad": _Kind(("lr", "lr_decay", "weight_decay"), (), (("lr", 1e-2), ("weight_decay", 0.0))),
    "Adadelta": _Kind(("lr", "rho", "eps", "weight_decay"), (), (("lr", 1.0), ("weight_decay", 0.0))),
}
_DOMAINS: dict[str, tuple[Domain, str]] = {
    "lr": (LEARNING_RATES, "learning-rate"),
    "momentum": (_MOMENTA, "momentum"),
    "weight_decay": (_WEIGHT_DECAYS, "weight-decay"),
    "betas": (_BETAS, "betas"),
    "nesterov": (flag(), "momentum"),
}


def optimiser_arguments(source: Source) -> Iterator[Offer]:
    """`set lr of AdamW to 0.001` and its like."""
    if not source.imported("torch"):
        return
    script = torch_script(source)
    # A cycle sets the rate after every batch, whatever the optimiser was given.
    cycles = any(call.short in ("OneCycleLR", "CyclicLR") for call in source.calls)
    for optimiser in script.optimisers:
        kind = _KINDS.get(optimiser.call.short)
        for name, default in kind.defaults if kind else ():
            if name == "lr" and cycles:
                continue
            domain, family = _DOMAINS[name]
            position = kind.positions.index(name) + 1 if kind else None
            setting = script.setting(optimiser.call, name, position, domain, default, family)
            if setting is None:
                continue
            if name == "nesterov":
                yield from _nesterov(script, optimiser, setting)
            elif not (name == "momentum" and _uses_nesterov(script, optimiser)):
                yield setting
            else:
                # Nesterov momentum of 0 is an error.
                yield _without_zero(setting)


def _without_zero(setting: Setting) -> Setting:
    positive = [v for v in setting.domain.grid if isinstance(v, float) and v > 0]
    return replace(setting, domain=floats(*positive, low=0.1, high=0.999))


def _uses_nesterov(script: TorchScript, optimiser: Optimiser) -> bool:
    found = script.argument(optimiser.call, "nesterov", 5)
    return found.state == "opaque" or (found.literal is not None and found.literal.value is not False)


def _nesterov(script: TorchScript, optimiser: Optimiser, setting: Setting) -> Iterator[Offer]:
    """Nesterov needs a momentum: both are set at once where there is none."""
    momentum = script.argument(optimiser.call, "momentum", 2)
    if momentum.literal is not None and momentum.literal.value:
        yield setting
    gap = script.follower.gap(optimiser.call.node)
    if momentum.state != "absent" or setting.present is not False or setting.start != setting.end or gap is None:
        return
    yield Change(
        Phrase("pair", ("momentum", "SGD", "0.9", "nesterov", "True")),
        "momentum",
        (Replacement(gap.offset, gap.offset, gap.written("momentum=0.9", "nesterov=True")),),
        setting.anchor,
        "SGD",
    )


def optimiser_replacement(source: Source) -> Iterator[Offer]:
    """`replace SGD with AdamW using lr 0.001`: arguments that both take stay, the others go."""
    if not source.imported("torch") or any(call.short == "CyclicLR" for call in source.calls):
        return
    script = torch_script(source)
    for optimiser in script.optimisers:
        short = optimiser.call.short
        if short not in _KINDS:
            continue
        for new, kind in _KINDS.items():
            for rate in kind.rates if new != short else ():
                made = _replaced(script, optimiser, new, rate)
                if made is not None:
                    phrase = Phrase("replace-lr", (short, new, number_text(rate)))
                    yield Change(phrase, "optimiser", made, source.span(optimiser.call.node)[0], short)


def _replaced(script: TorchScript, optimiser: Optimiser, new: str, rate: float) -> tuple[Replacement, ...] | None:
    call = optimiser.call
    name = script.renamed(call, f"torch.optim.{new}")
    drops = _dropped(script, optimiser, _KINDS[new])
    lr = _learning_rate(script, optimiser, rate)
    if name is None or drops is None or lr is None:
        return None
    return tuple(sorted((*name, *drops, *lr)))


def _learning_rate(script: TorchScript, optimiser: Optimiser, rate: float) -> tuple[Replacement, ...] | None:
    """Sets the rate where it stands; an expression that is no plain value gives way to the number."""
    call = optimiser.call
    found = script.argument(call, "lr", 1)
    text = number_text(rate)
    if found.literal is not None:
        if same(found.literal.value, rate):
            return ()
        return (Replacement(found.literal.start, found.literal.end, text),)
    written = [word.value for word in call.node.keywords if word.arg == "lr"] + call.node.args[1:2]
    if any(word.arg is None for word in call.node.keywords):
        return None
    if written:
        return (Replacement(*script.source.span(written[0]), text),)
    gap = script.follower.gap(call.node)
    return (Replacement(gap.offset, gap.offset, f"{gap.prefix}lr={text}"),) if gap else None


def _dropped(script: TorchScript, optimiser: Optimiser, kind: _Kind) -> list[Replacement] | None:
    """The removals of arguments that the new class does not take; None when the call is not plain enough."""
    node = optimiser.call.node
    if any(isinstance(item, ast.Starred) for item in node.args) or any(word.arg is None for word in node.keywords):
        return None
    items: list[ast.expr | ast.keyword] = [*node.args, *node.keywords]
    gone = [item for index, item in enumerate(items) if _goes(item, index, kind)]
    return [without_argument(script.source, node, item) for item in gone]


def _goes(item: ast.expr | ast.keyword, index: int, kind: _Kind) -> bool:
    if isinstance(item, ast.keyword):
        return item.arg not in ("params", None) and not kind.takes(str(item.arg))
    # Positional arguments beyond the rate mean different things to different optimisers.
    return index >= 2


def without_argument(source: Source, call: ast.Call, item: ast.expr | ast.keyword) -> Replacement:
    """The replacement that takes one argument out of a call: its whole line where it stands alone on one."""
    text = source.text
    items: list[ast.expr | ast.keyword] = [*call.args, *call.keywords]
    start, end = source.span(item)
    line, stop = source.line_start(start), source.line_end(end)
    rest, lead = text[end:stop].split("#")[0].strip(), text[line:start].strip()
    if (lead, rest) in (("", ""), ("", ","), (",", "")):
        return Replacement(line, stop, "")
    before = items[items.index(item) - 1] if items.index(item) else None
    if before is not None:
        previous = source.span(before)[1]
        if "#" not in text[previous:start] and "\n" not in text[previous:start]:
            return Replacement(previous, end, "")
    comma = text.find(",", end, stop)
    if 0 <= comma and not text[end:comma].strip():
        end = comma + 1 + (len(text[comma + 1 : stop]) - len(text[comma + 1 : stop].lstrip(" ")))
    return Replacement(start, end, "")
