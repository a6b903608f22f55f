"""Features that are made of labels, before the split or on both sides of it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mlagent_app.editors.facts import Fact
from mlagent_app.editors.names import LABELS, MEASURED_LABELS, callee, is_measured, is_training, names_in
from mlagent_app.editors.rows import pairs, root_of

_COLUMN_JOINERS = frozenset({"hstack", "column_stack"})


@dataclass(frozen=True, slots=True)
class Labels:
    """Where a file has its labels.

    `columns` hold labels, `kept` are those that are never taken out of their frame, as (frame, column). `taken` are columns
    that are, `statistics` names of numbers for each group that are made of labels, `trained` new columns of training data.
    """

    columns: frozenset[str]
    kept: frozenset[tuple[str, str]]
    taken: frozenset[str]
    statistics: frozenset[str]
    trained: frozenset[str]


def labels_of(old: ast.Module, new: ast.Module, whole: frozenset[str]) -> Labels:
    """Where a file's two versions have their labels; what is taken out is what the new one takes out."""
    nodes = [node for tree in (old, new) for node in ast.walk(tree)]
    assigned = [node for node in nodes if isinstance(node, ast.Assign)]
    named = [(name, value) for node in assigned for name, value in pairs(node)]
    labels = Labels(
        frozenset(_label_columns(nodes, named)),
        frozenset(_frames_with_labels(new)),
        frozenset(_taken(new)),
        frozenset(),
        frozenset(column for node in assigned for frame, column in _columns_set(node) if is_training(frame)),
    )
    statistics = {
        name
        for name, value in named
        if name not in whole and not LABELS.match(name) and _by_group(value, whole) and any(_labels_in(value, labels, whole))
    }
    return Labels(labels.columns, labels.kept, labels.taken, frozenset(statistics), labels.trained)


def feature_facts(
    node: ast.Assign | ast.AugAssign | ast.AnnAssign, labels: Labels, unsplit: frozenset[str], whole: frozenset[str]
) -> Iterator[Fact]:
    """The labels that an assignment leaves, or puts, among the features. `whole` is data before its split."""
    if node.value is None:
        return
    for frame, column in _columns_set(node):
        if frame in whole and column not in labels.columns | labels.taken and not LABELS.match(column):
            yield from (
                ("leak", "", f"{frame}[{column!r}] is made of the labels, {used}")
                for used in _labels_in(node.value, labels, whole)
            )
        elif is_measured(frame) and not MEASURED_LABELS.match(frame) and column in labels.trained:
            used = [name for name in names_in(node.value) if MEASURED_LABELS.match(name)]
            yield from (("leak", "", f"{frame}[{column!r}] is made of {name}") for name in used[:1])
    if isinstance(node, ast.Assign):
        for name, value in pairs(node):
            yield from _kept_labels(name, value, labels, unsplit)
            yield from _joined_labels(name, value, labels, whole)


def _kept_labels(name: str, value: ast.expr, labels: Labels, unsplit: frozenset[str]) -> Iterator[Fact]:
    """`X = df.copy()` beside `y = df["y"]`, where X is what is split; features that are chosen by name are not these."""
    chosen = any(isinstance(item, ast.Subscript) for item in ast.walk(value))
    for frame, column in labels.kept:
        told = column in {ast.unparse(item) for item in ast.walk(value) if isinstance(item, ast.expr)}
        if name in unsplit and name != frame and root_of(value) == frame and not chosen and not told:
            yield "leak", "", f"{name} holds the labels, {frame}[{column}]"


def _joined_labels(name: str, value: ast.expr, labels: Labels, whole: frozenset[str]) -> Iterator[Fact]:
    """`X = np.c_[X, y]`, `df = df.assign(rate=...)`."""
    used: list[str] = []
    for item in ast.walk(value):
        if isinstance(item, ast.Call) and callee(item) == "assign" and name in whole:
            given = [w.value for w in item.keywords if w.arg not in labels.taken and not LABELS.match(w.arg or "")]
            used += [found for part in given for found in _labels_in(part, labels, whole)]
        elif name[:1] in ("x", "X") and _joins_columns(item) and name in names_in(item):
            if is_measured(name):
                used += [found for found in names_in(item) if MEASURED_LABELS.match(found)]
            elif name in whole:
                used += _labels_in(item, labels, whole)
    if used:
        yield "leak", "", f"{name} is made of the labels, {used[0]}"


def _joins_columns(node: ast.AST) -> bool:
    if isinstance(node, ast.Subscript):
        return isinstance(node.value, ast.Attribute) and node.value.attr == "c_"
    if not isinstance(node, ast.Call):
        return False
    sideways = any(word.arg == "axis" and ast.unparse(word.value) in ("1", "-1", "'columns'") for word in node.keywords)
    return callee(node) in _COLUMN_JOINERS or (sideways and callee(node) in ("concat", "concatenate"))


# -- where labels are ----------------------------------------------------------------------------------------------------


