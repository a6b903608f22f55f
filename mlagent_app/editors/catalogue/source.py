"""One file, parsed once: positions, imports, calls and bindings. Families read it; nothing here changes text."""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, TypeGuard, cast

Node = ast.expr | ast.stmt | ast.keyword | ast.arg | ast.ExceptHandler
Function = ast.FunctionDef | ast.AsyncFunctionDef
BindingKind = Literal["assign", "parameter", "other"]

_LINE = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Binding:
    """One place that gives a name its value: `value` is the whole right-hand side, or a parameter's default."""

    kind: BindingKind
    node: ast.AST
    value: ast.expr | None = None


@dataclass(eq=False, slots=True)
class Scope:
    """A module, function or class body: who it is, what encloses it, and every binding of each name in it."""

    node: ast.AST
    parent: Scope | None
    bindings: dict[str, list[Binding]] = field(default_factory=lambda: defaultdict[str, list[Binding]](list))

    def bind(self, name: str, kind: BindingKind, node: ast.AST, value: ast.expr | None = None) -> None:
        self.bindings[name].append(Binding(kind, node, value))


@dataclass(frozen=True, slots=True)
class Call:
    """A call whose function has a name. `name` is qualified through the imports (`torch.nn.Linear`), `short` its last part.

    `root` is the top-level package, or the name itself.
    """

    node: ast.Call
    name: str
    scope: Scope
    short: str
    root: str


