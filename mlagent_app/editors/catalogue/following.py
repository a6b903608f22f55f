"""From an expression to the literal behind it: constants, options, fields, dictionaries, parameters' defaults."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Literal as Choice

from mlagent_app.editors.base import Replacement
from mlagent_app.editors.catalogue.protected import judging_names, last_name
from mlagent_app.editors.catalogue.source import Call, Scope, Source, is_function
from mlagent_app.editors.catalogue.values import Value

_DEPTH = 6
_COMMA_AND_COMMENT = re.compile(r"[ \t]*,[ \t]*#[^\r\n]*")


@dataclass(frozen=True, slots=True)
class Literal:
    """A literal in the text: its value, where it stands, and its quotation mark (empty: not text)."""

    value: Value
    start: int
    end: int
    quote: str = ""


@dataclass(frozen=True, slots=True)
class Argument:
    """A call's argument: `absent`, `literal` (found in the file, perhaps behind a name), or `opaque`."""

    state: Choice["absent", "literal", "opaque"]
    literal: Literal | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """Where a new keyword argument of a call goes: write `prefix` + `name=value` at `offset`, and `joint` before another."""

    offset: int
    prefix: str
    joint: str = ", "

    def written(self, *codes: str) -> str:
        """What to write at `offset` for these arguments."""
        return self.prefix + self.joint.join(codes)


def literal_value(node: ast.expr) -> Value:
    """The value of a plain literal (numbers with a sign, text, True, False, None, tuples and lists of them).

    Raises ValueError for anything else.
    """
    if isinstance(node, ast.Constant) and not isinstance(node.value, (bytes, complex)) and node.value is not ...:
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
        number = node.operand.value
        if isinstance(number, (int, float)) and not isinstance(number, bool):
            return -number
    if isinstance(node, (ast.Tuple, ast.List)):
        return tuple(literal_value(item) for item in node.elts)
    raise ValueError("not a plain literal")


def read_literal(source: Source, node: ast.expr) -> Literal | None:
    """The literal that stands at this very node, None when it is none or is not written plainly (r"", implicit joins)."""
    try:
        value = literal_value(node)
    except ValueError:
        return None
    start, end = source.span(node)
    quote = ""
    if isinstance(value, str):
        text = source.text[start:end]
        quote = text[:1]
        if text != f"{quote}{value}{quote}" or quote not in "\"'":
            return None
    if isinstance(node, ast.Tuple) and source.text[start] != "(":
        return None
    return Literal(value, start, end, quote)


