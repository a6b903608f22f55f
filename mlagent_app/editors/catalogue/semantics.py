"""What a setting's name says about its values: learning rates go by powers of ten, widths by powers of two, seeds never.

Constants, options, fields and configuration keys all use this table.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from mlagent_app.editors.catalogue.protected import is_never, name_words
from mlagent_app.editors.catalogue.values import Domain, Kind, Value, flag

Hint = Literal["int", "float", ""]

_FAR = (0.1, 0.3, 3.0, 10.0)
_NEAR = (0.5, 2.0)


@dataclass(frozen=True, slots=True)
class Meaning:
    """How a group of names varies: by `factors` of the present value, or over a fixed `grid`; numbers stay in `low`..`high`.

    `zero` is what is proposed where the present value is 0.
    """

    family: str
    names: str
    exact: str = ""
    whole: bool = False
    factors: tuple[float, ...] = ()
    grid: tuple[float, ...] = ()
    zero: tuple[float, ...] = ()
    low: float = 0.0
    high: float = math.inf


# The first pattern that matches the whole name (words joined by `_`) decides. `names` may follow other words (`base_lr`),
# `exact` must be the whole name.
MEANINGS: tuple[Meaning, ...] = (
    Meaning("accumulation", r"\w*accumulat\w*|accum_?(steps|iter)?", whole=True, factors=(2.0, 4.0), low=1, high=64),
    Meaning(
        "epochs",
        r"epochs?|iterations?|iters?|max_iter|n_iter|num_iter|boost_rounds?|rounds|steps",
        whole=True,
        factors=(0.5, 2.0, 3.0, 5.0),
        low=1,
    ),
    Meaning("batch-size", r"batch|batch_?size|bs", whole=True, factors=(0.25, 0.5, 2.0, 4.0), low=1, high=4096),
    Meaning(
        "learning-rate",
        r"(lr|learning_?rate|eta|step_size|lrate)(_init|_max|_base|0)?",
        factors=_FAR,
        zero=(1e-3, 1e-2),
        low=1e-7,
        high=10,
    ),
    Meaning("dropout", r"p_drop|drop(out)?(_p|_rate|_prob)?", grid=(0.0, 0.1, 0.2, 0.3, 0.5), high=0.9),
    Meaning(
        "weight-decay",
        r"weight_?decay|wd|l[12](_\w+)?|reg|reg_\w+|regulari[sz]ation|alpha|lambda|lambd?|ridge",
        exact=r"decay|gamma|c",
        factors=_FAR,
        zero=(1e-4, 1e-3, 1e-2),
        low=1e-8,
        high=1000,
    ),
    Meaning("momentum", r"momentum|beta_?1", grid=(0.0, 0.5, 0.8, 0.9, 0.95, 0.99), high=0.999),
    Meaning("label-smoothing", r"label_?smoothing", exact="smoothing", grid=(0.0, 0.05, 0.1, 0.2), high=0.5),
    Meaning(
        "width",
        r"hidden|(hidden|embed|embedding|emb|ff|latent)_?(dims?|size|units|width|channels)|units|width|neurons|filters",
        exact=r"d_model|d_ff|n_embd|nh|nhid|h_dim|embedding|embed",
        whole=True,
        factors=(0.5, 2.0, 4.0),
        low=1,
        high=1024,
    ),
    Meaning("trees", r"(n_?|num_?)?(estimators|trees)", whole=True, grid=(50, 100, 200, 300, 500, 800), low=1, high=800),
    Meaning("tree-depth", r"max_?depth", whole=True, grid=(3, 5, 8, 12, 20), low=1, high=64),
    Meaning("depth", r"(n_?|num_?)?(layers?|blocks)|depth", whole=True, grid=(1, 2, 3, 4, 6, 8), low=1, high=24),
    Meaning(
        "leaves", r"num_?leaves|max_?leaf_?nodes|max_?leaves", whole=True, grid=(7, 15, 31, 63, 127, 255), low=2, high=1024
    ),
    Meaning(
        "leaf-size",
        r"min_?samples_?(leaf|split)|min_?child_?(samples|weight)|min_?data_?in_?leaf|leaf_?size",
        whole=True,
        grid=(2, 5, 10, 20, 50),
        low=1,
        high=500,
    ),
    Meaning(
        "neighbours", r"(n_|k_|num_)?neighbou?rs|knn", exact="k", whole=True, grid=(1, 3, 5, 7, 11, 15, 25), low=1, high=200
    ),
    Meaning(
        "row-share",
        r"subsample|colsample\w*|(feature|bagging)_fraction|max_?samples",
        grid=(0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
        low=0.05,
        high=1,
    ),
    Meaning("patience", r"patience|early_stopping(_rounds)?", whole=True, factors=(0.5, 2.0, 4.0), low=1),
    Meaning(
        "gradient-clipping",
        r"(grad_?)?clip(_?norm|_?grad|_?value)?|max_?(grad_?)?norm",
        grid=(0.1, 0.5, 1.0, 5.0),
        low=0.01,
        high=100,
    ),
    Meaning("warm-up", r"warm_?up(_?(steps|epochs))?", whole=True, factors=(0.5, 2.0, 4.0), zero=(1, 5)),
    Meaning("features", r"max_?features|vocab_?size|(n_?)?components", whole=True, factors=_NEAR, low=1),
    Meaning("degree", r"degree", whole=True, grid=(1, 2, 3), low=1, high=4),
    Meaning("temperature", r"temperature|tau|margin|sigma|epsilon|eps", factors=(0.3, 0.5, 2.0, 3.0), low=1e-9),
    Meaning("heads", r"(n_?|num_?)?heads?", whole=True, grid=(1, 2, 4, 8), low=1, high=16),
)
# What their name says little of: a number in a comparison, a slice or a metric is left alone under these.
VAGUE = frozenset({"number", "neighbours", "temperature"})
_COMPILED = tuple((re.compile(rf"(?:(?:\w+_)?(?:{m.names})|{m.exact or '(?!)'})\Z"), m) for m in MEANINGS)
_SWITCH = re.compile(
    r"(use|with|enable|do)_\w+|normali[sz]e|standardi[sz]e|scale|augment(ation)?|early_stopping|bidirectional|bias|residual|"
    r"(batch|layer)_?norm|fit_intercept|bootstrap|balanced|weighted|cosine|ema|nesterov|amsgrad|lowercase|sublinear_tf|whiten|warm_start\Z"
)
_NO_SWITCH = frozenset("amp gpu cuda cache wandb tensorboard mlflow compile fp16 bf16".split())


@lru_cache(maxsize=4096)
def meaning_of(name: str) -> Meaning | None:
    """What the last part of a dotted name means; None when it says nothing or may never be set."""
    if is_never(name):
        return None
    flat = "_".join(name_words(name.rpartition(".")[2]))
    return next((meaning for pattern, meaning in _COMPILED if pattern.match(flat)), None)


def domain_of(name: str, value: Value, *, generic: bool, hint: Hint = "") -> tuple[str, Domain] | None:
    """The family and the domain of a named setting whose value is now `value`; None when it is not to be proposed.

    `generic`: also numbers whose name says nothing are halved and doubled. `hint` is the declared type where there is one
    (an int written for a float stays open to fractions).
    """
    if is_never(name):
        return None
    if isinstance(value, bool):
        return ("switch", flag()) if _is_switch(name) else None
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    meaning = meaning_of(name)
    if meaning is None or meaning.high <= 1 < value:  # a share above 1 is none: `smoothing: 2.0` is that of a filter
        if not generic or value == 0:
            return None
        meaning = Meaning("number", "", factors=_NEAR, low=-math.inf if value < 0 else 0.0)
    whole = hint == "int" or (hint == "" and isinstance(value, int) and (meaning.whole or meaning.family == "number"))
    if meaning.whole and not whole and meaning.family != "epochs" and not float(value).is_integer():
        return None
    return meaning.family, _domain(meaning, value, whole)


def _is_switch(name: str) -> bool:
    words = name_words(name.rpartition(".")[2])
    return bool(_SWITCH.match("_".join(words))) and not any(word in _NO_SWITCH for word in words)


def _domain(meaning: Meaning, value: float, whole: bool) -> Domain:
    low, high = meaning.low, meaning.high
    if meaning.family == "number" and 0 < value <= 1 and not whole:
        high = 1.0
    if value == 0:
        raw = meaning.zero or meaning.grid
    elif meaning.grid:
        raw = meaning.grid
    else:
        raw = tuple(value * factor for factor in meaning.factors)
        # A run must not take more than ten times what it takes now.
        high = min(high, 10 * abs(value)) if value > 0 else high
    tidied = {tidy(item, whole=whole) for item in raw}
    grid = sorted(item for item in tidied if low <= item <= high and item != value)
    kinds: frozenset[Kind] = frozenset({"int"}) if whole else frozenset({"float"})
    reach: Callable[..., float] = min if value < 0 else max
    bound = high if math.isfinite(high) else reach([*map(abs, grid), abs(value)], default=1.0)
    floor = low if math.isfinite(low) else -bound
    return Domain(tuple(grid), kinds, floor, bound, width=4)


def tidy(value: float, *, whole: bool) -> float:
    """Rounded to two significant digits, and to a whole number (at least 1 away from 0) where asked."""
    if value == 0 or not math.isfinite(value):
        return 0 if whole else 0.0
    digits = 1 - math.floor(math.log10(abs(value)))
    rounded = round(value, digits)
    if whole:
        if value == int(value) and abs(value) <= 4096:
            return int(value)
        return int(rounded) or int(math.copysign(1, value))
    return float(rounded)
