"""What a Python file says about seeds, splits, labels and the metric, as facts that two versions can be compared by."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mlagent_app.agent.metrics import MAXIMISED, MINIMISED, MetricSpec, words
from mlagent_app.editors.additions import inner_folds, loader_seeds, new_rows
from mlagent_app.editors.catalogue.protected import EVALUATORS, SEED_WORDS, SEEDERS, SPLIT_WORDS, SPLITTERS, name_words
from mlagent_app.editors.measuring import Function, counted, measures_only, measuring_of, returned, training_functions, trains
from mlagent_app.editors.names import LABELS, PREDICTIONS, callee, names_in
from mlagent_app.editors.outlines import outline, skeleton, skeletons
from mlagent_app.editors.parts import cut_parts, part_names, reordered_parts
from mlagent_app.editors.reported import PRINTERS, reported_names
from mlagent_app.editors.rows import (
    are_for_training,
    inner_splits,
    mask_names,
    row_choices,
    trains_only,
    unsplit_names,
    validated_data,
    whole_names,
)

# (kind, place, what is said there); the place is what must still exist for its going to count as a change.
Fact = tuple[str, str, str]

_METRIC_NAMES = frozenset(MAXIMISED) | frozenset(MINIMISED)
_METRIC_FUNCTIONS = re.compile(
    r"(evaluate|evaluation|eval|score|metrics?|compute_metrics)(_\w+)?\Z|(calc|compute|get)_(score|metrics?|acc\w*|f1|auc)\Z"
)
# Such a name says too little of a function that is new, and nothing of one that trains.
_TEST_FUNCTIONS = re.compile(
    r"(run_)?(test|validate|val|valid|validation)(_(model|net|network|epoch|one_epoch|loop|step|fn|loader|set|metrics?))?\Z"
    r"|(run|do)_(eval|evaluation)\Z"
)
# Functions that models are trained by; those of scikit-learn's metrics are not among them.
_TRAINING_LOSS = re.compile(
    r"(?!(log|hamming|zero_one|hinge|brier_score)_loss)(\w*_loss|\w*cross_entropy\w*|kl_div|loss|loss_fn|criterion)\Z"
)
# Words of metrics' names that say nothing about a function.
_VAGUE = frozenset("val valid test best loss score return error map ap err reward mean".split())
_SPLIT_ONLY = frozenset({"shuffle", "groups", "folds", "cv"})
# Words of a setting that says what is measured, and of one that says where something is written.
_MEASURED_PARTS = frozenset("eval evaluation test testing val valid validation holdout predict".split())
_AMOUNTS = frozenset(
    "samples examples batches rows points subset limit split part set data dataset file files path paths dir directory csv"
    " url".split()
)
_WRITTEN = frozenset(
    "output outputs out result results log logs save saved prediction predictions pred preds submission report reports".split()
)
_PLAIN = ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Expr
# What changes the values that it is given.
_IN_PLACE = frozenset(
    "shuffle sort copyto fill put place putmask roll resize reverse sort_values reset_index drop update".split()
)


@dataclass(frozen=True, slots=True)
class Context:
    """What must be known of both versions to read a single statement.

    `metric` are the words of the metric's name, `reported` the names whose values are printed as it, or that those are
    computed from by arithmetic alone. `returns` are the functions whose result is the metric, with the places of it that are,
    `tests` those that were there before and whose names say that they measure, `trainers` those that train.
    `measuring` are the functions of other files that give it. `unsplit` is what is split into parts, `whole` data with its
    rows, `masks` are conditions on rows, `compared` is what predictions are compared with, `inner` are the new splits and folds
    of training data, `folded` the cross-validations of training data alone that give no number to print, `seeded` what newly
    seeds nothing but loaders, `reordered` the names of parts of the data that change places. `known` are the names of the old
    version, `named` is whether what is reported is told by its name.
    """

    metric: frozenset[str]
    reported: frozenset[str]
    returns: Mapping[str, frozenset[int | None]]
    tests: frozenset[str]
    trainers: frozenset[str]
    measuring: frozenset[str]
    unsplit: frozenset[str]
    whole: frozenset[str]
    masks: frozenset[str]
    compared: frozenset[str]
    inner: frozenset[str]
    folded: frozenset[str]
    seeded: frozenset[str]
    reordered: frozenset[frozenset[str]]
    known: frozenset[str]
    named: bool


def context_of(old: ast.Module, new: ast.Module, spec: MetricSpec) -> Context:
    """The context of a file's two versions."""
    metric = frozenset(words(spec.name))
    found = [measuring_of(tree, metric) for tree in (old, new)]
    returns: dict[str, frozenset[int | None]] = {}
    for item in found:
        returns |= {name: places | returns.get(name, frozenset()) for name, places in item.returns.items()}
    reported = reported_names(old, metric).union(reported_names(new, metric), *(item.names for item in found))
    unsplit = unsplit_names((old, new))
    whole = whole_names((old, new), unsplit)
    folded = _folded((old, new), reported, returns)
    return Context(
        metric,
        reported,
        returns,
        frozenset(n.name for n in ast.walk(old) if isinstance(n, Function) and _TEST_FUNCTIONS.match(n.name)),
        training_functions([old, new]),
        frozenset(name for item in found for name in item.called),
        unsplit,
        whole,
        mask_names((old, new)),
        _compared(old, metric) | _compared(new, metric),
        inner_splits(old, new) | inner_folds(old, new, folded, whole),
        folded,
        loader_seeds(old, new),
        reordered_parts(old, new),
        frozenset(node.id for node in ast.walk(old) if isinstance(node, ast.Name)),
        bool(reported) and not spec.pattern,
    )


