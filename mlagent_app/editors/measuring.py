"""Which functions of a script compute the number that is printed as the metric, wherever it goes before it is printed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from mlagent_app.agent.metrics import words
from mlagent_app.editors.catalogue.protected import EVALUATORS, name_words
from mlagent_app.editors.names import LABELS, callee, is_measured, is_model, is_training
from mlagent_app.editors.reported import FUNCTIONS, METHODS, keys_of, spoken

Function = ast.FunctionDef | ast.AsyncFunctionDef

# Of what is averaged, the way to one number is followed, not the arithmetic with arrays before it: that may be the model.
_REDUCERS = frozenset("mean sum average median".split())
_TRAINERS = frozenset("backward step zero_grad train_on_batch partial_fit fit_transform fit_resample".split()) | EVALUATORS
_TRAINING_WORDS = frozenset("train training pretrain finetune fit tune optimize optimise optimization learn".split())
_GIVING_WORDS = frozenset("load loader loaders read make build prepare create data dataset datasets split init setup".split())
# What a function may construct that only measures.
_MEASURING_TOOLS = re.compile(
    r"\w*(Loader|Loss|Dataset|Subset|Meter|Metric|Accuracy|Score|Sampler|Tensor|Path|Counter|Error)\Z"
)


@dataclass(frozen=True, slots=True)
class Measuring:
    """What of a file leads to the metric.

    `names` hold the number or what it is made of, `called` are the functions of other files that give it, `returns` those of
    this file with the places of their result that count (None: all of it).
    """

    names: frozenset[str]
    called: frozenset[str]
    returns: Mapping[str, frozenset[int | None]]


def measuring_of(tree: ast.Module, metric: frozenset[str]) -> Measuring:
    """What of a file leads to what is printed as the metric."""
    search = _Search(tree, keys_of(metric))
    for item, _ in spoken(tree, metric):
        search.number(item)
    places: dict[str, set[int | None]] = {}
    for name, index in search.functions_seen:
        places.setdefault(name, set()).add(index)
    return Measuring(frozenset(search.names), frozenset(search.called), {k: frozenset(v) for k, v in places.items()})


def training_functions(trees: Iterable[ast.Module]) -> frozenset[str]:
    """The functions of a file's versions that train, themselves or by another that does."""
    functions = [node for tree in trees for node in ast.walk(tree) if isinstance(node, Function)]
    found: set[str] = set()
    size = -1
    while size != len(found):
        size = len(found)
        found |= {node.name for node in functions if node.name not in found and trains(node.body, found)}
    return frozenset(found)


def trains(body: Iterable[ast.stmt], helpers: Iterable[str]) -> bool:
    """Whether these statements train a model, or call one of `helpers`."""
    known = frozenset(helpers)
    calls = [node for statement in body for node in ast.walk(statement) if isinstance(node, ast.Call)]
    evaluated = {ast.unparse(c.func.value) for c in calls if isinstance(c.func, ast.Attribute) and c.func.attr == "eval"}
    for call in calls:
        name = callee(call)
        if name == "train" and isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) in evaluated:
            continue  # `net.train()` after `net.eval()` is a mode
        if name in _TRAINERS or name in known or _TRAINING_WORDS & {name, *name_words(name)[:1]}:
            return True
    return False


def measures_only(node: Function, helpers: Iterable[str]) -> bool:
    """Whether a function whose result is the metric does nothing but measure: it trains, builds and loads nothing."""
    if trains(node.body, helpers) or _GIVING_WORDS & set(name_words(node.name)):
        return False
    inside = [item for statement in node.body for item in ast.walk(statement)]
    built = {callee(item) for item in inside if isinstance(item, ast.Call) and callee(item)[:1].isupper()}
    given = {name for value in returned(node) if isinstance(value, ast.Tuple) for name in map(_name, value.elts)}
    return all(map(_MEASURING_TOOLS.match, built)) and not any(
        is_model(name) or is_training(name) or is_measured(name) or LABELS.match(name) for name in given
    )


def returned(node: Function) -> Iterator[ast.expr]:
    """What a function returns, not what functions inside of it do."""
    inner = {item for part in ast.walk(node) if isinstance(part, Function) and part is not node for item in ast.walk(part)}
    for item in ast.walk(node):
        if isinstance(item, ast.Return) and item.value is not None and item not in inner:
            yield item.value


def counted(value: ast.expr, places: Iterable[int | None], metric: frozenset[str]) -> Iterator[ast.expr]:
    """The parts of a returned value that are the metric: those at these places, or whose name or key says so."""
    for place in places:
        if isinstance(value, ast.Tuple) and place is not None and -len(value.elts) <= place < len(value.elts):
            yield value.elts[place]
        elif isinstance(value, ast.Tuple):
            yield from (item for item in value.elts if keys_of(metric) & set(words(_name(item))))
        elif isinstance(value, ast.Dict):
            pairs = zip(value.keys, value.values, strict=True)
            yield from (item for key, item in pairs if key is not None and keys_of(metric) & set(words(ast.unparse(key))))
        else:
            yield value


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else callee(node) if isinstance(node, ast.Call) else ""