class Follower:
    """Follows expressions of one file to their literals. Every answer is unambiguous, or there is none."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def literal(self, node: ast.expr, scope: Scope) -> Literal | None:
        """The literal that the expression always has the value of; none that the data or the metric may share."""
        if last_name(node) in self._judging:
            return None
        found = self.origin(node, scope)
        return read_literal(self.source, found) if found is not None else None

    @cached_property
    def _judging(self) -> frozenset[str]:
        return judging_names(self.source)

    def origin(self, node: ast.expr, scope: Scope, depth: int = _DEPTH) -> ast.expr | None:
        """The expression at the end of the chain of names: a literal, a dictionary, a call ..."""
        if depth == 0:
            return None
        following: tuple[ast.expr, Scope] | None
        if isinstance(node, ast.Name):
            following = self._name(node.id, scope)
        elif isinstance(node, ast.Attribute):
            following = self._attribute(node)
        elif isinstance(node, ast.Subscript):
            following = self._item(node, scope, depth)
        else:
            return node
        return self.origin(*following, depth - 1) if following else None

    def _name(self, name: str, scope: Scope) -> tuple[ast.expr, Scope] | None:
        holder = self.holder(name, scope)
        if holder is None:
            return None
        bindings = holder.bindings[name]
        if len(bindings) != 1 or bindings[0].kind == "other":
            return None
        binding = bindings[0]
        if binding.kind == "parameter":
            value = self.default(name, holder)
            return (value, holder.parent or holder) if value is not None else None
        return (binding.value, holder) if binding.value is not None else None

    @staticmethod
    def holder(name: str, scope: Scope) -> Scope | None:
        """The scope that binds the name, seen from `scope`; class bodies are not seen from the functions in them."""
        at: Scope | None = scope
        while at is not None:
            if name in at.bindings and (at is scope or not isinstance(at.node, ast.ClassDef)):
                return at
            at = at.parent
        return None

    def default(self, name: str, scope: Scope) -> ast.expr | None:
        """The default of a parameter that no call in this file passes."""
        function = scope.node
        if not is_function(function):
            return None
        default = scope.bindings[name][0].value
        if (option := self._click_option(function, name)) is not None:
            default = option
        if default is None:
            return None
        if isinstance(default, ast.Call):
            default = typer_default(self.source, default)
        names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
        position = names.index(name) if name in names else None
        owner = function.name
        if scope.parent is not None and isinstance(scope.parent.node, ast.ClassDef):
            position = position - 1 if position else None
            owner = scope.parent.node.name if function.name == "__init__" else function.name
        if any(passes(call.node, name, position) for call in self.source.calls_of.get(owner, ())):
            return None
        return default

    def _click_option(self, function: ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> ast.expr | None:
        for decorator in function.decorator_list:
            if isinstance(decorator, ast.Call) and self.source.qualified(decorator.func) == "click.option":
                flags = option_names(decorator)
                if name in flags:
                    return keyword(decorator, "default")
        return None

    def _attribute(self, node: ast.Attribute) -> tuple[ast.expr, Scope] | None:
        """`args.c` through argparse, `cfg.depth` and `Config.depth` through a class body with that field."""
        if not isinstance(node.value, ast.Name) or node.value.id == "self" or self.source.stored_attributes[node.attr]:
            return None
        option = self.options.get(node.attr)
        fields = self.fields.get(node.attr, [])
        found = [value for value in (option, *fields) if value is not None]
        if len(found) != 1 or (option is None and node.attr in self.options):
            return None
        return found[0], self.source.module

    def _item(self, node: ast.Subscript, scope: Scope, depth: int) -> tuple[ast.expr, Scope] | None:
        if not isinstance(node.slice, ast.Constant) or not isinstance(node.slice.value, str):
            return None
        table = None if self._writes(node.value) else self.origin(node.value, scope, depth - 1)
        value = self.entry(table, node.slice.value) if table is not None else None
        return (value, scope) if value is not None else None

    def entry(self, table: ast.expr, key: str) -> ast.expr | None:
        """The value of a key in a dictionary display or `dict(key=value)`; None when it is not certain."""
        pairs = self.entries(table)
        found = [value for name, value in pairs or () if name == key]
        return found[0] if len(found) == 1 else None

    def entries(self, table: ast.expr) -> list[tuple[str, ast.expr]] | None:
        """The text keys of a dictionary display or `dict(...)` call, None when some are not known."""
        if isinstance(table, ast.Dict):
            if not all(isinstance(k, ast.Constant) and isinstance(k.value, str) for k in table.keys):
                return None
            keys = [str(k.value) for k in table.keys if isinstance(k, ast.Constant)]
            return list(zip(keys, table.values, strict=True))
        if isinstance(table, ast.Call) and self.source.qualified(table.func) == "dict" and not table.args:
            return [(k.arg, k.value) for k in table.keywords if k.arg] if all(k.arg for k in table.keywords) else None
        return None

    @cached_property
    def options(self) -> dict[str, ast.expr | None]:
        """argparse options by destination: the default's expression, None when there is none or two options clash."""
        found: dict[str, ast.expr | None] = {}
        for call in self.source.calls:
            if call.short == "add_argument":
                for name in option_names(call.node):
                    found[name] = None if name in found else keyword(call.node, "default")
        return found

    @cached_property
    def fields(self) -> dict[str, list[ast.expr]]:
        """Class-level fields with a value, by name, over all classes of the file."""
        found: dict[str, list[ast.expr]] = {}
        for node, scope in self.source.scopes.items():
            if isinstance(node, ast.ClassDef):
                for name, bindings in scope.bindings.items():
                    values = [b.value for b in bindings if b.value is not None and b.kind == "assign"]
                    found.setdefault(name, []).extend(values)
        return found

    # -- arguments of calls --------------------------------------------------------------------------------------

    def argument(self, call: Call, name: str, position: int | None = None) -> Argument:
        """The argument `name` of the call, which may also be passed at this 0-based position."""
        node = call.node
        if position is not None and len(node.args) > position:
            passed = node.args[: position + 1]
            if any(isinstance(item, ast.Starred) for item in passed):
                return Argument("opaque")
            return self._found(node.args[position], call.scope)
        if any(isinstance(item, ast.Starred) for item in node.args) and position is not None:
            return Argument("opaque")
        for word in node.keywords:
            if word.arg == name:
                return self._found(word.value, call.scope)
        return self._spread(call, name)

    def _spread(self, call: Call, name: str) -> Argument:
        """`**params` whose dictionary stands in the file and is never changed by key counts as keyword arguments."""
        for word in call.node.keywords:
            if word.arg is not None:
                continue
            table = self.origin(word.value, call.scope)
            entries = self.entries(table) if table is not None else None
            if entries is None or self._writes(word.value):
                return Argument("opaque")
            for key, value in entries:
                if key == name:
                    return self._found(value, call.scope)
        return Argument("absent")

    def _writes(self, table: ast.expr) -> bool:
        return isinstance(table, ast.Name) and self.is_written(table.id)

    def is_written(self, name: str) -> bool:
        """Whether a dictionary of this name is also written to by key or updated somewhere in the file."""
        return name in self._written

    @cached_property
    def _written(self) -> frozenset[str]:
        names: set[str] = set()
        for node, parent in self.source.parents.items():
            if not isinstance(node, ast.Name):
                continue
            stored = isinstance(parent, ast.Subscript) and not isinstance(parent.ctx, ast.Load) and parent.value is node
            method = isinstance(parent, ast.Attribute) and parent.attr in ("update", "pop", "setdefault", "clear")
            if stored or method:
                names.add(node.id)
        return frozenset(names)

    def _found(self, node: ast.expr, scope: Scope) -> Argument:
        literal = self.literal(node, scope)
        return Argument("literal", literal) if literal else Argument("opaque")

    def gap(self, call: ast.Call) -> Gap | None:
        """Where to add a keyword argument, in the style of the call; None when there is no safe place."""
        text = self.source.text
        close = self.source.span(call)[1] - 1
        items: list[ast.expr | ast.keyword] = [*call.args, *call.keywords]
        if not items:
            opening = self.source.span(call.func)[1]
            inside = text[opening:close]
            return Gap(close, "") if inside.strip().endswith("(") and "#" not in inside else None
        if any(isinstance(item, ast.GeneratorExp) for item in call.args):
            return None
        last = max(items, key=lambda item: self.source.span(item))
        start, end = self.source.span(last)
        end = _past_parentheses(text, end, close)
        line = self.source.line_start(start)
        own_line = not text[line:start].strip() and self.source.line_start(self.source.span(call.func)[1]) < line
        if not own_line:
            return Gap(end, ", ")
        own = f"{self.source.newline}{text[line:start]}"
        # A comment after the last argument and its comma is about that argument: it stays on its line.
        if commented := _COMMA_AND_COMMENT.match(text, end, close):
            return Gap(commented.end(), own, f",{own}")
        return Gap(end, f",{own}", f",{own}")

    def adding(self, call: ast.Call, code: str) -> Replacement | None:
        """The replacement that adds `name=value` to the call."""
        gap = self.gap(call)
        return Replacement(gap.offset, gap.offset, gap.prefix + code) if gap else None