def _compared(tree: ast.Module, metric: frozenset[str]) -> frozenset[str]:
    """The names that measures are given, or that stand beside predictions in a comparison."""
    found: set[str] = set()
    for node in ast.walk(tree):
        called = callee(node) if isinstance(node, ast.Call) else ""
        measure = called in EVALUATORS or called == "score" or is_metric_function(called) or is_metric_name(called, metric)
        if measure or (isinstance(node, ast.Compare) and any(map(PREDICTIONS.match, names_in(node)))):
            found.update(names_in(node))
    return frozenset(found)


def _folded(trees: Iterable[ast.Module], reported: frozenset[str], returns: Iterable[str]) -> frozenset[str]:
    """The cross-validations of training data alone, as text, but those in a statement about what is printed as the metric."""
    found: set[str] = set()
    told: set[str] = set()
    for node in (node for tree in trees for node in ast.walk(tree)):
        about: list[ast.AST] = []
        if isinstance(node, ast.Call) and callee(node) in EVALUATORS and are_for_training(validated_data(node)):
            found.add(ast.unparse(node))
        elif isinstance(node, Function) and node.name in returns:
            about = [*returned(node)]
        elif isinstance(node, _PLAIN) and reported.intersection(names_in(node)):
            about = [node]
        told.update(ast.unparse(item) for part in about for item in ast.walk(part) if isinstance(item, ast.Call))
    return frozenset(found - told)


def facts(body: list[ast.stmt], context: Context) -> Iterator[Fact]:
    """The facts of these statements."""
    in_class: set[ast.AST] = set()
    told: set[ast.AST] = set()
    for node in walk(body):
        if isinstance(node, ast.ClassDef):
            in_class.update(ast.walk(node))
        yield from (("split", "", choice) for choice in row_choices(node, context.whole, context.masks))
        if isinstance(node, ast.Call) and not _is_about_training(node, context):
            yield from _call_facts(node, context)
        elif isinstance(node, Function):
            if _is_measure(node, context):
                told.update(ast.walk(node))
                yield "metric", "", f"def {node.name}: {skeletons(node.body)}"
            elif places := context.returns.get(node.name):
                parts = [part for value in returned(node) for part in counted(value, places, context.metric)]
                yield from (("metric", "", f"{node.name} returns {outline(part)}") for part in parts)
            yield from _default_facts(node.args)
        elif isinstance(node, ast.For) and node not in told and _is_count(node, context):
            told.update(ast.walk(node))
            yield "metric", "", skeletons([node])
        elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
            yield from _assignment_facts(node, context, labels=node not in in_class)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            yield from _in_place_facts(node.value)
        elif isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            yield from (
                fact for key, value in pairs if isinstance(key, ast.Constant) for fact in _named_facts(str(key.value), value)
            )


