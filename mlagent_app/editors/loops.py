"""What a training loop that is written out decides by, and what it learns from."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator

from mlagent_app.editors.names import callee, dotted, names_in, targets_of
from mlagent_app.editors.records import only_notes

Loop = ast.For | ast.AsyncFor | ast.While

BACKWARD = frozenset({"backward", "manual_backward"})
_KEEPERS = ("save", "dump", "append", "load_state_dict")
# What is asked of data before it is used, not of what came of it.
_HARMLESS = frozenset("len isinstance hasattr callable isnan isfinite isinf".split())


def decides_by(loop: Loop, is_part: Callable[[str], bool], records: frozenset[str]) -> str:
    """The part of the data that a loop compares by to keep something but `records`, or to end; empty when there is none."""
    return next(iter(_followed(loop, is_part, records).decided), "")


def steps_by(loop: Loop, is_part: Callable[[str], bool]) -> str:
    """The part of the data that a loop gives the score of to a schedule: `scheduler.step(test_loss)`."""
    return next(iter(_followed(loop, is_part).scheduled), "")


def learns_from(loop: Loop, is_part: Callable[[str], bool]) -> list[str]:
    """The parts of the data that `loss.backward()` in a loop goes back through."""
    return _followed(loop, is_part).learned


def loops_in(loop: Loop) -> Iterator[Loop]:
    """The loops within a loop: what one of them does is not said of the outer one again."""
    for statement in loop.body:
        yield from (item for item in ast.walk(statement) if isinstance(item, Loop))


def _followed(loop: Loop, is_part: Callable[[str], bool], records: frozenset[str] = frozenset()) -> _Flow:
    inside = [item for statement in loop.body for item in ast.walk(statement)]
    # In a cross-validation the test part is another one each time.
    fresh = {name for item in inside if isinstance(item, ast.Assign) for name in targets_of(item)}
    fresh |= set(names_in(loop.target)) if isinstance(loop, ast.For | ast.AsyncFor) else set()
    parts = {name: last for item in inside for name in [_name(item)] if is_part(last := name.rpartition(".")[2])}
    flow = _Flow({name: last for name, last in parts.items() if last not in fresh}, records)
    # What one round leaves behind, the next one reads.
    for _ in range(2):
        flow.run(loop.body, judged=True)
    return flow


class _Flow:
    """Follows parts of the data through the statements of a loop, in their order, by the names that come to depend on them."""

    def __init__(self, parts: dict[str, str], records: frozenset[str]) -> None:
        self._parts = parts
        self._records = records
        self.decided: list[str] = []
        self.scheduled: list[str] = []
        self.learned: list[str] = []

    def run(self, body: Iterable[ast.stmt], *, judged: bool) -> None:
        """`judged` says whether a comparison is one of results; within a part of the data it is one of its rows."""
        for statement in body:
            self._statement(statement, judged)

    def _statement(self, node: ast.stmt, judged: bool) -> None:
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self._give(target, value)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self._give(target, value)
            case ast.AugAssign(target=target, value=value):
                self._mark(target, self._part_of(value))
            case ast.Expr(value=ast.Call() as call):
                self._call(call)
            case ast.If():
                self._branch(node, judged)
            case ast.For() | ast.AsyncFor():
                self._give(node.target, node.iter)
                self.run([*node.body, *node.orelse], judged=judged and not self._part_of(node.iter))
            case _:
                for name in ("body", "handlers", "orelse", "finalbody"):
                    for item in getattr(node, name, ()):
                        self.run(item.body if isinstance(item, ast.ExceptHandler) else [item], judged=judged)

    def _call(self, call: ast.Call) -> None:
        part = self._part_of(call)
        if callee(call) in BACKWARD and part:
            self.learned.append(part)
        elif callee(call) in ("append", "extend") and isinstance(call.func, ast.Attribute):
            self._mark(call.func.value, part)
        elif callee(call) == "step":
            given = [*call.args, *(word.value for word in call.keywords)]
            self.scheduled += [found for item in given if (found := self._part_of(item))]

    def _branch(self, node: ast.If, judged: bool) -> None:
        part = next((found for item in _judging(node.test) if (found := self._part_of(item))), "")
        if part and judged and _acts(node, self._records):
            self.decided.append(part)
        self.run([*node.body, *node.orelse], judged=judged)
        # What is counted in the branch, as the rounds without a better score, depends on the comparison.
        for item in ast.walk(node):
            if isinstance(item, ast.AugAssign):
                self._mark(item.target, part)

    def _give(self, target: ast.expr, value: ast.expr) -> None:
        match target, value:
            case ast.Tuple(elts=targets), ast.Tuple(elts=values) if len(targets) == len(values):
                for one, item in zip(targets, values, strict=True):
                    self._give(one, item)
            case ((ast.Tuple() | ast.List()), _):
                for one in target.elts:
                    self._give(one, value)
            case ast.Starred(value=one), _:
                self._give(one, value)
            case _:
                if not self._part_of(value):
                    self._parts.pop(_name(target), None)
                self._mark(target, self._part_of(value))

    def _mark(self, target: ast.expr, part: str) -> None:
        while isinstance(target, ast.Subscript):
            target = target.value
        if part and (name := _name(target)):
            self._parts[name] = part

    def _part_of(self, node: ast.expr) -> str:
        """The part that an expression depends on."""
        return next((self._parts[name] for item in ast.walk(node) if (name := _name(item)) in self._parts), "")


def _name(node: ast.AST) -> str:
    return dotted(node) if isinstance(node, ast.Name | ast.Attribute) else ""


def _judging(test: ast.expr) -> Iterator[ast.expr]:
    """What a condition is decided by: the sides of its comparisons, the arguments of what it calls."""
    match test:
        case ast.Call() if callee(test) in _HARMLESS:
            return
        case ast.Compare(ops=[ast.Is() | ast.IsNot() | ast.In() | ast.NotIn()]):
            return
        case ast.Compare():
            yield from (item for item in (test.left, *test.comparators) if not _is_size(item))
        case ast.Call():
            yield from (*test.args, *(word.value for word in test.keywords))
        case ast.BoolOp(values=values):
            yield from (item for value in values for item in _judging(value))
        case ast.UnaryOp(operand=value):
            yield from _judging(value)
        case _:
            return


def _is_size(node: ast.expr) -> bool:
    return any(
        callee(item) == "len" if isinstance(item, ast.Call) else isinstance(item, ast.Attribute) and item.attr == "shape"
        for item in ast.walk(node)
    )


def _acts(node: ast.If, records: frozenset[str]) -> bool:
    """Whether a branch keeps, saves or ends anything; one that only prints, counts or sets records does not."""
    statements = [*node.body, *node.orelse]
    inside = [item for statement in statements for item in ast.walk(statement)]
    if any(isinstance(item, ast.Assign) for item in inside):
        return not all(only_notes(statement, records) for statement in statements)
    return any(
        isinstance(item, ast.Break | ast.Return) or (isinstance(item, ast.Call) and callee(item).startswith(_KEEPERS))
        for item in inside
    )
