"""Which rows of a script's data are split into which parts, and which labels only training sees."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from mlagent_app.editors.catalogue.protected import SPLITTERS, name_words
from mlagent_app.editors.names import LABELS, callee, is_measured, is_training, names_in

_WHOLE_SPLITTERS = frozenset({"train_test_split", "random_split", "temporal_train_test_split"})
_SAME_ROWS = frozenset("copy drop pop to_numpy astype fillna".split())
_COLUMN_WORDS = frozenset("col cols column columns feature features feat feats target targets label labels".split())
_CHOOSING = frozenset("dropna drop_duplicates query head tail sample nlargest nsmallest truncate".split())
_MASK_WORDS = frozenset("mask keep kept inliers good easy".split())
_RANDOM = re.compile(r"shuffle|permut|rand|choice")


def unsplit_names(trees: Iterable[ast.Module]) -> frozenset[str]:
    """The names of what a file's versions split into parts; a part for training that is split again is none of them."""
    found: set[str] = set()
    for tree in trees:
        made = _made_by_splits(tree)
        splits = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and callee(node) in _WHOLE_SPLITTERS]
        for node in splits:
            given = {name for item in node.args for name in names_in(item)}
            if not (_is_of_training(node) and given <= made):
                found |= given
    return frozenset(found)


def _made_by_splits(tree: ast.Module) -> frozenset[str]:
    """The names of the parts of all splits but those of a part for training."""
    splits = [node for node in ast.walk(tree) if isinstance(node, ast.Assign) and _is_split(node.value)]
    return frozenset(
        name for node in splits if not _is_of_training(node.value) for target in node.targets for name in names_in(target)
    )


def same_rows(trees: Iterable[ast.Module], unsplit: frozenset[str]) -> frozenset[str]:
    """The names of data with the rows that are split: the data itself, and the frames that its columns come from."""
    found = set(unsplit)
    steps = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Assign)]
    size = -1
    while size != len(found):
        size = len(found)
        for node in steps:
            found |= {root for name, value in pairs(node) if name in found and (root := root_of(value))}
    return frozenset(found)


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


def row_choices(node: ast.AST, whole: frozenset[str]) -> Iterator[str]:
    """How a statement chooses rows of data before its split, and with them what is measured on."""
    if isinstance(node, ast.Assign):
        for name, value in pairs(node):
            if name in whole:
                yield from (f"rows of {name} by {choice}" for choice in _choices(value))
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        call = node.value
        in_place = any(word.arg == "inplace" for word in call.keywords)
        if in_place and isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name):
            if (name := call.func.value.id) in whole:
                yield from (f"rows of {name} by {choice}" for choice in _choices(call))


def _choices(node: ast.expr) -> Iterator[str]:
    """The steps of a chain of methods and indices that leave rows out or in another order."""
    while True:
        match node:
            case ast.Call(func=ast.Attribute(value=value, attr=called)):
                of_columns = any(word.arg == "axis" and ast.unparse(word.value) in ("1", "'columns'") for word in node.keywords)
                if called in _CHOOSING and not of_columns:
                    yield f"{called}({', '.join(map(ast.unparse, (*node.args, *node.keywords)))})"
                node = value
            case ast.Subscript(value=value, slice=index):
                text = isinstance(value, ast.Attribute) and value.attr == "str"
                if not text and _is_mask(index):
                    yield f"[{ast.unparse(index)}]"
                node = value
            case ast.Attribute(value=value):
                node = value
            case _:
                return


def _is_mask(index: ast.expr) -> bool:
    match index:
        case ast.Tuple(elts=[first, *_]):
            return _is_mask(first)
        case ast.Slice():
            return any(item is not None for item in (index.lower, index.upper, index.step))
        case ast.Name(id=name):
            return bool(_MASK_WORDS & set(name_words(name)))
        case ast.Call(func=ast.Attribute(attr=called)):
            return called in ("isin", "between", "notna", "notnull", "duplicated")
        case ast.UnaryOp(op=ast.Invert()) | ast.BinOp(op=ast.BitAnd() | ast.BitOr()):
            return True
        case _:
            return isinstance(index, ast.Compare)


# -- training data alone -----------------------------------------------------------------------------------------------


def inner_splits(old: ast.Module, new: ast.Module) -> frozenset[str]:
    """The new splits of a part for training that another split made, as text: what is measured on stays as it was.

    None when the old version splits such a part already: what comes of it may be measured on.
    """
    if any(isinstance(node, ast.Call) and _is_of_training(node) for node in ast.walk(old)):
        return frozenset()
    before = {node.id for node in ast.walk(old) if isinstance(node, ast.Name)}
    splits = [node for node in ast.walk(new) if isinstance(node, ast.Assign) and _is_split(node.value)]
    made = _made_by_splits(new)
    found: set[str] = set()
    for node in splits:
        targets = {name for target in node.targets for name in names_in(target)}
        given = {name for item in getattr(node.value, "args", ()) for name in names_in(item)}
        if _is_of_training(node.value) and given <= made and not {name for name in targets & before if is_measured(name)}:
            found.add(ast.unparse(node.value))
    return frozenset(found)


def _is_split(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and callee(node) in SPLITTERS


def _is_of_training(node: ast.AST) -> bool:
    """Whether all that a call splits is for training by its name."""
    given = node.args if isinstance(node, ast.Call) and callee(node) in SPLITTERS else []
    return bool(given) and all(isinstance(item, ast.Name) and is_training(item.id) for item in given)


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
