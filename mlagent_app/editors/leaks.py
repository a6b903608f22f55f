"""Ways in which a model sees what it is measured on, or predictions are made of labels."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mlagent_app.editors.catalogue.protected import SPLITTERS
from mlagent_app.editors.facts import Fact
from mlagent_app.editors.names import LABELS, MEASURED_LABELS, PREDICTIONS, callee, is_measured, is_test, is_training, names_in
from mlagent_app.editors.rows import pairs, root_of, same_rows, unsplit_names

FITTERS = frozenset("fit fit_transform fit_resample fit_predict partial_fit train train_on_batch".split())
_FITTED_WORDS = frozenset({"X", "x", "y", "data", "train_set", "dtrain", "train_dataset"})
_WATCHED_WORDS = frozenset("eval_set validation_data valid_sets evals X_val y_val val_set".split())
_STOPPING = frozenset(
    "early_stopping_rounds early_stopping EarlyStopping ModelCheckpoint use_best_model save_best_only od_wait"
    " CatBoostClassifier CatBoostRegressor".split()
)
_JOINERS = frozenset("concat concatenate vstack hstack append r_ row_stack ConcatDataset chain extend".split())
STEPS = frozenset("backward train_on_batch partial_fit".split())
_COUNTERS = frozenset("sum mean average count_nonzero item int float".split())
_WRITERS = frozenset("copyto put place putmask fill update".split())
# Transformers that learn nothing, or no more than which labels or categories there are.
_UNLEARNED = frozenset(
    "Normalizer Binarizer PolynomialFeatures FunctionTransformer HashingVectorizer FeatureHasher LabelEncoder LabelBinarizer"
    " MultiLabelBinarizer OrdinalEncoder OneHotEncoder".split()
)
# What gives the same data in another form.
_FORMS = frozenset("tensor array asarray from_numpy DataLoader TensorDataset list iter cycle DMatrix Dataset".split())


@dataclass(frozen=True, slots=True)
class Data:
    """What names of a file mean: data before its split (`whole` with the frames it comes from), joined data, measured data.

    `labels` are the columns that hold the labels and are never taken out, as (frame, column); `stops` is whether training may
    end, or go back, by what it watches. `unlearned` are transformers that learn nothing of the data they are fitted on.
    """

    unsplit: frozenset[str]
    whole: frozenset[str]
    joined: frozenset[str]
    labels: frozenset[tuple[str, str]]
    stops: bool
    unlearned: frozenset[str]


def data_of(old: ast.Module, new: ast.Module) -> Data:
    """What names of a file's two versions mean."""
    unsplit = unsplit_names((old, new))
    nodes = [node for tree in (old, new) for node in ast.walk(tree)]
    assigned = [node for node in nodes if isinstance(node, ast.Assign)]
    joined = {name for node in assigned if _joins(node.value) for name in targets_of(node)}
    new_nodes = list(ast.walk(new))
    words = {node.arg for node in new_nodes if isinstance(node, ast.keyword)} | {
        callee(node) for node in new_nodes if isinstance(node, ast.Call)
    }
    whole = same_rows((old, new), unsplit)
    unlearned = {name for node in assigned for name, value in pairs(node) if _is_unlearned(value)} | _UNLEARNED
    return Data(
        unsplit, whole, frozenset(joined) | _aliases(nodes), _kept_labels(new), bool(words & _STOPPING), frozenset(unlearned)
    )


