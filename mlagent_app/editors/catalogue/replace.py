"""Replacing one class by another: models, scalers, vectorisers."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from mlagent_app.editors.base import Replacement
from mlagent_app.editors.catalogue.grammar import Phrase
from mlagent_app.editors.catalogue.imports import Naming, naming
from mlagent_app.editors.catalogue.offers import Change, Offer
from mlagent_app.editors.catalogue.sklearn_models import MODELS, SCALERS, Script, Standing, Task, introduced
from mlagent_app.editors.catalogue.source import Call, Source

# In order of promise; a file gets about this many replacements of models in all.
PER_FILE = 9
_DENSE: dict[Task, tuple[str, ...]] = {
    "classification": (
        "HistGradientBoostingClassifier",
        "ExtraTreesClassifier",
        "LogisticRegression",
        "SVC",
        "RandomForestClassifier",
        "KNeighborsClassifier",
        "MLPClassifier",
        "LinearDiscriminantAnalysis",
    ),
    "regression": (
        "HistGradientBoostingRegressor",
        "ExtraTreesRegressor",
        "Ridge",
        "SVR",
        "RandomForestRegressor",
        "GradientBoostingRegressor",
        "KNeighborsRegressor",
        "Lasso",
    ),
}
_SPARSE: dict[Task, tuple[str, ...]] = {
    "classification": (
        "LinearSVC",
        "LogisticRegression",
        "SGDClassifier",
        "RidgeClassifier",
        "ExtraTreesClassifier",
        "RandomForestClassifier",
        "SVC",
    ),
    "regression": ("Ridge", "ExtraTreesRegressor", "SVR", "RandomForestRegressor", "Lasso", "GradientBoostingRegressor"),
}
_TEXT_ONLY = ("ComplementNB", "MultinomialNB")
_SCALER_SWAPS = ("StandardScaler", "QuantileTransformer", "MinMaxScaler", "RobustScaler", "PowerTransformer")
# Both take these very arguments.
_RENAMED = {"CountVectorizer": "TfidfVectorizer", "TfidfVectorizer": "CountVectorizer"}
_TFIDF_ONLY = frozenset({"norm", "use_idf", "smooth_idf", "sublinear_tf"})


def replacements(source: Source) -> Iterator[Offer]:
    """The replacements of models, scalers and vectorisers of a scikit-learn script."""
    if not any(source.imported(package) for package in ("sklearn", "xgboost", "lightgbm")):
        return
    script = Script(source)
    if script.is_open:
        models = [standing for standing in script.models if standing.known]
        for standing in models:
            count = max(2, PER_FILE // len(models))
            yield from list(_of_model(script, standing))[:count]
    for call in source.calls:
        if call.root == "sklearn" and call.short in SCALERS and not script.is_sparse:
            yield from _of_scaler(source, call)
        elif call.root == "sklearn" and call.short in _RENAMED:
            yield from _of_vectoriser(source, call)


def candidates(script: Script, standing: Standing) -> Iterator[str]:
    """Models that can stand where this one stands, most promising first; none that the script uses already."""
    table = _SPARSE if script.is_sparse else _DENSE
    names = [*table[standing.task]]
    if script.is_text and standing.task == "classification":
        names[2:2] = _TEXT_ONLY
    for name in names:
        if name not in script.classes and script.needs <= MODELS[name].traits:
            yield name


def _of_model(script: Script, standing: Standing) -> Iterator[Change]:
    source = script.source
    start, end = source.span(standing.call.node)
    for name in candidates(script, standing):
        named = naming(source, f"{MODELS[name].module}.{name}")
        if named is None:
            continue
        call = Replacement(start, end, introduced(script, standing, name, named.name))
        imports = _moved_import(source, standing.call, named)
        phrase = Phrase("replace", (standing.name, name))
        anchor = source.span(standing.own.node)[0]
        yield Change(phrase, "estimator-replacement", (*imports, call), anchor, standing.name)


def _moved_import(source: Source, call: Call, named: Naming) -> tuple[Replacement, ...]:
    """The import of the new class: in place of the old class's own import line when nothing else uses it."""
    if not named.replacements or not isinstance(call.node.func, ast.Name) or source.loads[call.node.func.id] != 1:
        return named.replacements
    local = call.node.func.id
    for statement in source.tree.body if source.tree else ():
        if isinstance(statement, ast.ImportFrom) and len(statement.names) == 1:
            alias = statement.names[0]
            if (alias.asname or alias.name) == local:
                start, end = source.span(statement)
                return (Replacement(start, end, named.replacements[0].text.strip()),)
    return named.replacements


def _of_scaler(source: Source, call: Call) -> Iterator[Change]:
    """A scaler without arguments of its own for another one."""
    if call.node.args or call.node.keywords or source.attribute_names & {"mean_", "scale_", "var_", "data_min_", "data_max_"}:
        return
    used = {other.short for other in source.calls}
    for name in [name for name in _SCALER_SWAPS if name not in used][:3]:
        yield from _renamed(source, call, f"sklearn.preprocessing.{name}", "scaler")


def _of_vectoriser(source: Source, call: Call) -> Iterator[Change]:
    new = _RENAMED[call.short]
    words = {word.arg for word in call.node.keywords}
    followed_by_weighting = any(other.short == "TfidfTransformer" for other in source.calls)
    if any(other.short == new for other in source.calls) or None in words or words & _TFIDF_ONLY or followed_by_weighting:
        return
    yield from _renamed(source, call, f"sklearn.feature_extraction.text.{new}", "vectoriser")


def _renamed(source: Source, call: Call, qualified: str, family: str) -> Iterator[Change]:
    """The call with another class and the same arguments."""
    named = naming(source, qualified)
    if named is None:
        return
    start, end = source.span(call.node.func)
    imports = _moved_import(source, call, named)
    new = qualified.rpartition(".")[2]
    changes = (*imports, Replacement(start, end, named.name))
    yield Change(Phrase("replace", (call.short, new)), family, changes, source.span(call.node)[0], call.short)
