"""Warnings about an edit that may change what is measured instead of making it better, whoever wrote the edit.

An edit is compared by what the files say before and after, not by its lines: moving or reformatting a seed is no change of it.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, cast

from mlagent_app.agent.metrics import MAXIMISED, MINIMISED, MetricSpec, words
from mlagent_app.editors.catalogue.protected import EVALUATORS, SEED_WORDS, SEEDERS, SPLIT_WORDS, SPLITTERS, name_words
from mlagent_app.editors.catalogue.scalars import load
from mlagent_app.editors.catalogue.values import Style

# (kind, place, what is said there); the place is what must still exist for its going to count as a change.
_Fact = tuple[str, str, str]

_KINDS = {
    "metric": "touches how the metric is computed or printed",
    "split": "touches how the data is split",
    "seed": "touches the seed",
    "labels": "touches the labels",
    "dependency": "needs a package that the project does not use yet",
}
_STYLES: dict[str, Style] = {"yaml": "yaml", "yml": "yaml", "toml": "toml", "json": "json"}
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
_PRINTERS = frozenset(
    "print info echo write writerow log log_metric log_metrics report dump dumps secho debug warning add_scalar".split()
)
_LABELS = re.compile(
    r"(y|labels?|targets?)(_(train|test|val|valid|eval|tr|te|va|true|all))?\Z|(train|test|val|valid)_(y|labels?|targets?)\Z"
)
_SPLIT_ONLY = frozenset({"shuffle", "groups", "folds", "cv"})
_LINE_WORDS: dict[str, re.Pattern[str]] = {
    "seed": re.compile(r"\b(random_state|\w*seed\w*)\b", re.IGNORECASE),
    "split": re.compile(
        r"\b(train_test_split|test_size|train_size|\w*KFold|n_splits|random_split|val_split|validation_split|cv=)"
    ),
}


def flags(diff: str, files_before: Mapping[str, str], files_after: Mapping[str, str], spec: MetricSpec) -> tuple[str, ...]:
    """What an edit touches that it should not, one line each, in a fixed order; empty when there is nothing to say.

    `diff` is the unified diff between the two sets of files; it is read where a Python file does not parse. Each line begins
    with its kind: `metric`, `split`, `seed`, `labels` or `dependency`.
    """
    found: dict[str, list[str]] = {}
    for name in sorted(files_before.keys() | files_after.keys()):
        before, after = files_before.get(name, ""), files_after.get(name, "")
        if before != after:
            for kind, detail in _changes(name, before, after, diff, spec):
                found.setdefault(kind, []).append(detail)
    for module in _new_modules(files_before, files_after):
        found.setdefault("dependency", []).append(module)
    return tuple(f"{kind}: {text} ({', '.join(dict.fromkeys(found[kind]))})" for kind, text in _KINDS.items() if kind in found)


def _changes(name: str, before: str, after: str, diff: str, spec: MetricSpec) -> Iterator[tuple[str, str]]:
    suffix = name.rpartition(".")[2].lower()
    if suffix in _STYLES:
        yield from _document_changes(before, after, _STYLES[suffix])
    if suffix != "py":
        return
    old, new = _tree(before), _tree(after)
    if old is None or new is None:
        yield from _line_changes(name, diff, spec)
        return
    # Most edits touch one statement; only when that one raises something are the whole files compared.
    if any(_fact_changes(*_differing(old, before, new, after), spec)):
        yield from _fact_changes(old.body, new.body, spec)


def _differing(old: ast.Module, before: str, new: ast.Module, after: str) -> tuple[list[ast.stmt], list[ast.stmt]]:
    """The statements of the module whose text is not in the other file."""
    texts_before, texts_after = _statement_texts(old, before), _statement_texts(new, after)
    ours, theirs = set(texts_before), set(texts_after)
    return (
        [node for node, text in zip(old.body, texts_before, strict=True) if text not in theirs],
        [node for node, text in zip(new.body, texts_after, strict=True) if text not in ours],
    )


def _statement_texts(tree: ast.Module, text: str) -> list[str]:
    """Each statement's whole lines, decorators included."""
    lines = re.split(r"\r\n|\r|\n", text)
    starts = [min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))]) for node in tree.body]
    return ["\n".join(lines[start - 1 : node.end_lineno]) for start, node in zip(starts, tree.body, strict=True)]


def _fact_changes(old: list[ast.stmt], new: list[ast.stmt], spec: MetricSpec) -> Iterator[tuple[str, str]]:
    facts_before, facts_after = Counter(_facts(old, spec)), Counter(_facts(new, spec))
    callees_before, callees_after = _callees(old), _callees(new)
    for fact in _dropped(facts_before, facts_after, callees_before, callees_after):
        yield fact[0], fact[2] or fact[1]
    for fact in _added(facts_before, facts_after, callees_before, callees_after):
        yield fact[0], fact[2] or fact[1]