def _label_columns(nodes: Iterable[ast.AST], named: Iterable[tuple[str, ast.expr]]) -> Iterator[str]:
    """The columns of `y = df["y"]`, of `y = df.pop("y")`, and of `return X, df["y"]`."""
    values = [value for name, value in named if LABELS.match(name)]
    returned = [node.value for node in nodes if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple)]
    values += [value.elts[1] for value in returned if len(value.elts) == 2]
    for value in values:
        for item in ast.walk(value):
            if isinstance(item, ast.Subscript):
                yield from _texts(item.slice)
            elif isinstance(item, ast.Call) and callee(item) == "pop" and item.args:
                yield from _texts(item.args[0])


def _frames_with_labels(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Frames with the column of the labels, as text, where nothing in the file takes that column out."""
    told = {ast.unparse(part) for node in _takers(tree) for part in ast.walk(node) if isinstance(part, ast.Constant | ast.Name)}
    for node in ast.walk(tree):
        for name, value in pairs(node) if isinstance(node, ast.Assign) else ():
            if name.lower() in ("y", "labels", "target", "targets", "label") and isinstance(value, ast.Subscript):
                if isinstance(value.value, ast.Name) and isinstance(value.slice, ast.Constant | ast.Name):
                    if (column := ast.unparse(value.slice)) not in told:
                        yield value.value.id, column


def _taken(tree: ast.Module) -> Iterator[str]:
    """The columns that are dropped or popped somewhere."""
    for node in _takers(tree):
        yield from (item.value for item in ast.walk(node) if isinstance(item, ast.Constant) and isinstance(item.value, str))


def _takers(tree: ast.Module) -> list[ast.AST]:
    return [
        n for n in ast.walk(tree) if isinstance(n, ast.Delete) or (isinstance(n, ast.Call) and callee(n) in ("drop", "pop"))
    ]


def _columns_set(node: ast.Assign | ast.AugAssign | ast.AnnAssign) -> Iterator[tuple[str, str]]:
    """The frames and columns that get new values: `df["a"] = ...`, `df.loc[:, "a"] = ...`."""
    for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
        match target:
            case ast.Subscript(value=ast.Name(id=frame), slice=ast.Constant(value=str() as column)):
                yield frame, column
            case ast.Subscript(
                value=ast.Attribute(value=ast.Name(id=frame), attr="loc"),
                slice=ast.Tuple(elts=[_, ast.Constant(value=str() as column)]),
            ):
                yield frame, column
            case ast.Subscript(value=ast.Name(id=frame), slice=ast.JoinedStr() as column):
                yield frame, ast.unparse(column)
            case _:
                pass


def _by_group(value: ast.expr, whole: frozenset[str]) -> bool:
    """Whether an expression has a number for each group of all rows: `df.groupby("city")["y"].mean()`."""
    return any(
        isinstance(item, ast.Call)
        and callee(item) in ("groupby", "pivot_table")
        and isinstance(item.func, ast.Attribute)
        and root_of(item.func.value) in whole
        for item in ast.walk(value)
    )


def _labels_in(node: ast.AST, labels: Labels, whole: frozenset[str]) -> Iterator[str]:
    """What of an expression are labels of the same time or later; what was known before is none of them."""
    match node:
        case ast.Call() if _looks_back(node):
            return
        case ast.Subscript(value=value, slice=index):
            if isinstance(value, ast.Call) and _looks_back(value):
                return
            if _beginning(value) in whole:
                yield from (text for text in _texts(index) if text in labels.columns)
        case ast.Attribute(value=value, attr=column) if column in labels.columns and _beginning(value) in whole:
            yield column
        case ast.Name(id=name) if name in labels.statistics or (LABELS.match(name) and name in whole):
            yield name
        case _:
            pass
    for child in ast.iter_child_nodes(node):
        yield from _labels_in(child, labels, whole)


def _looks_back(node: ast.Call) -> bool:
    """`df["y"].shift(1)`, and a function of groups that does so."""
    if callee(node) in ("transform", "apply"):
        return any(isinstance(item, ast.Call) and _looks_back(item) for part in node.args for item in ast.walk(part))
    steps = [*node.args[:1], *(word.value for word in node.keywords if word.arg == "periods")]
    centred = any(isinstance(item, ast.keyword) and item.arg == "center" for item in ast.walk(node))
    return callee(node) == "shift" and not centred and not any(isinstance(step, ast.UnaryOp) for step in steps)


def _texts(node: ast.expr) -> Iterator[str]:
    """`"a"`, or the texts of `["a", "b"]`."""
    for item in node.elts if isinstance(node, ast.List | ast.Tuple) else [node]:
        if isinstance(item, ast.Constant) and isinstance(item.value, str):
            yield item.value


def _beginning(node: ast.expr) -> str:
    """`df` of `df.groupby("city")["y"].mean`."""
    while isinstance(node, ast.Call | ast.Attribute | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""
