"""What the actions that only look answer: listings, lines, outlines. All of it is read from the private repository."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from mlagent_app.chat.quoting import visible

# An observation longer than this is cut, and says so: it goes into a prompt.
MAX_CHARS = 6000
MAX_LINES = 100
# So much of a file that is no Python stands in its outline.
OUTLINE_CHARS = 2000


def list_files(files: Sequence[str], directory: str) -> str | None:
    """The entries of `directory` (`.` is the project), directories with a slash; None when it holds nothing."""
    prefix = "" if directory.strip("./") == "" else directory.strip("/").removeprefix("./") + "/"
    entries: set[str] = set()
    for path in files:
        if path.startswith(prefix):
            head, slash, _ = path[len(prefix) :].partition("/")
            entries.add(head + slash)
    return clip("\n".join(sorted(entries))) if entries else None


def inspect_lines(text: str, start: int, end: int) -> str:
    """Lines `start` to `end` (1-based, inclusive, at most 100) with their numbers."""
    lines = text.splitlines()
    first = max(1, start)
    last = min(len(lines), end, first + MAX_LINES - 1)
    shown = [f"{number:4d}  {lines[number - 1]}" for number in range(first, last + 1)]
    head = f"Lines {first} to {last} of {len(lines)}:"
    return clip("\n".join([head, *shown]))


def outline(path: str, text: str) -> str:
    """What a file holds, by rule: imports, definitions with their first docstring line, and module constants."""
    head = f"{path}: {len(text.splitlines())} lines"
    if not path.endswith(".py"):
        more = f"\n[cut: {len(text) - OUTLINE_CHARS} more characters]" if len(text) > OUTLINE_CHARS else ""
        return clip(f"{head}\n{text[:OUTLINE_CHARS]}{more}")
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        return f"{head}; it does not parse: {error}"
    lines = [head]
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            about = (ast.get_docstring(node) or "").partition("\n")[0]
            kind = "class" if isinstance(node, ast.ClassDef) else "def"
            lines.append(f"line {node.lineno}: {kind} {node.name}{f' - {about}' if about else ''}")
    for statement in tree.body:
        if isinstance(statement, ast.Import | ast.ImportFrom | ast.Assign | ast.AnnAssign):
            lines.append(f"line {statement.lineno}: {ast.unparse(statement)[:120]}")
    return clip("\n".join(lines))


def clip(text: str) -> str:
    """`text` without what steers a terminal, cut at 6,000 characters with a line that says so."""
    shown = visible(text)
    return shown if len(shown) <= MAX_CHARS else f"{shown[:MAX_CHARS]}\n[cut: {len(shown) - MAX_CHARS} more characters]"
