"""By their names: which values of a script are labels, training data, what the metric is measured on, or a model."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

_DATA = r"(?:[xy]s?|data|df|frame|features?|feats?|labels?|targets?|inputs?|images?|texts?|sets?|ds|loader|dl|dataset|iter|gen)"
_MEASURED = r"(?:test|te|val|valid|validation|dev|eval|holdout|hold_out|hidden)"
_TRAINING = r"(?:train|training|tr|trn)"

LABELS = re.compile(
    r"(y|labels?|targets?)(_(train|test|val|valid|eval|tr|te|va|true|all))?\Z|(train|test|val|valid)_(y|labels?|targets?)\Z"
)
MEASURED_LABELS = re.compile(
    rf"(?:ys?|labels?|targets?)_?{_MEASURED}\Z|{_MEASURED}_?(?:y|labels?|targets?)\Z|y_?true\Z", re.IGNORECASE
)
PREDICTIONS = re.compile(
    r"(?:y_?)?(?:pred|preds|predicted|prediction|predictions|hat|yhat|proba|probs|outputs?|logits)(?:_\w+)?\Z"
    r"|\w+_(?:pred|preds|predictions|proba|hat)\Z",
    re.IGNORECASE,
)
_MEASURED_DATA = re.compile(rf"(?:{_DATA}_?{_MEASURED}|d?{_MEASURED}_?{_DATA}|d(?:test|valid|val))\Z", re.IGNORECASE)
_TEST_DATA = re.compile(rf"(?:{_DATA}_?(?:test|te|holdout)|(?:test|holdout)_?{_DATA}|dtest)\Z", re.IGNORECASE)
_TRAINING_DATA = re.compile(rf"(?:{_DATA}_?{_TRAINING}|{_TRAINING}_?{_DATA}|dtrain)\Z", re.IGNORECASE)
_MODELS = re.compile(
    r"(?:\w+_)?(?:model|net|network|clf|estimator|classifier|regressor|booster|pipeline|ensemble|voting|committee|ema|swa)\d*\Z",
    re.IGNORECASE,
)


def is_measured(name: str) -> bool:
    """Whether data of this name is what a metric is measured on: `X_test`, `val_loader`, `y_valid`."""
    return bool(_MEASURED_DATA.match(name))


def is_test(name: str) -> bool:
    """Whether data of this name is a test part; a validation part may be cut off the training data, this may not."""
    return bool(_TEST_DATA.match(name))


def is_training(name: str) -> bool:
    """Whether data of this name is what a model is trained on."""
    return bool(_TRAINING_DATA.match(name))


def is_model(name: str) -> bool:
    """Whether a name says that it is a model, whichever one."""
    return bool(_MODELS.match(name))


def names_in(node: ast.AST) -> Iterator[str]:
    """The names of variables and of attributes (`self.X_test`) in an expression."""
    for item in ast.walk(node):
        if isinstance(item, ast.Name):
            yield item.id
        elif isinstance(item, ast.Attribute):
            yield item.attr


def targets_of(node: ast.Assign | ast.AugAssign | ast.AnnAssign) -> Iterator[str]:
    """The names that an assignment changes."""
    for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
        # What is indexed or has the attribute is what changes; an index does not.
        while isinstance(target, ast.Subscript):
            target = target.value
        yield from names_in(target)


def callee(node: ast.Call) -> str:
    """The last part of what is called."""
    func = node.func
    return func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""


def dotted(node: ast.expr) -> str:
    """`a.b.c` of a name or attribute; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        head = dotted(node.value)
        return f"{head}.{node.attr}" if head else ""
    return ""