def _dropped(before: Counter[_Fact], after: Counter[_Fact], called: Counter[str], still: Counter[str]) -> Iterator[_Fact]:
    """What is no longer said, unless the very call that it was said in went as a whole (a seeded model replaced)."""
    said = Counter((kind, text) for kind, _, text in after.elements())
    for fact in before - after:
        kind, place, text = fact
        moved = said[kind, text] >= sum(n for (k, _, t), n in before.items() if (k, t) == (kind, text))
        if not moved and (not place or still[place] >= called[place]):
            yield fact


def _added(before: Counter[_Fact], after: Counter[_Fact], called: Counter[str], now: Counter[str]) -> Iterator[_Fact]:
    """What is newly said, unless it repeats what is said elsewhere or belongs to a call that is new as a whole."""
    said = {(kind, text) for kind, _, text in before}
    for fact in after - before:
        kind, place, text = fact
        if (kind, text) not in said and not (place and now[place] > called[place]):
            yield fact


def _tree(text: str) -> ast.Module | None:
    try:
        return ast.parse(text.lstrip("\ufeff"))
    except (SyntaxError, ValueError, RecursionError):
        return None


def _walk(body: list[ast.stmt]) -> Iterator[ast.AST]:
    for statement in body:
        yield from ast.walk(statement)


def _callees(body: list[ast.stmt]) -> Counter[str]:
    return Counter(_callee(node) for node in _walk(body) if isinstance(node, ast.Call))


def _callee(node: ast.Call) -> str:
    func = node.func
    return func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""


def _facts(body: list[ast.stmt], spec: MetricSpec) -> Iterator[_Fact]:
    metric = frozenset(words(spec.name))
    in_class: set[ast.AST] = set()
    for node in _walk(body):
        if isinstance(node, ast.ClassDef):
            in_class.update(ast.walk(node))
        if isinstance(node, ast.Call):
            yield from _call_facts(node, metric)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if _METRIC_FUNCTIONS.match(node.name) or _is_metric_name(node.name, metric):
                yield "metric", "", f"def {node.name}: {_skeletons(node.body)}"
            yield from _default_facts(node.args)
        elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
            yield from _assignment_facts(node, labels=node not in in_class)
        elif isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            yield from (
                fact for key, value in pairs if isinstance(key, ast.Constant) for fact in _named_facts(str(key.value), value)
            )


def _call_facts(node: ast.Call, metric: frozenset[str]) -> Iterator[_Fact]:
    callee = _callee(node)
    if callee in SEEDERS:
        yield "seed", "", _skeleton(node)
    elif callee in SPLITTERS:
        yield "split", "", _skeleton(node)
    elif callee in EVALUATORS:
        yield "metric", "", _skeleton(node)
    elif callee in _PRINTERS and _mentions(node, metric):
        yield "metric", "", _skeleton(node)
    elif _is_metric_name(callee, metric):
        yield "metric", "", _skeleton(node)
    for word in node.keywords:
        if word.arg in SEED_WORDS:
            yield "seed", callee, f"{word.arg}={_skeleton(word.value)}"
        elif word.arg in SPLIT_WORDS and word.arg not in _SPLIT_ONLY:
            yield "split", callee, f"{word.arg}={_skeleton(word.value)}"
        elif word.arg == "cv":
            yield "split", callee, f"cv={_skeleton(word.value)}"
    if callee == "add_argument" and node.args and isinstance(node.args[0], ast.Constant):
        default = next((word.value for word in node.keywords if word.arg == "default"), None)
        if default is not None:
            yield from _named_facts(str(node.args[0].value).lstrip("-"), default)


def _is_metric_name(name: str, metric: frozenset[str]) -> bool:
    """`accuracy_score`, `mean_squared_error`, `compute_f1`; not classes such as `CrossEntropyLoss`, which train."""
    if not name or name[0].isupper() or _TRAINING_LOSS.match(name):
        return False
    parts = set(words(name))
    ends = name.endswith(("_score", "_error", "_accuracy", "_auc"))
    return ends or bool(parts & (metric - _VAGUE)) or bool(parts & (_METRIC_NAMES - _VAGUE))


