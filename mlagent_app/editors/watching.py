"""What a training that watches data beside its own does by it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from mlagent_app.editors.names import callee

WATCHED_WORDS = frozenset("eval_set validation_data valid_sets evals X_val y_val val_set".split())
_STOPS, _KEEPS, _SLOWS = "stops", "keeps the best", "sets the learning rate"
_CALLED = {
    "EarlyStopping": _STOPS,
    "ReduceLROnPlateau": _SLOWS,
    "early_stopping": _STOPS,
    "CatBoostClassifier": _STOPS,
    "CatBoostRegressor": _STOPS,
}
_WORDS = {
    "early_stopping_rounds": _STOPS,
    "early_stopping": _STOPS,
    "od_wait": _STOPS,
    "use_best_model": _KEEPS,
    "save_best_only": _KEEPS,
    "restore_best_weights": _KEEPS,
}


def ways_of(tree: ast.Module) -> frozenset[str]:
    """What the trainings of a file do by the data that they watch: stop, keep the best, set the learning rate."""
    return frozenset(way for node in ast.walk(tree) if isinstance(node, ast.Call) for way in _ways(node))


def _ways(node: ast.Call) -> Iterator[str]:
    called = callee(node)
    monitored = next((word.value for word in node.keywords if word.arg == "monitor"), None)
    if isinstance(monitored, ast.Constant) and not str(monitored.value).startswith("val"):
        return  # by the training data alone
    if called in _CALLED:
        yield _CALLED[called]
    for word in node.keywords:
        off = isinstance(word.value, ast.Constant) and not word.value.value
        if word.arg in _WORDS and not off:
            yield _WORDS[word.arg]
