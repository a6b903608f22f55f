"""The kind of model chosen by cross-validation on the training part: `choose the model by cross-validation`.

Which kind of model suits the data is seen in the data alone. A search over a few kinds, the standing one among them, sees
it, and costs one step instead of one for every replacement.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlagent_app.editors.base import Replacement
from mlagent_app.editors.catalogue.grammar import Phrase
from mlagent_app.editors.catalogue.imports import Naming, merged, naming
from mlagent_app.editors.catalogue.offers import Change, Offer
from mlagent_app.editors.catalogue.sklearn_models import (
    MODELS,
    SCALERS,
    SEARCH,
    STEP,
    Script,
    Standing,
    Task,
    introduced,
)
from mlagent_app.editors.catalogue.source import Source
from mlagent_app.editors.catalogue.tuning import scoring

FAMILY = "model-choice"
# Half of the rows to fit on and half to judge by, in turn: kinds differ by more than settings do, and some are slow.
FOLDS = 2
# A file with more models than this compares them itself.
MOST = 3
# Kinds that differ, each quick to fit, with the arguments that make it one worth trying (empty: those of a replacement).
_FOREST = "n_estimators=100"
_DENSE: dict[Task, tuple[tuple[str, str], ...]] = {
    "classification": (
        ("ExtraTreesClassifier", _FOREST),
        ("LogisticRegression", ""),
        ("SVC", "C=10"),
        ("KNeighborsClassifier", ""),
    ),
    "regression": (("ExtraTreesRegressor", _FOREST), ("Ridge", ""), ("SVR", "C=10"), ("KNeighborsRegressor", "")),
}
_SPARSE: dict[Task, tuple[tuple[str, str], ...]] = {
    "classification": (("LinearSVC", ""), ("LogisticRegression", ""), ("ExtraTreesClassifier", _FOREST)),
    "regression": (("Ridge", ""), ("ExtraTreesRegressor", _FOREST)),
}
# Forests are slow on many thousands of words, and these are not.
_TEXT: dict[Task, tuple[tuple[str, str], ...]] = {
    "classification": (("LinearSVC", ""), ("LogisticRegression", "C=10, max_iter=1000"), ("ComplementNB", "")),
    "regression": (("Ridge", ""),),
}


def choices(source: Source) -> Iterator[Offer]:
    """A search over kinds of models around each model of the script that has no search of its own."""
    if not source.imported("sklearn") or "precomputed" in source.text:
        return
    script = Script(source)
    if not script.can_wrap or len(script.models) > MOST:
        return
    for standing in script.models:
        if standing.known and not standing.searched:
            yield from _of_model(script, standing)


def _of_model(script: Script, standing: Standing) -> Iterator[Change]:
    source = script.source
    search, pipeline = naming(source, SEARCH), naming(source, "sklearn.pipeline.Pipeline")
    others = list(_others(script, standing))
    if search is None or pipeline is None or not others:
        return
    start, end = source.span(standing.call.node)
    step = f"{source.quote}{STEP}{source.quote}"
    outer = source.newline + source.margin(start)
    inner, deep = outer + source.indent, outer + 2 * source.indent
    listed = "".join(f"{deep}{other.name}," for other in others)
    opening = f"{search.name}({inner}{pipeline.name}([({step}, "
    rest = f"{inner}cv={FOLDS}{scoring(script, standing)},{outer})"
    closing = f")]),{inner}[{{}}, {{{step}: [{listed}{inner}]}}],{rest}"
    changes = (Replacement(start, start, opening), Replacement(end, end, closing))
    imports = merged(search.replacements, pipeline.replacements, *(other.replacements for other in others))
    yield Change(Phrase("choose"), FAMILY, (*imports, *changes), start, "the model")


def _others(script: Script, standing: Standing) -> Iterator[Naming]:
    """The models to choose among beside the standing one: the text of each, with its imports."""
    scaler = naming(script.source, "sklearn.preprocessing.StandardScaler")
    pipeline = naming(script.source, "sklearn.pipeline.make_pipeline")
    is_scaled = script.is_sparse or bool(script.classes & SCALERS)
    for name, arguments in _table(script, standing.task):
        model = MODELS[name]
        named = naming(script.source, f"{model.module}.{name}")
        if named is None or not script.needs <= model.traits or (name == standing.name and not arguments):
            continue
        text = introduced(script, standing, name, named.name, arguments)
        if is_scaled or "scaled" not in model.traits:
            yield Naming(text, named.replacements)
        elif scaler is not None and pipeline is not None:
            imports = merged(scaler.replacements, pipeline.replacements, named.replacements)
            yield Naming(f"{pipeline.name}({scaler.name}(), {text})", imports)


def _table(script: Script, task: Task) -> tuple[tuple[str, str], ...]:
    return (_TEXT if script.is_text else _SPARSE if script.is_sparse else _DENSE)[task]