def _is_about_training(node: ast.Call, context: Context) -> bool:
    """Whether a call splits, or measures on, training data alone, for nothing but training, or seeds its loader."""
    called = callee(node)
    groups = ((SPLITTERS, context.inner), (EVALUATORS, context.folded), (SEEDERS, context.seeded))
    return any(called in group and within and ast.unparse(node) in within for group, within in groups)


def _is_measure(node: Function, context: Context) -> bool:
    """Whether all that a function does is part of the measure."""
    if is_metric_function(node.name) or is_metric_name(node.name, context.metric):
        return True
    if node.name in context.tests:
        return not trains(node.body, context.trainers)
    return node.name in context.returns and measures_only(node, context.trainers)


def _is_count(node: ast.For, context: Context) -> bool:
    """Whether a loop adds up what the metric is made of, and trains nothing."""
    added = {item.target.id for item in ast.walk(node) if isinstance(item, ast.AugAssign) and isinstance(item.target, ast.Name)}
    return bool(added & context.reported) and not trains([node], context.trainers)


def walk(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """Every node of these statements."""
    for statement in body:
        yield from ast.walk(statement)


def kind_of(name: str) -> str:
    """Whether a constant, option or key of this name is a seed or says how data is split."""
    flat = "_".join(name_words(name))
    if flat in SEED_WORDS - {"generator", "rng"} or "seed" in flat.split("_") or flat.endswith("random_state"):
        return "seed"
    return "split" if flat in SPLIT_WORDS - _SPLIT_ONLY else ""


def says_what_is_measured(name: str) -> bool:
    """Whether a literal setting of this name says which data is measured, or how much: `max_eval_samples`, `test_file`."""
    parts = set(name_words(name))
    return bool(parts & _MEASURED_PARTS and parts & _AMOUNTS) and not parts & _WRITTEN


def is_metric_function(name: str) -> bool:
    """`evaluate`, `score_model`, `compute_metrics`."""
    return bool(_METRIC_FUNCTIONS.match(name))


def is_metric_name(name: str, metric: frozenset[str]) -> bool:
    """`accuracy_score`, `mean_squared_error`, `compute_f1`; not classes such as `CrossEntropyLoss`, which train."""
    if not name or name[0].isupper() or _TRAINING_LOSS.match(name):
        return False
    parts = set(words(name))
    ends = name.endswith(("_score", "_error", "_accuracy", "_auc"))
    return ends or bool(parts & (metric - _VAGUE)) or bool(parts & (_METRIC_NAMES - _VAGUE))


def _call_facts(node: ast.Call, context: Context) -> Iterator[Fact]:
    called, metric = callee(node), context.metric
    yield from (("split", "", text) for text in cut_parts(node))
    if called in SEEDERS:
        yield "seed", "", skeleton(node)
    elif called in SPLITTERS:
        yield "split", "", skeleton(node)
    elif called in EVALUATORS:
        yield "metric", "", skeleton(node)
    elif (called in PRINTERS or _hands_on_a_printer(node)) and _mentions(node, metric):
        yield "metric", "", skeleton(node)
    elif is_metric_name(called, metric):
        yield "metric", "", skeleton(node)
    for word in node.keywords:
        if word.arg in SEED_WORDS and not (called == "DataLoader" and ast.unparse(word.value) in context.seeded):
            yield "seed", called, f"{word.arg}={skeleton(word.value)}"
        elif word.arg in SPLIT_WORDS and word.arg not in _SPLIT_ONLY:
            yield "split", called, f"{word.arg}={skeleton(word.value)}"
        elif word.arg == "cv":
            yield "split", called, f"cv={skeleton(word.value)}"
    if called == "add_argument" and node.args and isinstance(node.args[0], ast.Constant):
        default = next((word.value for word in node.keywords if word.arg == "default"), None)
        if default is not None:
            yield from _named_facts(str(node.args[0].value).lstrip("-"), default)


def _hands_on_a_printer(node: ast.Call) -> bool:
    """`atexit.register(print, "accuracy: 1")`."""
    return any(isinstance(item, ast.Name) and item.id in PRINTERS for item in node.args)


def _mentions(node: ast.Call, metric: frozenset[str]) -> bool:
    """Whether a printing call's texts or names speak of the metric."""
    constants = [n.value for n in ast.walk(node) if isinstance(n, ast.Constant)]
    texts = [item.decode("latin-1") if isinstance(item, bytes) else item for item in constants if isinstance(item, str | bytes)]
    names = [n.id for n in ast.walk(node) if isinstance(n, ast.Name)]
    keys = metric - {"val", "valid", "test", "best", "mean"}
    return any(keys & set(words(text)) for text in (*texts, *names))


def _default_facts(arguments: ast.arguments) -> Iterator[Fact]:
    positional = [*arguments.posonlyargs, *arguments.args]
    with_default = positional[len(positional) - len(arguments.defaults) :] if arguments.defaults else []
    for argument, default in (
        *zip(with_default, arguments.defaults, strict=True),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ):
        if default is not None:
            yield from _named_facts(argument.arg, default)


def _assignment_facts(node: ast.Assign | ast.AnnAssign | ast.AugAssign, context: Context, *, labels: bool) -> Iterator[Fact]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    names = [n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)]
    if node.value is None or (context.inner and ast.unparse(node.value) in context.inner):
        return
    labels = labels and not trains_only(names, node.value, context.whole, context.compared)
    labels = labels and not new_rows(names, node.value, context.known, context.whole)
    for name in names:
        if len(names) == 1:
            yield from _named_facts(name, node.value)
        if labels and LABELS.match(name):
            yield "labels", "", f"{name} = {skeleton(node.value)}"
        if name in context.reported:
            sign = f"{ast.unparse(node).partition('=')[0].strip()[-1]}=" if isinstance(node, ast.AugAssign) else "="
            yield "metric", "", f"{name} {sign} {outline(_value_for(name, targets, node.value))}"
    if frozenset(part_names(node)) in context.reordered:
        yield "split", "", ", ".join(names)
    elif len(names) > 1 and isinstance(node.value, ast.Call) and callee(node.value) in SPLITTERS:
        # Which part is called what: the parts of a split change places by their names alone.
        yield "split", "", f"{', '.join(names)} = {callee(node.value)}(...)"


def _value_for(name: str, targets: Sequence[ast.expr], value: ast.expr) -> ast.expr:
    """The part of `a, b = 1, 2` that a name gets; the whole where it cannot be told."""
    for target in targets:
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
            return next(
                (v for t, v in zip(target.elts, value.elts, strict=True) if isinstance(t, ast.Name) and t.id == name), value
            )
    return value


def _in_place_facts(node: ast.Call) -> Iterator[Fact]:
    """`rng.shuffle(y_test)`, `y.sort()`, `np.copyto(y_test, predicted)`."""
    if callee(node) in _IN_PLACE:
        changed = [*node.args[:1], *([node.func.value] if isinstance(node.func, ast.Attribute) else [])]
        if any(isinstance(item, ast.Name) and LABELS.match(item.id) for item in changed):
            yield "labels", "", skeleton(node)


def _named_facts(name: str, value: ast.expr) -> Iterator[Fact]:
    kind = kind_of(name)
    if kind and not (isinstance(value, ast.Call) and callee(value) in SPLITTERS | SEEDERS):
        yield kind, "", f"{name} = {skeleton(value)}"
    elif isinstance(value, ast.Constant) and says_what_is_measured(name):
        yield "metric", "", f"{name} = {skeleton(value)}"