def _mentions(node: ast.Call, metric: frozenset[str]) -> bool:
    """Whether a printing call's texts or names speak of the metric."""
    texts = [str(n.value) for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    names = [n.id for n in ast.walk(node) if isinstance(n, ast.Name)]
    keys = metric - {"val", "valid", "test", "best", "mean"}
    return any(keys & set(words(text)) for text in (*texts, *names))


def _default_facts(arguments: ast.arguments) -> Iterator[_Fact]:
    positional = [*arguments.posonlyargs, *arguments.args]
    with_default = positional[len(positional) - len(arguments.defaults) :] if arguments.defaults else []
    for argument, default in (
        *zip(with_default, arguments.defaults, strict=True),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ):
        if default is not None:
            yield from _named_facts(argument.arg, default)


def _assignment_facts(node: ast.Assign | ast.AnnAssign | ast.AugAssign, *, labels: bool) -> Iterator[_Fact]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    names = [n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)]
    if node.value is None:
        return
    for name in names:
        if len(names) == 1:
            yield from _named_facts(name, node.value)
        if labels and _LABELS.match(name):
            yield "labels", "", f"{name} = {_skeleton(node.value)}"


def _named_facts(name: str, value: ast.expr) -> Iterator[_Fact]:
    kind = _kind_of(name)
    if kind and not (isinstance(value, ast.Call) and _callee(value) in SPLITTERS | SEEDERS):
        yield kind, "", f"{name} = {_skeleton(value)}"


def _kind_of(name: str) -> str:
    """Whether a constant, option or key of this name is a seed or says how data is split."""
    flat = "_".join(name_words(name))
    if flat in SEED_WORDS - {"generator", "rng"} or "seed" in flat.split("_") or flat.endswith("random_state"):
        return "seed"
    return "split" if flat in SPLIT_WORDS - _SPLIT_ONLY else ""


class _Skeleton(ast.NodeTransformer):
    """Masks what is constructed inside an expression: a model built within a print is no part of the print."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        callee = _callee(node)
        if callee[:1].isupper() or callee in ("make_pipeline", "make_column_transformer"):
            return ast.Name(id="_", ctx=ast.Load())
        return self.generic_visit(node)


def _skeleton(node: ast.expr) -> str:
    """The expression as text without layout, what it constructs masked."""
    outermost = isinstance(node, ast.Call) and _callee(node)[:1].isupper()
    copy = ast.parse(ast.unparse(node), mode="eval").body
    if outermost and isinstance(copy, ast.Call):
        copy.args = [cast(ast.expr, _Skeleton().visit(item)) for item in copy.args]
        return ast.unparse(copy)
    return ast.unparse(cast(ast.expr, _Skeleton().visit(copy)))


def _skeletons(body: list[ast.stmt]) -> str:
    module = ast.parse("\n".join(ast.unparse(statement) for statement in body))
    return "; ".join(ast.unparse(cast(ast.Module, _Skeleton().visit(module))).split("\n"))


# -- other files ---------------------------------------------------------------------------------------------------


def _document_changes(before: str, after: str, style: Style) -> Iterator[tuple[str, str]]:
    try:
        old, new = dict(_leaves(load(before, style), "")), dict(_leaves(load(after, style), ""))
    except (ValueError, RecursionError):
        return
    for path in sorted(old.keys() | new.keys()):
        if old.get(path) != new.get(path):
            for part in path.split("."):
                if kind := _kind_of(part):
                    yield kind, path


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - a document can be anything
    if isinstance(value, dict):
        for key, item in cast("dict[object, object]", value).items():
            yield from _leaves(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, item in enumerate(cast("list[object]", value)):
            yield from _leaves(item, f"{path}.{index}")
    else:
        yield path, repr(value)


def _line_changes(name: str, diff: str, spec: MetricSpec) -> Iterator[tuple[str, str]]:
    """By the changed lines of a file that does not parse."""
    metric = frozenset(words(spec.name))
    current = ""
    for line in diff.split("\n"):
        if line.startswith("+++ "):
            current = line[4:].removeprefix("b/").strip()
        elif current == name and line[:1] in ("+", "-") and not line.startswith("--- "):
            text = line[1:].strip()
            yield from ((kind, text) for kind, pattern in _LINE_WORDS.items() if pattern.search(text))
            if "print" in text and metric & set(words(text)):
                yield "metric", text


def _new_modules(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Top-level packages that only the new files import: not of the standard library, not of the project."""
    changed = [name for name in after if after[name] != before.get(name)]
    now = {module for name in changed for module in _modules(name, after[name])}
    if not now:
        return []
    known = {module for name, text in before.items() for module in _modules(name, text)}
    own = {
        part for name in after for part in (name.split("/")[0], name.rpartition("/")[2]) for part in (part.removesuffix(".py"),)
    }
    folders = {part for name in after for part in name.split("/")[:-1]}
    return sorted(now - known - own - folders - sys.stdlib_module_names)


def _modules(name: str, text: str) -> set[str]:
    tree = _tree(text) if name.endswith(".py") else None
    found: set[str] = set()
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found
