"""How an edit names a class: through the file's imports, or with one import line added."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from mlagent_app.editors.base import Replacement
from mlagent_app.editors.catalogue.source import Source


@dataclass(frozen=True, slots=True)
class Naming:
    """The local name of a class or function, and the replacements (none or one) that make it valid."""

    name: str
    replacements: tuple[Replacement, ...] = ()


def naming(source: Source, qualified: str) -> Naming | None:
    """How code anywhere in the file names `qualified` (`sklearn.svm.SVC`).

    Adds `from sklearn.svm import SVC` after the leading imports when the file has no name for it. None when the short name
    already means something else, or there is no safe place for an import.
    """
    local = source.local_name(qualified)
    if local is not None:
        return Naming(local)
    module, _, short = qualified.rpartition(".")
    if _is_taken(source, short):
        return None
    offset = _import_place(source)
    if offset is None:
        return None
    line = f"from {module} import {short}{source.newline}"
    missing = "" if offset == 0 or source.text[:offset].endswith(("\n", "\ufeff")) else source.newline
    return Naming(short, (Replacement(offset, offset, missing + line),))


def merged(*parts: tuple[Replacement, ...]) -> tuple[Replacement, ...]:
    """The replacements of several namings, equal ones once."""
    return tuple(dict.fromkeys(item for part in parts for item in part))


def _is_taken(source: Source, short: str) -> bool:
    return any(short in scope.bindings for scope in source.scopes.values())


def _import_place(source: Source) -> int | None:
    """Just after the leading imports: the start of a line between two whole statements of the module."""
    if source.tree is None:
        return None
    body = source.tree.body
    leading = 0
    while leading < len(body) and _is_leading(body[leading], leading):
        leading += 1
    for count in range(leading, -1, -1):
        place = _between(source, body, count)
        future = any(isinstance(s, ast.ImportFrom) and s.module == "__future__" for s in body[count:leading])
        if place is not None and not future:
            return place
    return None


def _is_leading(statement: ast.stmt, index: int) -> bool:
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return True
    return index == 0 and isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _between(source: Source, body: list[ast.stmt], count: int) -> int | None:
    """The line start after the first `count` statements; None when the next statement shares their line."""
    if count == 0:
        if not body:
            return None
        first = body[0]
        line = min([first.lineno, *(d.lineno for d in getattr(first, "decorator_list", []))])
        return source.offset(line, 0)
    end = source.span(body[count - 1])[1]
    place = source.line_end(end)
    rest = source.text[end:place].strip()
    return place if not rest or rest.startswith("#") else None
