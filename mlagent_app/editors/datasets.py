"""Which parts of the data an expression holds, by what they come from, whatever they are called on the way."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence

from mlagent_app.editors.catalogue.protected import name_words
from mlagent_app.editors.measuring import Function
from mlagent_app.editors.names import callee
from mlagent_app.editors.renamed import handed

# The data, the key of the part in it, and the rows of the part; empty where it is all.
Part = tuple[str, str, str]

_SAME_ROWS = frozenset(
    "map shuffle with_format with_transform set_format cast cast_column rename_column rename_columns remove_columns"
    " select_columns add_column class_encode_column flatten flatten_indices to_iterable_dataset prepare_for_task".split()
)
_FEWER_ROWS = frozenset("select filter shard take skip".split())
_JOINERS = frozenset("concatenate_datasets interleave_datasets ConcatDataset ChainDataset concat concatenate chain".split())
_PART_WORDS = frozenset("train training test val valid validation dev eval holdout".split())
# What hands out the rows that it is given, and arguments by which a data set says which part it is: `MNIST(root, train=False)`.
_LOADERS = frozenset({"DataLoader"})
_PART_ARGUMENTS = frozenset({"train", "split", "subset", "partition", "mode", "stage"})
_TAKERS = frozenset({"pop", "get"})
# How many names are followed, one from the other: names that are given anew again and again lead everywhere.
_FAR = 6


def label(part: Part) -> str:
    """A part as a flag names it."""
    data, key, rows = part
    place = key if key.isdigit() else repr(key)
    return f"{data}[{place}]{rows}" if key else f"{data}{rows}"


def is_made(part: Part) -> bool:
    """Whether a part is all that a call makes, which says nothing of the rows in it."""
    data, key, rows = part
    return data.endswith(")") and not key and not rows


def shared(some: Iterable[Part], others: Iterable[Part]) -> list[Part]:
    """The parts of `some` that others hold rows of; different choices of rows of one part are taken to be apart."""
    known = list(others)
    return sorted(
        part
        for part in some
        if any(part[:2] == other[:2] and (part[2] == other[2] or not (part[2] and other[2])) for other in known)
    )


class Parts:
    """The parts of a file's data. Names are read as if each meant one thing in all of the file, or one of several."""

    def __init__(self, nodes: Sequence[ast.AST]) -> None:
        self._given: dict[str, list[ast.expr]] = {}
        functions = [node for node in nodes if isinstance(node, Function)]
        for node in nodes:
            for text, value in (*_assigned(node), *handed(node, functions)):
                self._given.setdefault(text, []).append(value)
        self._cut = {_source(node): _cut_data(node) for node in nodes if isinstance(node, ast.Call) and _is_cut(node)}
        self._whole = frozenset(item.id for given in self._cut.values() for item in given if isinstance(item, ast.Name))

    def of_all(self, nodes: Iterable[ast.expr]) -> frozenset[Part]:
        """The parts that any of these expressions holds."""
        return frozenset(part for node in nodes for part in self._of(node, frozenset()))

    def with_sources(self, parts: Iterable[Part]) -> frozenset[Part]:
        """These parts, and the data that `train_test_split` cut them off, where the name of that means nothing else later."""
        found = frozenset(parts)
        sources = [node for data, _, _ in found for node in self._cut.get(data, ()) if self._is_fixed(node)]
        return found | self.of_all(sources)

    def _is_fixed(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Subscript) and ast.unparse(node) in self._given:
            return False
        return all(len(self._given.get(item.id, ())) <= 1 for item in ast.walk(node) if isinstance(item, ast.Name))

    def _of(self, node: ast.expr, seen: frozenset[str]) -> Iterator[Part]:
        text = ast.unparse(node)
        if text in self._given and text not in seen and len(seen) < _FAR:
            for value in self._given[text]:
                yield from self._of(value, seen | {text})
            return
        match node:
            case ast.Subscript(value=value, slice=ast.Constant(value=str() | int() as key)):
                yield from self._keyed(value, str(key), seen)
            case ast.Subscript(value=value, slice=ast.Slice()):
                yield from _chosen(self._of(value, seen), f"[{ast.unparse(node.slice)}]")
            case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Dict(values=items):
                yield from (part for item in items for part in self._of(item, seen))
            case ast.BinOp(left=one, op=ast.Add(), right=other) | ast.IfExp(body=one, orelse=other):
                yield from (*self._of(one, seen), *self._of(other, seen))
            case ast.Starred(value=value):
                yield from self._of(value, seen)
            case ast.ListComp(generators=[first, *_]) | ast.GeneratorExp(generators=[first, *_]):
                yield from self._of(first.iter, seen)
            case ast.Call():
                yield from self._called(node, seen)
            case _:
                yield text, "", ""

    def _called(self, node: ast.Call, seen: frozenset[str]) -> Iterator[Part]:
        called, own = callee(node), node.func.value if isinstance(node.func, ast.Attribute) else None
        first = node.args[0] if node.args else None
        if own and called in _SAME_ROWS:
            yield from self._of(own, seen)
        elif own and called in _FEWER_ROWS:
            yield from _chosen(self._of(own, seen), f".{called}({', '.join(map(ast.unparse, (*node.args, *node.keywords)))})")
        elif own and called in _TAKERS and isinstance(first, ast.Constant):
            yield from self._keyed(own, str(first.value), seen)
        elif called in _JOINERS:
            yield from (part for item in node.args for part in self._of(item, seen))
        elif called == "load_dataset":
            yield from _loaded(node)
        elif called in _LOADERS and (data := first or _keyword(node, "dataset")) is not None:
            yield from self._of(data, seen)
        elif called == "Subset" and len(node.args) > 1:
            yield from _chosen(self._of(node.args[0], seen), f"[{ast.unparse(node.args[1])}]")
        elif part := _named_part(node):
            yield called, part, ""
        else:
            yield _source(node), "", ""
            items = [item for item in ast.walk(node) if isinstance(item, ast.Name | ast.Subscript | ast.Attribute)]
            told = [item for item in items if _is_told(item) or (isinstance(item, ast.Name) and item.id in self._whole)]
            yield from (part for item in told for part in self._of(item, seen))

    def _keyed(self, value: ast.expr, key: str, seen: frozenset[str]) -> Iterator[Part]:
        for origin in self._origins(value, seen):
            table = origin.args[0] if isinstance(origin, ast.Call) and origin.args else origin
            named = zip(table.keys, table.values, strict=True) if isinstance(table, ast.Dict) else ()
            known = [item for name, item in named if isinstance(name, ast.Constant) and name.value == key]
            yield from (part for item in known for part in self._of(item, seen))
            if not known:
                yield _source(origin), key, ""

    def _origins(self, node: ast.expr, seen: frozenset[str]) -> Iterator[ast.expr]:
        """Where data comes from that has parts of its own: what was loaded, or cut into parts."""
        text = ast.unparse(node)
        if text in self._given:
            if text not in seen and len(seen) < _FAR:
                for value in self._given[text]:
                    yield from self._origins(value, seen | {text})
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and callee(node) in _SAME_ROWS | _FEWER_ROWS:
            yield from self._origins(node.func.value, seen)
        else:
            yield node