class Source:
    """One file of the project. `tree` is None when it is not Python or does not parse; then there are no calls."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        self.suffix = "." + path.rpartition(".")[2].lower() if "." in path else ""
        self.is_python = self.suffix in (".py", ".pyw")
        self.parents: dict[ast.AST, ast.AST] = {}
        self.scopes: dict[ast.AST, Scope] = {}
        self.stored_attributes: Counter[str] = Counter()
        self.loads: Counter[str] = Counter()
        self._calls: list[tuple[ast.Call, Scope]] = []
        self._imports: dict[str, str] = {}
        self._module_imports: dict[str, str] = {}
        self._stars: list[str] = []
        self._bom = 1 if text.startswith("\ufeff") else 0

    # -- text ----------------------------------------------------------------------------------------------------

    @cached_property
    def _line_starts(self) -> list[int]:
        return [self._bom, *(match.end() for match in _LINE.finditer(self.text))]

    def offset(self, line: int, column: int) -> int:
        """The text offset of a 1-based line and a column in UTF-8 bytes, as `ast` gives them."""
        start = self._line_starts[line - 1]
        end = self._line_starts[line] if line < len(self._line_starts) else len(self.text)
        content = self.text[start:end]
        if content.isascii():
            return start + column
        return start + len(content.encode()[:column].decode())

    def span(self, node: ast.AST) -> tuple[int, int]:
        """Where the node stands in the text, without parentheses around it and without decorators."""
        if not isinstance(node, (ast.expr, ast.stmt, ast.keyword, ast.arg, ast.ExceptHandler, ast.alias)):
            raise TypeError(f"{type(node).__name__} has no position")
        end_line, end_column = node.end_lineno or node.lineno, node.end_col_offset or node.col_offset
        return self.offset(node.lineno, node.col_offset), self.offset(end_line, end_column)

    def segment(self, node: ast.AST) -> str:
        """The node's own text."""
        start, end = self.span(node)
        return self.text[start:end]

    def line_start(self, offset: int) -> int:
        """Where the line of this offset begins."""
        return max(self.text.rfind("\n", 0, offset) + 1, self._bom)

    def line_end(self, offset: int) -> int:
        """Just past the end of the line of this offset, its newline included."""
        end = self.text.find("\n", offset)
        return len(self.text) if end < 0 else end + 1

    def margin(self, offset: int) -> str:
        """The white space that the line of this offset begins with."""
        match = re.compile(r"[ \t\f]*").match(self.text, self.line_start(offset))
        return match[0] if match else ""

    @cached_property
    def newline(self) -> str:
        """The newline the file uses (the more frequent one)."""
        pairs = self.text.count("\r\n")
        return "\r\n" if 2 * pairs > self.text.count("\n") else "\n"

    @cached_property
    def indent(self) -> str:
        """The indent of the first indented block, four spaces when there is none."""
        for scope_node in ast.walk(self.tree) if self.tree else ():
            body: object = getattr(scope_node, "body", None)
            if isinstance(scope_node, ast.stmt) and isinstance(body, list) and body:
                first: object = body[0]  # pyright: ignore[reportUnknownVariableType]
                outer = self.margin(self.span(scope_node)[0])
                inner = self.margin(self.span(first)[0]) if isinstance(first, ast.stmt) else outer
                if inner.startswith(outer) and len(inner) > len(outer):
                    return inner[len(outer) :]
        return "    "

    @cached_property
    def quote(self) -> str:
        """The quotation mark that the file prefers."""
        return "'" if self.text.count("'") > self.text.count('"') else '"'

    # -- tree ----------------------------------------------------------------------------------------------------

    @cached_property
    def tree(self) -> ast.Module | None:
        """The syntax tree; asking for it also collects calls, imports and bindings."""
        if not self.is_python:
            return None
        try:
            tree = ast.parse(self.text[self._bom :])
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
        _Walk(self).run(tree)
        return tree

    @cached_property
    def calls(self) -> list[Call]:
        """Every call of a named function or class outside f-strings, in the order of the text."""
        if self.tree is None:
            return []
        named = [(node, self.qualified(node.func), scope) for node, scope in self._calls]
        kept = [Call(node, name, scope, name.rpartition(".")[2], name.partition(".")[0]) for node, name, scope in named if name]
        return sorted(kept, key=lambda c: (c.node.lineno, c.node.col_offset, -(c.node.end_lineno or 0)))

    @cached_property
    def calls_of(self) -> dict[str, list[Call]]:
        """The calls by their short name."""
        found: dict[str, list[Call]] = {}
        for call in self.calls:
            found.setdefault(call.short, []).append(call)
        return found

    @cached_property
    def module(self) -> Scope:
        """The module's own scope, empty when the file does not parse."""
        return self.scopes[self.tree] if self.tree else Scope(ast.Module([], []), None)

    def qualified(self, node: ast.expr) -> str:
        """The full dotted name of a name or attribute through the file's imports; empty for anything else."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return ""
        head = self._imports.get(node.id, "")
        if not head:
            unbound = self.tree is not None and node.id not in self.module.bindings
            head = f"{self._stars[0]}.{node.id}" if unbound and len(self._stars) == 1 else node.id
        return ".".join([head, *reversed(parts)])

    def imported(self, package: str) -> bool:
        """Whether the file imports from this top-level package."""
        if self.tree is None:
            return False
        names = [*self._imports.values(), *self._stars]
        return any(name == package or name.startswith(f"{package}.") for name in names)

    @cached_property
    def attribute_names(self) -> frozenset[str]:
        """Every attribute that the file reads or writes."""
        return frozenset(node.attr for node in self.parents if isinstance(node, ast.Attribute)) if self.tree else frozenset()

    def local_name(self, qualified: str) -> str | None:
        """How code at any place of the file can already name this class or function; None when it cannot."""
        if self.tree is None:
            return None
        for alias, full in self._module_imports.items():
            if full == qualified:
                return alias
            # `import sklearn` alone does not make `sklearn.svm` importable as an attribute, `import sklearn.svm` does.
            if full == qualified.rpartition(".")[0]:
                return f"{alias}.{qualified.rpartition('.')[2]}"
        return None

    # -- used by the walk ----------------------------------------------------------------------------------------

    def note_call(self, node: ast.Call, scope: Scope) -> None:
        self._calls.append((node, scope))

    def note_import(self, alias: str, full: str, scope: Scope) -> None:
        self._imports.setdefault(alias, full)
        if isinstance(scope.node, ast.Module):
            self._module_imports.setdefault(alias, full)

    def note_star(self, module: str) -> None:
        self._stars.append(module)


class _Walk:
    """One pass over the tree that fills a `Source`. F-strings are left out: their positions are unsound before 3.12."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def run(self, tree: ast.Module) -> None:
        source = self._source
        module = Scope(tree, None)
        source.scopes[tree] = module
        stack: list[tuple[ast.AST, Scope]] = [(tree, module)]
        parents = source.parents
        plain = (ast.JoinedStr, ast.expr_context, ast.operator, ast.cmpop, ast.boolop, ast.unaryop)
        while stack:
            node, scope = stack.pop()
            inner = self._enter(node, scope)
            # `ast.iter_child_nodes`, unrolled: half of the time of the whole pass.
            for name in node._fields:
                value = getattr(node, name, None)
                children = cast("list[object]", value) if isinstance(value, list) else (value,)
                for child in children:
                    if isinstance(child, ast.AST) and not isinstance(child, plain):
                        parents[child] = node
                        stack.append((child, inner))

    def _enter(self, node: ast.AST, scope: Scope) -> Scope:
        """Notes what the node binds; returns the scope of its children."""
        if isinstance(node, ast.Constant):
            return scope
        if isinstance(node, ast.Call):
            self._source.note_call(node, scope)
        elif isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Load):
                self._source.loads[node.id] += 1
            else:
                self._store(node, scope)
        elif isinstance(node, ast.Attribute):
            if not isinstance(node.ctx, ast.Load):
                self._source.stored_attributes[node.attr] += 1
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            self._import(node, scope)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            scope.bind(node.name, "other", node)
            return self._open(node, scope)
        elif isinstance(node, ast.Lambda):
            return self._open(node, scope)
        else:
            self._rare(node, scope)
        return scope

    def _rare(self, node: ast.AST, scope: Scope) -> None:
        if isinstance(node, (ast.Global, ast.Nonlocal)):
            for name in node.names:
                self._source.scopes[self._module_of(scope)].bind(name, "other", node)
                scope.bind(name, "other", node)
        elif isinstance(node, (ast.MatchAs, ast.MatchStar, ast.ExceptHandler)) and node.name:
            scope.bind(node.name, "other", node)
        elif isinstance(node, ast.MatchMapping) and node.rest:
            scope.bind(node.rest, "other", node)

    @staticmethod
    def _module_of(scope: Scope) -> ast.AST:
        while scope.parent is not None:
            scope = scope.parent
        return scope.node

    def _open(self, node: Function | ast.ClassDef | ast.Lambda, scope: Scope) -> Scope:
        inner = Scope(node, scope)
        self._source.scopes[node] = inner
        if isinstance(node, ast.ClassDef):
            return inner
        arguments = node.args
        positional = [*arguments.posonlyargs, *arguments.args]
        defaults: list[ast.expr | None] = [*[None] * (len(positional) - len(arguments.defaults)), *arguments.defaults]
        pairs = [*zip(positional, defaults, strict=True), *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
        for argument, default in pairs:
            inner.bind(argument.arg, "parameter", argument, default)
        for rest in (arguments.vararg, arguments.kwarg):
            if rest:
                inner.bind(rest.arg, "other", rest)
        return inner

    def _import(self, node: ast.Import | ast.ImportFrom, scope: Scope) -> None:
        for alias in node.names:
            if isinstance(node, ast.ImportFrom):
                if alias.name == "*":
                    self._source.note_star(node.module or "")
                    continue
                full = f"{node.module}.{alias.name}" if node.module and not node.level else f".{alias.name}"
                local = alias.asname or alias.name
            else:
                local = alias.asname or alias.name.partition(".")[0]
                full = alias.name if alias.asname else local
                if not alias.asname and "." in alias.name:
                    # Makes `local_name` find classes of `import sklearn.svm`; no real name has a dot, so nothing clashes.
                    self._source.note_import(alias.name, alias.name, scope)
            self._source.note_import(local, full, scope)
            scope.bind(local, "other", node)

    def _store(self, node: ast.Name, scope: Scope) -> None:
        parent = self._source.parents.get(node)
        if isinstance(parent, ast.Assign) and len(parent.targets) == 1:
            scope.bind(node.id, "assign", parent, parent.value)
        elif isinstance(parent, ast.AnnAssign) and parent.value is not None:
            scope.bind(node.id, "assign", parent, parent.value)
        elif isinstance(parent, ast.AnnAssign):
            return
        elif pair := self._pairwise(node, parent):
            scope.bind(node.id, "assign", *pair)
        else:
            scope.bind(node.id, "other", node)

    def _pairwise(self, node: ast.Name, parent: ast.AST | None) -> tuple[ast.stmt, ast.expr] | None:
        """The value of `node` in `a, b = 1, 2`."""
        if not isinstance(parent, ast.Tuple):
            return None
        statement = self._source.parents.get(parent)
        if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
            return None
        value, elements = statement.value, parent.elts
        if not isinstance(value, ast.Tuple) or len(value.elts) != len(elements):
            return None
        if any(isinstance(item, ast.Starred) for item in (*value.elts, *elements)):
            return None
        return statement, value.elts[elements.index(node)]


def is_function(node: ast.AST) -> TypeGuard[Function]:
    """Whether the node defines a function."""
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