def _past_parentheses(text: str, end: int, close: int) -> int:
    """`end` moved past the closing parentheses around the last argument, comments skipped."""
    at = end
    while at < close:
        if text[at] == "#":
            stop = text.find("\n", at)
            at = close if stop < 0 else stop
        elif text[at] == ")":
            end = at + 1
        at += 1
    return end


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    """The expression of a keyword argument."""
    return next((word.value for word in call.keywords if word.arg == name), None)


def passes(call: ast.Call, name: str, position: int | None) -> bool:
    """Whether a call may pass this parameter."""
    if any(word.arg in (name, None) for word in call.keywords):
        return True
    starred = any(isinstance(item, ast.Starred) for item in call.args)
    return starred or (position is not None and len(call.args) > position)


def option_names(call: ast.Call) -> list[str]:
    """The names that an `add_argument` or `click.option` call gives its value: `dest`, else the first long flag."""
    dest = keyword(call, "dest")
    if isinstance(dest, ast.Constant) and isinstance(dest.value, str):
        return [dest.value]
    texts = [item.value for item in call.args if isinstance(item, ast.Constant) and isinstance(item.value, str)]
    plain = [text for text in texts if not text.startswith("-")]
    long = [text for text in texts if text.startswith("--")]
    short = [text for text in texts if text.startswith("-") and not text.startswith("--")]
    return [text.lstrip("-").replace("-", "_") for text in (*plain, *long, *short)][:1]


def typer_default(source: Source, node: ast.expr) -> ast.expr | None:
    """The default inside `typer.Option(0.1, ...)`, `Field(default=0.1)` and `field(default=0.1)`; None when there is none."""
    if not isinstance(node, ast.Call):
        return None
    name = source.qualified(node.func)
    if name in ("typer.Option", "typer.Argument", "pydantic.Field"):
        return node.args[0] if node.args else keyword(node, "default")
    if name in ("dataclasses.field", "attrs.field", "attr.ib"):
        return keyword(node, "default")
    return None
