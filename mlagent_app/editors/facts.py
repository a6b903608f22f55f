"""What a Python file says about seeds, splits, labels and the metric, as facts that two versions can be compared by."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from mlagent_app.agent.metrics import MAXIMISED, MINIMISED, MetricSpec, words
from mlagent_app.editors.catalogue.protected import EVALUATORS, SEED_WORDS, SEEDERS, SPLIT_WORDS, SPLITTERS, name_words
from mlagent_app.editors.names import LABELS, callee
from mlagent_app.editors.reported import PRINTERS, reported_names

# (kind, place, what is said there); the place is what must still exist for its going to count as a change.
Fact = tuple[str, str, str]

_METRIC_NAMES = frozenset(MAXIMISED) | frozenset(MINIMISED)
_METRIC_FUNCTIONS = re.compile(
    r"(evaluate|evaluation|eval|score|metrics?|compute_metrics)(_\w+)?\Z|(calc|compute|get)_(score|metrics?|acc\w*|f1|auc)\Z"
)
# Functions that models are trained by; those of scikit-learn's metrics are not among them.
_TRAINING_LOSS = re.compile(
    r"(?!(log|hamming|zero_one|hinge|brier_score)_loss)(\w*_loss|\w*cross_entropy\w*|kl_div|loss|loss_fn|criterion)\Z"
)
# Words of metrics' names that say nothing about a function.
_VAGUE = frozenset("val valid test best loss score return error map ap err reward mean".split())
_SPLIT_ONLY = frozenset({"shuffle", "groups", "folds", "cv"})
# What changes the values that it is given.
_IN_PLACE = frozenset(
    "shuffle sort copyto fill put place putmask roll resize reverse sort_values reset_index drop update".split()
)
# Calls that only give a number another form.
_PLAIN = frozenset("round float int abs max min sum len".split())


@dataclass(frozen=True, slots=True)
class Context:
    """What must be known of both versions to read a single statement.

    `metric` are the words of the metric's name, `reported` the names whose values are printed as it, or that those are
    computed from by arithmetic alone.
    """

    metric: frozenset[str]
    reported: frozenset[str]


def context_of(trees: Sequence[ast.Module], spec: MetricSpec) -> Context:
    """The context of a file's versions."""
    metric = frozenset(words(spec.name))
    return Context(metric, frozenset[str]().union(*(reported_names(tree, metric) for tree in trees)))


def facts(body: list[ast.stmt], context: Context) -> Iterator[Fact]:
    """The facts of these statements."""
    in_class: set[ast.AST] = set()
    for node in walk(body):
        if isinstance(node, ast.ClassDef):
            in_class.update(ast.walk(node))
        if isinstance(node, ast.Call):
            yield from _call_facts(node, context.metric)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if _METRIC_FUNCTIONS.match(node.name) or is_metric_name(node.name, context.metric):
                yield "metric", "", f"def {node.name}: {_skeletons(node.body)}"
            yield from _default_facts(node.args)
        elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
            yield from _assignment_facts(node, context, labels=node not in in_class)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            yield from _in_place_facts(node.value)
        elif isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            yield from (
                fact for key, value in pairs if isinstance(key, ast.Constant) for fact in _named_facts(str(key.value), value)
            )


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


def is_metric_name(name: str, metric: frozenset[str]) -> bool:
    """`accuracy_score`, `mean_squared_error`, `compute_f1`; not classes such as `CrossEntropyLoss`, which train."""
    if not name or name[0].isupper() or _TRAINING_LOSS.match(name):
        return False
    parts = set(words(name))
    ends = name.endswith(("_score", "_error", "_accuracy", "_auc"))
    return ends or bool(parts & (metric - _VAGUE)) or bool(parts & (_METRIC_NAMES - _VAGUE))


