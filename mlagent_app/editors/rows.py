"""Which rows of a script's data are split into which parts, and which labels only training sees."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence

from mlagent_app.editors.catalogue.protected import SPLITTERS, name_words
from mlagent_app.editors.measuring import Function, returned
from mlagent_app.editors.names import LABELS, callee, is_measured, is_training, names_in

_CROSS_VALIDATIONS = frozenset({"cross_val_score", "cross_validate", "cross_val_predict"})
_WHOLE_SPLITTERS = frozenset({"train_test_split", "random_split", "temporal_train_test_split"})
_SAME_ROWS = frozenset("copy drop pop to_numpy astype fillna".split())
_COLUMN_WORDS = frozenset("col cols column columns feature features feat feats target targets label labels".split())
_CHOOSING = frozenset("dropna drop_duplicates query head tail sample nlargest nsmallest truncate".split())
_MASK_WORDS = frozenset("mask keep kept inliers good easy".split())
_CONDITIONS = frozenset("isin between notna notnull duplicated".split())
_ROW_FINDERS = frozenset("where nonzero flatnonzero permutation randperm".split())
_RANDOM = re.compile(r"shuffle|permut|rand|choice")


def unsplit_names(trees: Iterable[ast.Module]) -> frozenset[str]:
    """The names of what a file's versions split into parts; a part for training that is split again is none of them."""
    found: set[str] = set()
    for tree in trees:
        made = _made_by_splits(tree)
        splits = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and callee(node) in _WHOLE_SPLITTERS]
        for node in splits:
            given = {name for item in _split_data(node) for name in names_in(item)}
            if not (_splits_training(node) and given <= made):
                found |= given
        found |= {name for name, in_turns in _cut(tree) if not in_turns}
    return frozenset(found)


def whole_names(trees: Sequence[ast.Module], unsplit: frozenset[str]) -> frozenset[str]:
    """The names of data with the rows of what is measured on in parts: split once, or in turns by a cross-validation."""
    return same_rows(trees, unsplit.union(*map(_cross_validated, trees)))