class _Search:
    """Follows numbers back from where they are printed: through names, arithmetic, and what functions of the file return."""

    def __init__(self, tree: ast.Module, keys: frozenset[str]) -> None:
        self._keys = keys
        self._functions = [node for node in ast.walk(tree) if isinstance(node, Function)]
        self._defined = frozenset(node.name for node in self._functions)
        self._sources: dict[str, list[tuple[ast.expr, int | None]]] = {}
        for node in ast.walk(tree):
            for name, value, index in _sources(node, self._functions, keys):
                self._sources.setdefault(name, []).append((value, index))
        self._names_seen: set[tuple[str, int | None, bool]] = set()
        self.names: set[str] = set()
        self.called: set[str] = set()
        self.functions_seen: set[tuple[str, int | None]] = set()

    def number(self, node: ast.expr, index: int | None = None, *, rows: bool = False) -> None:
        """`node` is the metric, or what it is made of; `index` says which part of it, `rows` that it is averaged."""
        parts: list[ast.expr] = []
        match node:
            case ast.Name():
                self._name(node.id, index, rows)
            case ast.Subscript(value=value, slice=ast.Constant(value=int() as at)):
                self.number(value, at, rows=rows)
            case ast.BinOp() if not rows:
                parts = [node.left, node.right]
            case ast.IfExp():
                parts = [node.body, node.orelse]
            case ast.List():
                parts = node.elts
            case ast.Tuple():
                parts = node.elts if index is None else node.elts[index : index + 1 or None]
            case ast.ListComp(elt=value) | ast.GeneratorExp(elt=value):
                parts = [value]
            case ast.Subscript(value=value) | ast.UnaryOp(operand=value) | ast.Await(value=value) | ast.NamedExpr(value=value):
                parts = [value]
            case ast.Call():
                self._call(node, index, rows)
            case _:
                return
        for part in parts:
            self.number(part, rows=rows)

    def _name(self, name: str, index: int | None, rows: bool) -> None:
        if (name, index, rows) in self._names_seen:
            return
        self._names_seen.add((name, index, rows))
        self.names.add(name)
        for value, at in self._sources.get(name, ()):
            self.number(value, index if at is None else at, rows=rows)

    def _call(self, node: ast.Call, index: int | None, rows: bool) -> None:
        called = callee(node)
        if called in (FUNCTIONS if isinstance(node.func, ast.Name) else METHODS):
            own = [node.func.value] if isinstance(node.func, ast.Attribute) else []
            given = [item for item in node.args if not isinstance(item, ast.Constant)]
            for item in given or own:
                self.number(item, rows=rows or called in _REDUCERS)
        elif called not in self._defined:
            self.called.add(called)
        elif (called, index) not in self.functions_seen:
            self.functions_seen.add((called, index))
            for value in (value for node in self._functions if node.name == called for value in returned(node)):
                for item in counted(value, [index], self._keys):
                    self.number(item, index if item is value else None, rows=rows)


def _sources(node: ast.AST, functions: Iterable[Function], keys: frozenset[str]) -> Iterator[tuple[str, ast.expr, int | None]]:
    """Which names a statement or a call gives which values, or the part of them at a place."""
    match node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                yield from _given(target, value, keys)
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            yield from _given(target, value, keys)
        case ast.AugAssign(target=ast.Name(id=name), value=value) if not isinstance(value, ast.BinOp):
            # A step of a loop may add what has to do with the model, as `loss * len(batch)` or `lr / size`.
            yield name, value, None
        case ast.NamedExpr(target=target, value=value):
            yield target.id, value, None
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="append"), args=[value]):
            yield name, value, None
        case ast.Call():
            for function in functions:
                if function.name == callee(node):
                    names = [item.arg for item in function.args.args if item.arg != "self"]
                    yield from ((name, value, None) for name, value in zip(names, node.args, strict=False))
                    yield from ((word.arg, word.value, None) for word in node.keywords if word.arg in names and word.arg)
        case _:
            return


def _given(target: ast.expr, value: ast.expr, keys: frozenset[str]) -> Iterator[tuple[str, ast.expr, int | None]]:
    match target, value:
        case ast.Name(id=name), _:
            yield name, value, None
        case ast.Tuple(elts=targets), ast.Tuple(elts=values) if len(targets) == len(values):
            for part, item in zip(targets, values, strict=True):
                yield from _given(part, item, keys)
        case ast.Tuple(elts=targets), _:
            yield from ((item.id, value, at) for at, item in enumerate(targets) if isinstance(item, ast.Name))
        case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=str() as key)), _ if keys & set(words(key)):
            yield name, value, None
        case _:
            return
