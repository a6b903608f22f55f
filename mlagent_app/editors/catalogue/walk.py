"""One pass over a syntax tree: parents, scopes with their bindings, imports, calls."""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Literal, TypeGuard, cast

Function = ast.FunctionDef | ast.AsyncFunctionDef
BindingKind = Literal["assign", "parameter", "other"]


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


class Walk:
    """What one pass over a module collects. F-strings are left out: their positions are unsound before Python 3.12."""

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.module = Scope(tree, None)
        self.parents: dict[ast.AST, ast.AST] = {}
        self.scopes: dict[ast.AST, Scope] = {tree: self.module}
        self.stored_attributes: Counter[str] = Counter()
        self.loads: Counter[str] = Counter()
        self.attributes_in_text: set[str] = set()
        self.calls: list[tuple[ast.Call, Scope]] = []
        self.imports: dict[str, str] = {}
        self.module_imports: dict[str, str] = {}
        self.stars: list[str] = []
        self._run()

    def _run(self) -> None:
        stack: list[tuple[ast.AST, Scope]] = [(self.tree, self.module)]
        parents = self.parents
        plain = (ast.expr_context, ast.operator, ast.cmpop, ast.boolop, ast.unaryop)
        while stack:
            node, scope = stack.pop()
            inner = self._enter(node, scope)
            # `ast.iter_child_nodes`, unrolled: half of the time of the whole pass.
            for name in node._fields:
                value = getattr(node, name, None)
                children = cast("list[object]", value) if isinstance(value, list) else (value,)
                for child in children:
                    if isinstance(child, ast.JoinedStr):
                        self._read(child)
                    elif isinstance(child, ast.AST) and not isinstance(child, plain):
                        parents[child] = node
                        stack.append((child, inner))

    def _read(self, text: ast.JoinedStr) -> None:
        """What an f-string reads counts as read, though nothing in it is edited."""
        for node in ast.walk(text):
            if isinstance(node, ast.Name):
                self.loads[node.id] += 1
            elif isinstance(node, ast.Attribute):
                self.attributes_in_text.add(node.attr)

    def _enter(self, node: ast.AST, scope: Scope) -> Scope:
        """Notes what the node binds; returns the scope of its children."""
        if isinstance(node, ast.Constant):
            return scope
        if isinstance(node, ast.Call):
            self.calls.append((node, scope))
        elif isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Load):
                self.loads[node.id] += 1
            else:
                self._store(node, scope)
        elif isinstance(node, ast.Attribute):
            if not isinstance(node.ctx, ast.Load):
                self.stored_attributes[node.attr] += 1
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
                self.module.bind(name, "other", node)
                scope.bind(name, "other", node)
        elif isinstance(node, (ast.MatchAs, ast.MatchStar, ast.ExceptHandler)) and node.name:
            scope.bind(node.name, "other", node)
        elif isinstance(node, ast.MatchMapping) and node.rest:
            scope.bind(node.rest, "other", node)

    def _open(self, node: Function | ast.ClassDef | ast.Lambda, scope: Scope) -> Scope:
        inner = Scope(node, scope)
        self.scopes[node] = inner
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
                    self.stars.append(node.module or "")
                    continue
                full = f"{node.module}.{alias.name}" if node.module and not node.level else f".{alias.name}"
                local = alias.asname or alias.name
            else:
                local = alias.asname or alias.name.partition(".")[0]
                full = alias.name if alias.asname else local
                if not alias.asname and "." in alias.name:
                    # Makes `local_name` find classes of `import sklearn.svm`; no real name has a dot, so nothing clashes.
                    self._note_import(alias.name, alias.name, scope)
            self._note_import(local, full, scope)
            scope.bind(local, "other", node)

    def _note_import(self, alias: str, full: str, scope: Scope) -> None:
        self.imports.setdefault(alias, full)
        if scope is self.module:
            self.module_imports.setdefault(alias, full)

    def _store(self, node: ast.Name, scope: Scope) -> None:
        parent = self.parents.get(node)
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
        statement = self.parents.get(parent)
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