def _call_facts(node: ast.Call, metric: frozenset[str]) -> Iterator[Fact]:
    called = callee(node)
    if called in SEEDERS:
        yield "seed", "", _skeleton(node)
    elif called in SPLITTERS:
        yield "split", "", _skeleton(node)
    elif called in EVALUATORS:
        yield "metric", "", _skeleton(node)
    elif (called in PRINTERS or _hands_on_a_printer(node)) and _mentions(node, metric):
        yield "metric", "", _skeleton(node)
    elif is_metric_name(called, metric):
        yield "metric", "", _skeleton(node)
    for word in node.keywords:
        if word.arg in SEED_WORDS:
            yield "seed", called, f"{word.arg}={_skeleton(word.value)}"
        elif word.arg in SPLIT_WORDS and word.arg not in _SPLIT_ONLY:
            yield "split", called, f"{word.arg}={_skeleton(word.value)}"
        elif word.arg == "cv":
            yield "split", called, f"cv={_skeleton(word.value)}"
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
    if node.value is None:
        return
    for name in names:
        if len(names) == 1:
            yield from _named_facts(name, node.value)
        if labels and LABELS.match(name):
            yield "labels", "", f"{name} = {_skeleton(node.value)}"
        if name in context.reported:
            sign = f"{ast.unparse(node).partition('=')[0].strip()[-1]}=" if isinstance(node, ast.AugAssign) else "="
            yield "metric", "", f"{name} {sign} {_outline(node.value)}"
    if len(names) > 1 and isinstance(node.value, ast.Call) and callee(node.value) in SPLITTERS:
        # Which part is called what: the parts of a split change places by their names alone.
        yield "split", "", f"{', '.join(names)} = {callee(node.value)}(...)"


def _in_place_facts(node: ast.Call) -> Iterator[Fact]:
    """`rng.shuffle(y_test)`, `y.sort()`, `np.copyto(y_test, predicted)`."""
    if callee(node) in _IN_PLACE:
        changed = [*node.args[:1], *([node.func.value] if isinstance(node.func, ast.Attribute) else [])]
        if any(isinstance(item, ast.Name) and LABELS.match(item.id) for item in changed):
            yield "labels", "", _skeleton(node)


def _named_facts(name: str, value: ast.expr) -> Iterator[Fact]:
    kind = kind_of(name)
    if kind and not (isinstance(value, ast.Call) and callee(value) in SPLITTERS | SEEDERS):
        yield kind, "", f"{name} = {_skeleton(value)}"


class _Skeleton(ast.NodeTransformer):
    """Masks what is constructed inside an expression: a model built within a print is no part of the print."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        called = callee(node)
        if called[:1].isupper() or called in ("make_pipeline", "make_column_transformer"):
            return ast.Name(id="_", ctx=ast.Load())
        return self.generic_visit(node)


class _Outline(ast.NodeTransformer):
    """Masks the settings of what is called: a number that is computed with other settings is computed the same way."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if callee(node) in _PLAIN:
            return self.generic_visit(node)
        given = [cast(ast.expr, self.visit(item)) for item in node.args if not isinstance(item, ast.Constant)]
        return ast.Call(func=cast(ast.expr, self.visit(node.func)), args=given, keywords=[])


def _skeleton(node: ast.expr) -> str:
    """The expression as text without layout, what it constructs masked."""
    outermost = isinstance(node, ast.Call) and callee(node)[:1].isupper()
    copy = ast.parse(ast.unparse(node), mode="eval").body
    if outermost and isinstance(copy, ast.Call):
        copy.args = [cast(ast.expr, _Skeleton().visit(item)) for item in copy.args]
        return ast.unparse(copy)
    return ast.unparse(cast(ast.expr, _Skeleton().visit(copy)))


def _outline(node: ast.expr) -> str:
    copy = ast.parse(ast.unparse(node), mode="eval").body
    return ast.unparse(cast(ast.expr, _Outline().visit(_Skeleton().visit(copy))))


def _skeletons(body: list[ast.stmt]) -> str:
    module = ast.parse("\n".join(ast.unparse(statement) for statement in body))
    return "; ".join(ast.unparse(cast(ast.Module, _Skeleton().visit(module))).split("\n"))
