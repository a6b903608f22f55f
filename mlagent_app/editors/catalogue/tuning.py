"""Settings chosen by cross-validation on the training part: `tune C of LogisticRegression`.

Whether a setting should go up or down depends on the data, which neither a table nor a policy sees. A small grid search
sees it, and costs one step instead of several.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlagent_app.editors.base import Replacement
from mlagent_app.editors.catalogue.grammar import Phrase
from mlagent_app.editors.catalogue.imports import naming
from mlagent_app.editors.catalogue.offers import Change, Offer
from mlagent_app.editors.catalogue.sklearn_models import SEARCH, Script, Standing
from mlagent_app.editors.catalogue.source import Source
from mlagent_app.editors.catalogue.values import Value, code

FOLDS = 3
FAMILY = "tuning"
Grid = dict[str, tuple[Value, ...]]

_STRENGTH: Grid = {"C": (0.01, 0.1, 1, 10, 100)}
_PENALTY: Grid = {"alpha": (0.01, 0.1, 1, 10, 100)}
_SMALL_PENALTY: Grid = {"alpha": (1e-4, 1e-3, 0.01, 0.1, 1)}
_SMOOTHING: Grid = {"alpha": (0.01, 0.1, 0.3, 1)}
_NEIGHBOURS: Grid = {"n_neighbors": (1, 3, 5, 9, 15, 25), "weights": ("uniform", "distance")}
_TREE: Grid = {"max_depth": (3, 5, 8, 12, None), "min_samples_leaf": (1, 4, 16)}
_MARGIN: tuple[Grid, ...] = ({"C": (0.1, 1, 10, 100)}, {"C": (1, 10, 100), "gamma": ("scale", 0.01, 0.1)})
_FOREST: tuple[Grid, ...] = ({"min_samples_leaf": (1, 2, 4, 10)}, {"max_features": ("sqrt", 0.3, 0.7)})
_BOOSTING: tuple[Grid, ...] = ({"max_depth": (2, 3, 5)}, {"learning_rate": (0.03, 0.1, 0.3)})
_HISTOGRAM: tuple[Grid, ...] = ({"max_leaf_nodes": (5, 10, 31)}, {"learning_rate": (0.03, 0.1, 0.3)})
# No more fits than a model of its kind can afford; models that take long to fit are left out.
GRIDS: dict[str, tuple[Grid, ...]] = {
    "LogisticRegression": (_STRENGTH,),
    "LinearSVC": (_STRENGTH,),
    "RidgeClassifier": (_PENALTY,),
    "SGDClassifier": ({"alpha": (1e-5, 1e-4, 1e-3, 1e-2)},),
    "SVC": _MARGIN,
    "KNeighborsClassifier": (_NEIGHBOURS,),
    "GaussianNB": ({"var_smoothing": (1e-9, 1e-5, 1e-3, 1e-2, 0.1)},),
    "MultinomialNB": (_SMOOTHING,),
    "ComplementNB": (_SMOOTHING,),
    "BernoulliNB": (_SMOOTHING,),
    "DecisionTreeClassifier": (_TREE,),
    "RandomForestClassifier": _FOREST,
    "ExtraTreesClassifier": _FOREST,
    "GradientBoostingClassifier": _BOOSTING,
    "HistGradientBoostingClassifier": _HISTOGRAM,
    "AdaBoostClassifier": ({"learning_rate": (0.1, 0.3, 1)},),
    "QuadraticDiscriminantAnalysis": ({"reg_param": (0.0, 0.1, 0.3, 0.6)},),
    "Ridge": (_PENALTY,),
    "Lasso": (_SMALL_PENALTY,),
    "ElasticNet": (_SMALL_PENALTY,),
    "SGDRegressor": ({"alpha": (1e-5, 1e-4, 1e-3, 1e-2)},),
    "SVR": _MARGIN,
    "LinearSVR": (_STRENGTH,),
    "KNeighborsRegressor": (_NEIGHBOURS,),
    "DecisionTreeRegressor": (_TREE,),
    "RandomForestRegressor": _FOREST,
    "ExtraTreesRegressor": _FOREST,
    "GradientBoostingRegressor": _BOOSTING,
    "HistGradientBoostingRegressor": _HISTOGRAM,
    "KernelRidge": (_PENALTY,),
}
# What a script measures itself by, and the search's name for it; the model's own score (accuracy, R2) for anything else.
_ERRORS = {
    "mean_absolute_error": "neg_mean_absolute_error",
    "mean_squared_error": "neg_mean_squared_error",
    "root_mean_squared_error": "neg_mean_squared_error",
    "median_absolute_error": "neg_median_absolute_error",
}
_OF_LABELS = {"balanced_accuracy_score": "balanced_accuracy", "f1_score": "f1_macro"}


def tunings(source: Source) -> Iterator[Offer]:
    """A grid search around each model of the script that has none yet."""
    if not source.imported("sklearn") or "precomputed" in source.text:
        return
    script = Script(source)
    if not script.can_wrap:
        return
    named = naming(source, SEARCH)
    if named is None:
        return
    for standing in script.tunable:
        start, end = source.span(standing.call.node)
        for grid in GRIDS.get(standing.name, ()):
            values = _code(grid, source.quote)
            closing = f", {values}, cv={FOLDS}{_scoring(script, standing)})"
            changes = (Replacement(start, start, f"{named.name}("), Replacement(end, end, closing))
            yield Change(_phrase(standing, tuple(grid)), FAMILY, (*named.replacements, *changes), start, standing.name)


def _code(grid: Grid, quote: str) -> str:
    """The grid as Python text."""
    lists = {name: ", ".join(code(value, quote=quote) for value in values) for name, values in grid.items()}
    return "{" + ", ".join(f"{quote}{name}{quote}: [{values}]" for name, values in lists.items()) + "}"


def _phrase(standing: Standing, names: tuple[str, ...]) -> Phrase:
    if len(names) == 1:
        return Phrase("tune", (names[0], standing.name))
    return Phrase("tune-two", (*names, standing.name))


def _scoring(script: Script, standing: Standing) -> str:
    """The argument that has the search choose by the measure of the script, where that is certain.

    None where the script asks a model for its `score`: that of a search is what it chose by, and the script would print
    another measure under the same name.
    """
    if "score" in script.source.attribute_names:
        return ""
    quote, name = script.source.quote, ""
    if standing.task == "regression":
        name = next((_ERRORS[short] for short in sorted(script.classes) if short in _ERRORS), "")
    elif "chance" in standing.traits and "log_loss" in script.classes:
        name = "neg_log_loss"
    elif "roc_auc_score" in script.classes and standing.traits & {"chance", "margin"} and _takes_column(script):
        name = "roc_auc"
    else:
        name = next((_OF_LABELS[short] for short in sorted(script.classes) if short in _OF_LABELS), "")
    return f", scoring={quote}{name}{quote}" if name else ""


def _takes_column(script: Script) -> bool:
    """Whether the script reads the second class's column or margin, as it does where there are two classes."""
    return "[:, 1]" in script.source.text or "[:,1]" in script.source.text