def _cross_validated(tree: ast.Module) -> set[str]:
    """The names of what a cross-validation measures on, but a function's parameters: they mean what a caller gives."""
    found = {name for name, _ in _cut(tree)}
    parameters = {
        item: {argument.arg for argument in function.args.args}
        for function in ast.walk(tree)
        if isinstance(function, Function)
        for item in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and callee(node) in _CROSS_VALIDATIONS:
            given = {root_of(item) for item in validated_data(node)} - parameters.get(node, set())
            found |= {root for root in given if root and not is_training(root)}
    return found


def validated_data(node: ast.Call) -> list[ast.expr]:
    """The data that a cross-validation is given."""
    return [*node.args[1:3], *(word.value for word in node.keywords if word.arg in ("X", "y"))]


def _cut(tree: ast.Module) -> Iterator[tuple[str, bool]]:
    """What `X_test = X[n:]` takes rows of, and whether it does so in turns: `X_test = X[fold]`."""
    nodes = list(ast.walk(tree))
    taken = [
        (node, root, value.slice)
        for node in nodes
        if isinstance(node, ast.Assign)
        for name, value in pairs(node)
        if is_measured(name) and isinstance(value, ast.Subscript) and (root := _cut_data(value.value))
    ]
    loops = [node for node in nodes if isinstance(node, ast.For | ast.While)] if taken else []
    for node, root, index in taken:
        if isinstance(index, ast.Name) and not _is_column(index):
            yield root, True
        elif _is_mask(index, frozenset()):
            yield root, any(node in ast.walk(loop) for loop in loops)


def _cut_data(node: ast.expr) -> str:
    """The data before a split that is indexed, as `X` of `X.iloc[n:]`."""
    if isinstance(node, ast.Attribute) and node.attr in ("iloc", "loc"):
        node = node.value
    name = node.id if isinstance(node, ast.Name) else ""
    return "" if is_measured(name) or is_training(name) else name


def _made_by_splits(tree: ast.Module) -> frozenset[str]:
    """The names of the parts of all splits but those of a part for training."""
    splits = [node for node in ast.walk(tree) if isinstance(node, ast.Assign) and _is_split(node.value)]
    return frozenset(
        name for node in splits if not _splits_training(node.value) for target in node.targets for name in names_in(target)
    )


def same_rows(trees: Iterable[ast.Module], unsplit: frozenset[str]) -> frozenset[str]:
    """The names of data with the rows that are split: the data itself, and the frames that its columns come from."""
    found = set(unsplit)
    nodes = [node for tree in trees for node in ast.walk(tree)]
    functions = [node for node in nodes if isinstance(node, Function)]
    steps = [pair for node in nodes if isinstance(node, ast.Assign) for pair in (*pairs(node), *_results(node, functions))]
    size = -1
    while size != len(found):
        size = len(found)
        found |= {root for name, value in steps if name in found and (root := root_of(value))}
    return frozenset(found)


def _results(node: ast.Assign, functions: Iterable[Function]) -> Iterator[tuple[str, ast.expr]]:
    """Each name that gets what a function of the file returns, with the value there: `X, y = load_data()`."""
    called = callee(node.value) if isinstance(node.value, ast.Call) else ""
    for function in functions:
        if called == function.name:
            for value in returned(function):
                yield from pairs(ast.Assign(targets=node.targets, value=value))


def pairs(node: ast.Assign) -> Iterator[tuple[str, ast.expr]]:
    """Each name that is assigned, with the value that it gets."""
    for target in node.targets:
        match target, node.value:
            case ast.Name(id=name), value:
                yield name, value
            case ast.Tuple(elts=targets), ast.Tuple(elts=values) if len(targets) == len(values):
                named = zip(targets, values, strict=True)
                yield from ((part.id, value) for part, value in named if isinstance(part, ast.Name))
            case _:
                pass


def root_of(node: ast.expr) -> str:
    """The data that an expression has all rows of, in their order: `df` of `df.drop(columns="y").values`."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr="values"):
            return root_of(value)
        case ast.Call(func=ast.Attribute(value=value, attr=called)) if called in _SAME_ROWS:
            by_row = called == "drop" and not any(word.arg in ("columns", "axis") for word in node.keywords)
            return "" if by_row else root_of(value)
        case ast.Call(func=ast.Attribute(attr="transform" | "fit_transform"), args=[first, *_]):
            return root_of(first)
        case ast.Subscript(value=value, slice=index) if _is_column(index):
            return root_of(value)
        case _:
            return ""


def _is_column(index: ast.expr) -> bool:
    match index:
        case ast.Constant(value=str()):
            return True
        case ast.List(elts=items):
            return all(map(_is_column, items))
        case ast.Name(id=name):
            return bool(_COLUMN_WORDS & set(name_words(name)))
        case _:
            return False


def mask_names(trees: Iterable[ast.Module]) -> frozenset[str]:
    """The names of conditions on rows, and of the places of rows: `high = df.price > 9`, `order = rng.permutation(n)`."""
    assigned = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Assign)]
    return frozenset(name for node in assigned for name, value in pairs(node) if _finds_rows(value))


def _finds_rows(value: ast.expr) -> bool:
    while isinstance(value, ast.Subscript):
        value = value.value
    return _is_condition(value) or (isinstance(value, ast.Call) and callee(value) in _ROW_FINDERS)


def row_choices(node: ast.AST, whole: frozenset[str], masks: frozenset[str]) -> Iterator[str]:
    """How a statement chooses rows of data before its split, and with them what is measured on."""
    if isinstance(node, ast.Assign):
        for name, value in pairs(node):
            if name in whole:
                yield from (f"rows of {name} by {choice}" for choice in _choices(value, masks))
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        call = node.value
        in_place = any(word.arg == "inplace" for word in call.keywords)
        if in_place and isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name):
            if (name := call.func.value.id) in whole:
                yield from (f"rows of {name} by {choice}" for choice in _choices(call, masks))


def _choices(node: ast.expr, masks: frozenset[str]) -> Iterator[str]:
    """The steps of a chain of methods and indices that leave rows out or in another order."""
    while True:
        match node:
            case ast.Call(func=ast.Attribute(value=value, attr=called)):
                of_columns = any(word.arg == "axis" and ast.unparse(word.value) in ("1", "'columns'") for word in node.keywords)
                if (called in _CHOOSING and not of_columns) or _drops_rows(node) or (called == "filter" and _is_grouped(value)):
                    yield f"{called}({', '.join(map(ast.unparse, (*node.args, *node.keywords)))})"
                node = value
            case ast.Subscript(value=value, slice=index):
                text = isinstance(value, ast.Attribute) and value.attr == "str"
                if not text and _is_mask(index, masks):
                    yield f"[{ast.unparse(index)}]"
                node = value
            case ast.Attribute(value=value):
                node = value
            case _:
                return


def _drops_rows(node: ast.Call) -> bool:
    """`df.drop(df[df.a > 3].index)`; columns are dropped by their own argument, or along an axis."""
    words = {word.arg for word in node.keywords}
    by_place = len(node.args) == 1 and not words & {"columns", "axis"}
    return callee(node) == "drop" and (by_place or "index" in words)


def _is_grouped(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and callee(node) == "groupby"


def _is_mask(index: ast.expr, masks: frozenset[str]) -> bool:
    match index:
        case ast.Tuple(elts=[first, *_]):
            return _is_mask(first, masks)
        case ast.Slice():
            return any(item is not None for item in (index.lower, index.upper, index.step))
        case ast.Name(id=name):
            return name in masks or bool(_MASK_WORDS & set(name_words(name)))
        case _:
            return _is_condition(index)


def _is_condition(node: ast.expr) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(attr=called)):
            return called in _CONDITIONS
        case ast.UnaryOp(op=ast.Invert()) | ast.BinOp(op=ast.BitAnd() | ast.BitOr()):
            return True
        case _:
            return isinstance(node, ast.Compare)


# -- training data alone -----------------------------------------------------------------------------------------------


def inner_splits(old: ast.Module, new: ast.Module) -> frozenset[str]:
    """The new splits of a part for training that another split made, as text: what is measured on stays as it was.

    None when the old version splits such a part already: what comes of it may be measured on.
    """
    if any(isinstance(node, ast.Call) and _splits_training(node) for node in ast.walk(old)):
        return frozenset()
    before = {node.id for node in ast.walk(old) if isinstance(node, ast.Name)}
    splits = [node for node in ast.walk(new) if isinstance(node, ast.Assign) and _is_split(node.value)]
    made = _made_by_splits(new)
    found: set[str] = set()
    for node in splits:
        targets = {name for target in node.targets for name in names_in(target)}
        given = {name for item in _split_data(node.value) for name in names_in(item)}
        if _splits_training(node.value) and given <= made and not {name for name in targets & before if is_measured(name)}:
            found.add(ast.unparse(node.value))
    return frozenset(found)


def _is_split(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and callee(node) in SPLITTERS


def _split_data(node: ast.AST) -> list[ast.expr]:
    """The data that a call splits: `random_split` takes the sizes of the parts beside it."""
    given = node.args if isinstance(node, ast.Call) else []
    return given[:1] if isinstance(node, ast.Call) and callee(node) == "random_split" else given


def _splits_training(node: ast.AST) -> bool:
    """Whether all that a call splits is for training by its name."""
    given = _split_data(node) if _is_split(node) else []
    return bool(given) and all(isinstance(item, ast.Name) and is_training(item.id) for item in given)


def are_for_training(given: list[ast.expr]) -> bool:
    """Whether all that is given is for training by its name, whole or a part of it."""
    return bool(given) and all(is_training(root_of(item)) for item in given)


def trains_only(targets: Iterable[str], value: ast.expr, whole: frozenset[str], compared: frozenset[str]) -> bool:
    """Whether labels for training are made of data for training, in no random way, and compared with no prediction."""
    names, values = set(targets), set(names_in(value))
    foreign = {name for name in values if is_measured(name) or name in whole or (LABELS.match(name) and not is_training(name))}
    return (
        all(map(is_training, names))
        and any(map(is_training, values))
        and not foreign
        and not names & compared
        and not any(_RANDOM.search(name) for name in values)
    )
