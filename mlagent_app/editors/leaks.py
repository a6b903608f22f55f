"""Ways in which a model sees what it is measured on, or predictions are made of labels."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from mlagent_app.editors.catalogue.protected import SPLITTERS
from mlagent_app.editors.facts import Fact
from mlagent_app.editors.features import Labels, feature_facts, labels_of
from mlagent_app.editors.learners import FITTERS, STEPS, Learners, fitted, handed_on, learners_of
from mlagent_app.editors.loops import Loop, learns_from, loops_in
from mlagent_app.editors.names import (
    LABELS,
    MEASURED_LABELS,
    PREDICTIONS,
    callee,
    is_measured,
    is_model,
    is_test,
    is_training,
    names_in,
    targets_of,
)
from mlagent_app.editors.renamed import form_of, measured_names, tests_by_other_names
from mlagent_app.editors.rows import pairs, root_of, same_rows
from mlagent_app.editors.watching import WATCHED_WORDS, ways_of

_JOINERS = frozenset("concat concatenate vstack hstack append r_ row_stack ConcatDataset chain extend".split())
_COUNTERS = frozenset("sum mean average count_nonzero item int float".split())
_WRITERS = frozenset("copyto put place putmask fill update".split())
# Transformers that learn nothing, or no more than which labels or categories there are.
_UNLEARNED = frozenset(
    "Normalizer Binarizer PolynomialFeatures FunctionTransformer HashingVectorizer FeatureHasher LabelEncoder LabelBinarizer"
    " MultiLabelBinarizer OrdinalEncoder OneHotEncoder".split()
)
_LOADERS = frozenset({"DataLoader", "TensorDataset", "DMatrix", "Dataset"})
_PREDICTING = ("predict", "forward", "__call__")
# What may not learn from data that is measured on in turns: a model may be fitted on it as a whole, after that.
_TRANSFORMS = frozenset({"fit_transform", "fit_resample"})


@dataclass(frozen=True, slots=True)
class Data:
    """What names of a file mean: data before its split, joined data, labels.

    `once` is what is split once, with the frames that it comes from; `whole` is this and what is measured on in turns, which a
    model may be fitted on as a whole after that. `ways` are what training does by what it watches, as to stop.
    `unlearned` are transformers that learn nothing of the data they are fitted on, `learners` the functions of the file with
    what they train on, `tests` other names of test data.
    """

    unsplit: frozenset[str]
    once: frozenset[str]
    whole: frozenset[str]
    joined: frozenset[str]
    labels: Labels
    ways: frozenset[str]
    unlearned: frozenset[str]
    learners: Learners
    tests: frozenset[str]


def data_of(old: ast.Module, new: ast.Module, unsplit: frozenset[str], whole: frozenset[str]) -> tuple[Data, Data]:
    """What names of a file's two versions mean, for each of them; `unsplit` and `whole` are known already."""
    nodes = [node for tree in (old, new) for node in ast.walk(tree)]
    assigned = [node for node in nodes if isinstance(node, ast.Assign)]
    joined = {name for node in assigned if _joins(node.value) for name in targets_of(node)}
    unlearned = {name for node in assigned for name, value in pairs(node) if _is_unlearned(value)} | _UNLEARNED
    both = Data(
        unsplit,
        same_rows((old, new), unsplit),
        whole,
        frozenset(joined) | measured_names(nodes),
        labels_of(old, new, whole),
        ways_of(old),
        frozenset(unlearned),
        learners_of((old, new)),
        tests_by_other_names(old),
    )
    return both, replace(both, ways=ways_of(new), tests=tests_by_other_names(new))