def _is_cut(node: ast.Call) -> bool:
    return callee(node) == "train_test_split"


def _cut_data(node: ast.Call) -> list[ast.expr]:
    """What is cut: the arguments of scikit-learn's function, or what the method of a dataset is called on."""
    own = [node.func.value] if isinstance(node.func, ast.Attribute) else []
    return [item for item in node.args if not isinstance(item, ast.Constant)] or own


def _is_told(node: ast.AST) -> bool:
    """Whether a name or a key says that it is a part of the data: `test_texts`, `raw["test"]`."""
    match node:
        case ast.Name(id=name) | ast.Subscript(slice=ast.Constant(value=str() as name)):
            return bool(_PART_WORDS & set(name_words(name)))
        case ast.Attribute(value=ast.Name(id="self"), attr=name):
            return bool(_PART_WORDS & set(name_words(name)))
        case ast.Subscript(value=value, slice=ast.Slice()):  # `test_texts[:100]`
            return _is_told(value)
        case _:
            return False


def _assigned(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Each name, attribute or key that an assignment gives a value, as text."""
    if isinstance(node, ast.Assign):
        for target in node.targets:
            yield from _paired(target, node.value)
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        yield ast.unparse(node.target), node.value


def _paired(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if not isinstance(target, ast.Tuple | ast.List):
        yield ast.unparse(target), value
        return
    if isinstance(value, ast.Tuple) and len(value.elts) == len(target.elts):
        items = value.elts
    else:
        # `train, test = load_dataset(name, split=["train", "test"])`; else each is a part by its place.
        split = _keyword(value, "split") if isinstance(value, ast.Call) else None
        keys = split.elts if isinstance(split, ast.List) else [ast.Constant(value=at) for at in range(len(target.elts))]
        items = [ast.Subscript(value=value, slice=key, ctx=ast.Load()) for key in keys]
    for one, item in zip(target.elts, items, strict=False):
        yield from _paired(one, item)


def _keyword(node: ast.Call, name: str) -> ast.expr | None:
    return next((word.value for word in node.keywords if word.arg == name), None)


def _named_part(node: ast.Call) -> str:
    named = [word for word in node.keywords if word.arg in _PART_ARGUMENTS and isinstance(word.value, ast.Constant)]
    return ", ".join(map(ast.unparse, named))


def _source(node: ast.expr) -> str:
    """Data as text, whichever of its parts was asked for."""
    if not isinstance(node, ast.Call) or callee(node) != "load_dataset":
        return ast.unparse(node)
    words = [word for word in node.keywords if word.arg != "split"]
    return ast.unparse(ast.Call(func=node.func, args=node.args, keywords=words))


def _loaded(node: ast.Call) -> Iterator[Part]:
    """The parts of `load_dataset(name, split="train[:90%]+test")`."""
    split = _keyword(node, "split")
    for piece in split.value.split("+") if isinstance(split, ast.Constant) and isinstance(split.value, str) else [""]:
        key, bracket, rows = piece.partition("[")
        yield _source(node), key.strip(), f"{bracket}{rows}"


def _chosen(parts: Iterable[Part], rows: str) -> Iterator[Part]:
    yield from ((data, key, before + rows) for data, key, before in parts)
