"""One file, parsed once: positions, imports, calls and bindings. Families read it; nothing here changes text."""

from __future__ import annotations

import ast
import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from mlagent_app.editors.catalogue.walk import Binding, Function, Scope, Walk, is_function

__all__ = ["Binding", "Call", "Function", "Scope", "Source", "is_function"]

_LINE = re.compile(r"\r\n|\r|\n")


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
        self._failed = False
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
    def _walk(self) -> Walk:
        """The pass over the tree; over an empty module when there is none."""
        empty = ast.Module([], [])
        if not self.is_python:
            return Walk(empty)
        try:
            return Walk(ast.parse(self.text[self._bom :]))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            self._failed = True
            return Walk(empty)

    @cached_property
    def tree(self) -> ast.Module | None:
        """The syntax tree, None when the file is not Python or does not parse."""
        walk = self._walk
        return walk.tree if self.is_python and not self._failed else None

    @property
    def parents(self) -> dict[ast.AST, ast.AST]:
        """Every node's parent, f-strings left out."""
        return self._walk.parents

    @property
    def scopes(self) -> dict[ast.AST, Scope]:
        """The scope of the module and of every function, class and lambda."""
        return self._walk.scopes

    @property
    def stored_attributes(self) -> Counter[str]:
        """How often each attribute is assigned to."""
        return self._walk.stored_attributes

    @property
    def loads(self) -> Counter[str]:
        """How often each name is read."""
        return self._walk.loads

    @cached_property
    def calls(self) -> list[Call]:
        """Every call of a named function or class outside f-strings, in the order of the text."""
        named = [(node, self.qualified(node.func), scope) for node, scope in self._walk.calls]
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
    def call_at(self) -> dict[ast.AST, Call]:
        """The calls by their nodes."""
        return {call.node: call for call in self.calls}

    @cached_property
    def module(self) -> Scope:
        """The module's own scope, empty when the file does not parse."""
        return self._walk.module

    def qualified(self, node: ast.expr) -> str:
        """The full dotted name of a name or attribute through the file's imports; empty for anything else."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return ""
        head = self._walk.imports.get(node.id, "")
        if not head:
            stars = self._walk.stars
            unbound = node.id not in self.module.bindings
            head = f"{stars[0]}.{node.id}" if unbound and len(stars) == 1 else node.id
        return ".".join([head, *reversed(parts)])

    def imported(self, package: str) -> bool:
        """Whether the file imports from this top-level package."""
        names = [*self._walk.imports.values(), *self._walk.stars]
        return any(name == package or name.startswith(f"{package}.") for name in names)

    @cached_property
    def attribute_names(self) -> frozenset[str]:
        """Every attribute that the file reads or writes."""
        plain = {node.attr for node in self.parents if isinstance(node, ast.Attribute)}
        return frozenset(plain | self._walk.attributes_in_text)

    def local_name(self, qualified: str) -> str | None:
        """How code at any place of the file can already name this class or function; None when it cannot."""
        for alias, full in self._walk.module_imports.items():
            if full == qualified:
                return alias
            # `import sklearn` alone does not make `sklearn.svm` importable as an attribute, `import sklearn.svm` does.
            if full == qualified.rpartition(".")[0]:
                return f"{alias}.{qualified.rpartition('.')[2]}"
        return None