def _is_unlearned(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and callee(value) in _UNLEARNED


def leak_facts(node: ast.AST, data: Data, parameters: frozenset[str]) -> Iterator[Fact]:
    """What a node lets a model or its predictions know. `parameters` mean what a caller gives."""
    if isinstance(node, ast.Call):
        yield from _fitting(node, data, parameters)
        yield from _written(node)
    elif isinstance(node, Loop):
        yield from _looping(node, data, parameters)
    elif isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
        yield from _leaking_assignments(node)
        yield from _models_of_labels(node)
        yield from feature_facts(node, data.labels, data.unsplit, data.whole - parameters)
        if isinstance(node, ast.Assign):
            yield from _loaders_of_all(node, data.unsplit - parameters)
            yield from _places_changed(node)
    elif isinstance(node, ast.FunctionDef) and (node.name.startswith(_PREDICTING) or is_model(node.name)):
        if used := _labels_used(node.body, node.args):
            yield "leak", "", f"{node.name} uses {used[0]}"


def _looping(node: Loop, data: Data, parameters: frozenset[str]) -> Iterator[Fact]:
    """A loop that trains on the batches of measured data, or by a loss of it."""
    if any(isinstance(item, ast.Call) and callee(item) in STEPS for item in ast.walk(node)):
        batches = [] if isinstance(node, ast.While) else list(names_in(node.iter))
        used = [name for name in batches if _is_unseen(name, data, parameters)][:1]
        learned = [] if used else learns_from(node, lambda name: _is_unseen(name, data, parameters))[:1]
        within = [fact for inner in loops_in(node) for fact in _looping(inner, data, parameters)] if learned else []
        facts = [("leak", "", f"trains on {name}") for name in (*used, *learned)]
        yield from (fact for fact in facts if fact not in within)


def _is_unseen(name: str, data: Data, parameters: frozenset[str]) -> bool:
    return is_measured(name) or name in data.joined - parameters


def _loaders_of_all(node: ast.Assign, unsplit: frozenset[str]) -> Iterator[Fact]:
    """`train_loader = DataLoader(dataset)` of what is split into parts; a sampler or an index may choose the right ones."""
    for name, value in pairs(node):
        if is_training(name) and isinstance(value, ast.Call) and callee(value) in _LOADERS:
            chosen = any(isinstance(item, ast.Subscript) for item in ast.walk(value)) or any(
                word.arg in ("sampler", "batch_sampler") for word in value.keywords
            )
            if not chosen and (root := form_of(value)) in unsplit:
                yield "leak", "", f"{name} is made of {root}, which is split into parts"


def _fitting(node: ast.Call, data: Data, parameters: frozenset[str]) -> Iterator[Fact]:
    own = isinstance(node.func, ast.Name) and node.func.id in data.learners
    given = fitted(node)
    learned = [*([] if own else given), *handed_on(node, data.learners)]
    names = [name for item in learned for name in names_in(item)]
    if used := [name for name in names if _is_unseen(name, data, parameters)]:
        yield "leak", "", f"trains on {used[0]}"
    if callee(node) not in FITTERS:
        return
    plain = [item.id for item in given if isinstance(item, ast.Name)]
    roots = [root_of(item) for item in given]
    if len(given) == 2 and not parameters & set(roots):
        if data.unsplit.issuperset(plain) and len(plain) == 2:
            yield "leak", "", f"trains on {plain[0]}, which is split into parts"
        elif data.once.issuperset(roots) or (callee(node) in _TRANSFORMS and roots[0] in data.whole):
            yield "leak", "", f"trains on {roots[0]}, which is split into parts"
    elif len(given) == 1 and _learns_from(node, roots[0], data) and not parameters & set(roots):
        yield "leak", "", f"fits on {roots[0]}, which is split into parts"
    watched = [name for word in node.keywords if word.arg in WATCHED_WORDS for name in names_in(word.value)]
    if used := [name for name in watched if is_test(name) or name in data.tests]:
        yield from (("leak", "", f"{way} by {used[0]}") for way in sorted(data.ways))


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


def _places_changed(node: ast.Assign) -> Iterator[Fact]:
    """`X_train, X_test = X_test, X_train`."""
    if isinstance(node.value, ast.Tuple):
        for name, value in pairs(node):
            if is_training(name) and is_measured(form := form_of(value)):
                yield "leak", "", f"{name} is made of {form}"


def _models_of_labels(node: ast.Assign | ast.AugAssign | ast.AnnAssign) -> Iterator[Fact]:
    """`model = lambda rows: y_test`."""
    if isinstance(node.value, ast.Lambda) and any(map(is_model, targets_of(node))):
        used = _labels_used([node.value.body], node.value.args)
        yield from (("leak", "", f"predictions are made of {name}") for name in used[:1])


def _labels_used(body: Iterable[ast.AST], arguments: ast.arguments) -> list[str]:
    """The measured labels that a function reads, not those that it is given: a loss is."""
    own = {item.arg for item in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
    return [name for item in body for name in names_in(item) if MEASURED_LABELS.match(name) and name not in own]


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