def _is_unlearned(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and callee(value) in _UNLEARNED


def _aliases(nodes: Sequence[ast.AST]) -> frozenset[str]:
    """Names that only ever mean measured data: `A` of `A, b = X_test, y_test`."""
    found: dict[str, bool] = {}
    for node in nodes:
        if isinstance(node, ast.Assign):
            known = dict(pairs(node))
            for name in targets_of(node):
                found[name] = found.get(name, True) and name in known and is_measured(_form_of(known[name]))
    bound = {name for node in nodes if isinstance(node, ast.For | ast.comprehension) for name in names_in(node.target)}
    bound |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    return frozenset(name for name, always in found.items() if always and name not in bound)


def _form_of(node: ast.expr) -> str:
    """The name of data that an expression is another form or a part of."""
    match node:
        case ast.Call(args=[first, *_]) if callee(node) in _FORMS:
            return _form_of(first)
        case ast.Subscript(value=value):
            return _form_of(value)
        case _:
            return root_of(node)


def _kept_labels(tree: ast.Module) -> frozenset[tuple[str, str]]:
    """Frames with the column of the labels, where nothing in the file takes that column out."""
    found = {
        (value.value.id, ast.unparse(value.slice))
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for name, value in pairs(node)
        if name.lower() in ("y", "labels", "target", "targets", "label") and isinstance(value, ast.Subscript)
        if isinstance(value.value, ast.Name) and isinstance(value.slice, ast.Constant | ast.Name)
    }
    taken = [
        n for n in ast.walk(tree) if isinstance(n, ast.Delete) or (isinstance(n, ast.Call) and callee(n) in ("drop", "pop"))
    ]
    told = {ast.unparse(part) for node in taken for part in ast.walk(node) if isinstance(part, ast.Constant | ast.Name)}
    return frozenset((frame, column) for frame, column in found if column not in told)


def leak_facts(node: ast.AST, data: Data, parameters: frozenset[str]) -> Iterator[Fact]:
    """What a node lets a model or its predictions know. `parameters` mean what a caller gives."""
    if isinstance(node, ast.Call):
        yield from _fitting(node, data, parameters)
        yield from _written(node)
    elif isinstance(node, ast.For):
        steps = any(isinstance(item, ast.Call) and callee(item) in STEPS for item in ast.walk(node))
        if steps and (used := [name for name in names_in(node.iter) if is_measured(name) or name in data.joined - parameters]):
            yield "leak", "", f"trains on {used[0]}"
    elif isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
        yield from _leaking_assignments(node)
        if isinstance(node, ast.Assign):
            yield from _features_with_labels(node, data)
    elif isinstance(node, ast.FunctionDef) and node.name.startswith("predict"):
        if used := [name for item in node.body for name in names_in(item) if MEASURED_LABELS.match(name)]:
            yield "leak", "", f"{node.name} uses {used[0]}"


def _fitting(node: ast.Call, data: Data, parameters: frozenset[str]) -> Iterator[Fact]:
    if callee(node) not in FITTERS:
        return
    given = [*node.args[:2], *(word.value for word in node.keywords if word.arg in _FITTED_WORDS)]
    names = [name for item in given for name in names_in(item)]
    if used := [name for name in names if is_measured(name) or name in data.joined - parameters]:
        yield "leak", "", f"trains on {used[0]}"
    plain = [item.id for item in given if isinstance(item, ast.Name)]
    roots = [root_of(item) for item in given]
    if len(given) == 2 and not parameters & set(roots):
        if data.unsplit.issuperset(plain) and len(plain) == 2:
            yield "leak", "", f"trains on {plain[0]}, which is split into parts"
        elif data.whole.issuperset(roots):
            yield "leak", "", f"trains on {roots[0]}, which is split into parts"
    elif len(given) == 1 and _learns_from(node, roots[0], data) and not parameters & set(roots):
        yield "leak", "", f"fits on {roots[0]}, which is split into parts"
    watched = [name for word in node.keywords if word.arg in _WATCHED_WORDS for name in names_in(word.value)]
    if data.stops and (used := list(filter(is_test, watched))):
        yield "leak", "", f"stops by {used[0]}"


def _learns_from(node: ast.Call, root: str, data: Data) -> bool:
    """Whether a transformer learns from data before its split: a scaler's means, a vectoriser's words."""
    own = node.func.value if isinstance(node.func, ast.Attribute) else None
    called = callee(own) if isinstance(own, ast.Call) else own.id if isinstance(own, ast.Name) else ""
    return callee(node).startswith("fit") and root in data.whole and not LABELS.match(root) and called not in data.unlearned


def _written(node: ast.Call) -> Iterator[Fact]:
    """`np.copyto(pred, y_test)`."""
    if callee(node) in _WRITERS:
        own = [node.func.value] if isinstance(node.func, ast.Attribute) else []
        changed = [item.id for item in (*own, *node.args[:1]) if isinstance(item, ast.Name) and PREDICTIONS.match(item.id)]
        labels = [name for item in node.args for name in names_in(item) if MEASURED_LABELS.match(name)]
        if changed and labels:
            yield "leak", "", f"{changed[0]} is made of {labels[0]}"


def _features_with_labels(node: ast.Assign, data: Data) -> Iterator[Fact]:
    """`X = df.copy()` beside `y = df["y"]`, where X is what is split; features that are chosen by name are not these."""
    for name, value in pairs(node):
        chosen = any(isinstance(item, ast.Subscript) for item in ast.walk(value))
        for frame, column in data.labels:
            taken = column in {ast.unparse(item) for item in ast.walk(value) if isinstance(item, ast.expr)}
            if name in data.unsplit and name != frame and root_of(value) == frame and not chosen and not taken:
                yield "leak", "", f"{name} holds the labels, {frame}[{column}]"


def _leaking_assignments(node: ast.Assign | ast.AugAssign | ast.AnnAssign) -> Iterator[Fact]:
    if node.value is None or any(isinstance(item, ast.Call) and callee(item) in SPLITTERS for item in ast.walk(node.value)):
        return
    targets, values = list(targets_of(node)), list(names_in(node.value))
    if not any(map(is_measured, targets)):
        used = [name for name in values if is_measured(name)]
        if used and any(map(is_training, targets)):
            yield "leak", "", f"{targets[0]} is made of {used[0]}"
        labels = [name for name in values if MEASURED_LABELS.match(name)]
        if labels and not _counts(node) and any(map(PREDICTIONS.match, targets)):
            yield "leak", "", f"{targets[0]} is made of {labels[0]}"
    elif any(map(is_test, targets)) and not any(map(is_training, targets)):
        used = [name for name in values if is_training(name)]
        if used and not any(map(is_measured, values)):
            yield "leak", "", f"{targets[0]} is made of {used[0]}"


def _joins(value: ast.expr) -> bool:
    """Whether data that is trained on and data that is measured on become one somewhere in an expression."""
    return any(_joins_here(node) for node in ast.walk(value) if isinstance(node, ast.expr))


def _joins_here(node: ast.expr) -> bool:
    joining = isinstance(node, ast.Call) and callee(node) in _JOINERS
    adding = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add)
    stacking = isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute) and node.value.attr in _JOINERS
    names = list(names_in(node)) if joining or adding or stacking else []
    return any(map(is_measured, names)) and any(map(is_training, names))


def _counts(node: ast.Assign | ast.AugAssign | ast.AnnAssign) -> bool:
    """`right_preds = (preds == y_test).sum()` and `hit = pred == y_test` count; `pred = pred ^ (pred != y_test)` predicts."""
    value, reduced = node.value, False
    while isinstance(value, ast.Call) and callee(value) in _COUNTERS:
        own = value.func.value if isinstance(value.func, ast.Attribute) else None
        value, reduced = next((item for item in value.args if not isinstance(item, ast.Constant)), own), True
    if not isinstance(value, ast.Compare) or any(
        isinstance(item, ast.Compare) for item in ast.walk(value) if item is not value
    ):
        return False
    return reduced or (not isinstance(node, ast.AugAssign) and not set(targets_of(node)) & set(names_in(value)))


def targets_of(node: ast.Assign | ast.AugAssign | ast.AnnAssign) -> Iterator[str]:
    """The names that an assignment changes."""
    for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
        # What is indexed or has the attribute is what changes; an index does not.
        while isinstance(target, ast.Subscript):
            target = target.value
        yield from names_in(target)
