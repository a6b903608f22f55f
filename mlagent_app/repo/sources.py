"""The Python sources of a project, read once: what they import, what they run, what they need."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from mlagent_app.repo.texts import decode

MAX_BYTES = 256 * 1024
# Directories that may stand on the module search path besides the script's own.
ROOTS = ("", "src", "lib", "python", "code")

_TRAINS = re.compile(
    r"\.fit\(|\.fit_transform\(|\.backward\(|\.partial_fit\(|cross_val_score\(|cross_validate\(|GridSearchCV\(|\.train_on_batch\("
    r"|Trainer\(|lgb\.train\(|xgb\.train\(|xgb\.cv\(|lgb\.cv\(|value_and_grad\(|jax\.grad\(|GradientTape\(|\.learn\(|lstsq\(|\.minimize\("
    r"|optimizer\.step\(|np\.linalg\.solve\(|curve_fit\("
)
_SCORES = re.compile(
    r"accuracy|f1_score|roc_auc|\bauc\b|r2_score|\brmse\b|\bmae\b|\bmse\b|mean_squared_error|mean_absolute_error|\bscore\b|\.score\("
    r"|val_loss|perplexity|log_loss|metrics?\b|classification_report|\bbleu\b|\biou\b|\berror\b|val_",
    re.IGNORECASE,
)
_REPORTS = re.compile(r"print\(|log(?:ger|ging)?\.\w+\(|\.info\(|json\.dump|\.to_csv\(|\.write\(|self\.log\(|echo\(")


@dataclass(frozen=True, slots=True)
class Script:
    """What one file says about itself. `tree` is None where it does not parse.

    `guarded`: it has a `__main__` guard; `acts`: running it does something; `needs`: arguments it cannot do without. `absolute`
    are the modules that it imports by their full name; `imported` are all its imports as (module, names), the relative ones
    resolved against its own directory; `relative` says that there are such.
    """

    path: str
    text: str
    tree: ast.Module | None
    guarded: bool
    acts: bool
    needs: tuple[str, ...] = ()
    absolute: tuple[str, ...] = ()
    imported: tuple[tuple[str, tuple[str, ...]], ...] = ()
    relative: bool = False


@dataclass
class Sources:
    """The files of a project at `root`; `files` are relative, with forward slashes. Only what is asked for is read."""

    root: Path
    files: Sequence[str]
    _cache: dict[str, Script | None] = field(default_factory=dict[str, "Script | None"])

    @cached_property
    def known(self) -> frozenset[str]:
        """All files."""
        return frozenset(self.files)

    def text(self, path: str, limit: int = MAX_BYTES) -> str:
        """A file's text; empty when it is missing, larger than `limit` or no text."""
        try:
            file = self.root / path
            if file.stat().st_size > limit:
                return ""
            found = decode(path, file.read_bytes())
        except OSError:
            return ""
        return found.text.removeprefix("\ufeff") if found else ""

    def script(self, path: str) -> Script | None:
        """The Python file at `path`; None when there is none that can be read."""
        if path not in self._cache:
            self._cache[path] = self._read(path) if path in self.known else None
        return self._cache[path]

    def _read(self, path: str) -> Script | None:
        text = self.text(path)
        if not text.strip():
            return None
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return Script(path, text, None, "__main__" in text, acts=True)
        nodes = list(ast.walk(tree))
        guarded = _guarded(tree)
        needs, absolute = tuple(_needs(nodes, text)), tuple(_absolute_imports(nodes))
        relative = any(isinstance(node, ast.ImportFrom) and node.level for node in nodes)
        imported = tuple(_imported(nodes, path))
        return Script(path, text, tree, guarded, guarded or _acts(tree), needs, absolute, imported, relative)

    def may_act(self, path: str) -> bool:
        """A quick look, without parsing: whether the file has a `__main__` guard, or calls or loops at its left margin."""
        text = self.text(path)
        return "__main__" in text or re.search(r"^(?:for|while|with)\b|^[\w.]+\(", text, re.MULTILINE) is not None

    def module(self, dotted: str, base: str) -> str | None:
        """The file of the module `dotted` as seen from a script in the directory `base`; a package is its `__init__.py`."""
        inner = dotted.replace(".", "/")
        for root in dict.fromkeys((base, *ROOTS)):
            prefix = f"{root}/" if root else ""
            for path in (f"{prefix}{inner}.py", f"{prefix}{inner}/__init__.py"):
                if path in self.known:
                    return path
        return None

    def search_roots(self, files: Sequence[str], base: str) -> list[str]:
        """Directories, other than `base`, that the absolute imports of `files` are found in."""
        found: dict[str, None] = {}
        for path in files:
            script = self.script(path)
            for dotted in script.absolute if script else ():
                root = self.root_of(dotted, base)
                if root is not None and root != base:
                    found[root] = None
        return list(found)

    def root_of(self, dotted: str, base: str) -> str | None:
        """The directory in which the module is found, `base` before all others; None when it is not the project's."""
        inner = dotted.replace(".", "/")
        for root in dict.fromkeys((base, *ROOTS)):
            prefix = f"{root}/" if root else ""
            if f"{prefix}{inner}.py" in self.known or f"{prefix}{inner}/" in self._package_directories:
                return root
        return None

    @cached_property
    def _package_directories(self) -> frozenset[str]:
        """Directories with Python files below them: packages with or without an `__init__.py`."""
        found: set[str] = set()
        for path in self.files:
            if path.endswith(".py"):
                parts = path.split("/")[:-1]
                found |= {"/".join(parts[:length]) + "/" for length in range(1, len(parts) + 1)}
        return frozenset(found)

    def imports(self, path: str, base: str) -> list[str]:
        """The files of the project that `path` imports, for a program whose script lies in the directory `base`."""
        script = self.script(path)
        found: dict[str, None] = {}
        for dotted, names in script.imported if script else ():
            for module in self._chain(dotted, base):
                found[module] = None
            for name in names:
                if member := self.module(f"{dotted}.{name}" if dotted else name, base):
                    found[member] = None
        return [file for file in found if file != path]

    def _chain(self, dotted: str, base: str) -> Iterator[str]:
        """The module and the packages around it: importing `a.b` runs `a/__init__.py` as well."""
        parts = dotted.split(".") if dotted else []
        for length in range(1, len(parts) + 1):
            if file := self.module(".".join(parts[:length]), base):
                yield file

    def closure(self, entries: Sequence[str], base: str | None = None, limit: int = 200) -> list[str]:
        """`entries` and everything of the project that they import, nearest first, at most `limit` files."""
        seen = dict.fromkeys(path for path in entries if path in self.known)
        pending = list(seen)
        while pending and len(seen) < limit:
            path = pending.pop(0)
            start = base if base is not None else path.rpartition("/")[0]
            for target in self.imports(path, start):
                if target not in seen and len(seen) < limit:
                    seen[target] = None
                    pending.append(target)
        return list(seen)

    def trains(self, files: Sequence[str]) -> bool:
        """Whether any of these files fits a model."""
        return any(_TRAINS.search(script.text) for path in files if (script := self.script(path)))

    def reports(self, files: Sequence[str]) -> bool:
        """Whether any of these files prints or writes something that reads like a score."""
        return any(
            _SCORES.search(line) for path in files if (script := self.script(path)) for line in _reporting_lines(script.text)
        )


def _reporting_lines(text: str) -> Iterator[str]:
    """The lines that print, with the two after them: calls are often broken."""
    lines = text.splitlines()
    for index, line in enumerate(lines):
        if _REPORTS.search(line):
            yield " ".join(lines[index : index + 3])


def _imported(nodes: Sequence[ast.AST], path: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(module, names) of every import; relative ones are resolved against the file's own package."""
    package = path.removesuffix(".py").split("/")[:-1]
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, ()
        elif isinstance(node, ast.ImportFrom):
            names = tuple(alias.name for alias in node.names if alias.name != "*")
            if node.level:
                around = package[: len(package) - node.level + 1]
                yield ".".join([*around, *(node.module.split(".") if node.module else [])]), names
            elif node.module:
                yield node.module, names


def _absolute_imports(nodes: Sequence[ast.AST]) -> Iterator[str]:
    """The modules that are imported by their full name. A member may be a module of its own: only its package is looked for."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module


def _guarded(tree: ast.Module) -> bool:
    return bool(_guards(tree))


def _guards(tree: ast.Module) -> list[ast.If]:
    return [node for node in tree.body if isinstance(node, ast.If) and "__main__" in ast.unparse(node.test)]


def calls_when_run(script: Script, function: str) -> bool:
    """Whether running a file as a program is one call of `function` without arguments, and of nothing else.

    `f()`, `sys.exit(f())` and `raise SystemExit(f())` are such calls. A package's `__init__.py` is not what is run.
    """
    guards = _guards(script.tree) if script.tree and not script.path.endswith("__init__.py") else []
    body = [node for guard in guards for node in guard.body if not isinstance(node, ast.Import)]
    last = body[0] if len(body) == 1 else None
    call = last.exc if isinstance(last, ast.Raise) else last.value if isinstance(last, ast.Expr) else None
    if isinstance(call, ast.Call) and ast.unparse(call.func) in ("sys.exit", "exit", "SystemExit") and len(call.args) == 1:
        call = call.args[0]
    return isinstance(call, ast.Call) and ast.unparse(call) == f"{function}()"


def _acts(tree: ast.Module) -> bool:
    """Whether the top level of the file does something: calls, loops, blocks."""
    return any(
        isinstance(node, ast.For | ast.While | ast.With) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call))
        for node in tree.body
    )


def _needs(nodes: Sequence[ast.AST], text: str) -> Iterator[str]:
    """Arguments without which the program stops: of argparse, click, typer, absl, or taken from sys.argv."""
    typer = re.search(r"^import typer", text, re.MULTILINE) is not None
    counted = re.search(r"len\((?:sys\.)?argv\)\s*(?:>=?|==)", text) is not None
    for node in nodes:
        if isinstance(node, ast.Call):
            yield from _needed_by_call(node)
        elif isinstance(node, ast.Subscript) and not counted and _is_argv(node.value):
            if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, int) and node.slice.value > 0:
                yield f"argument {node.slice.value}"
        elif typer and isinstance(node, ast.FunctionDef) and any(_is_typer_command(d) for d in node.decorator_list):
            required = len(node.args.args) - len(node.args.defaults)
            for argument in node.args.args[:required]:
                if argument.arg not in ("ctx", "self"):
                    yield argument.arg


def _is_argv(node: ast.expr) -> bool:
    return (isinstance(node, ast.Attribute) and node.attr == "argv") or (isinstance(node, ast.Name) and node.id == "argv")


def _needed_by_call(call: ast.Call) -> Iterator[str]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else call.func.id if isinstance(call.func, ast.Name) else ""
    first = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None
    options = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    optional = "default" in options or _constant(options.get("nargs")) in ("?", "*")
    if name == "add_argument" and isinstance(first, str):
        longest = max((str(a.value) for a in call.args if isinstance(a, ast.Constant)), key=len)
        if (not first.startswith("-") and not optional) or (
            first.startswith("-") and _constant(options.get("required")) is True
        ):
            yield longest
    elif name in ("argument", "option") and isinstance(call.func, ast.Attribute) and isinstance(first, str):
        required = _constant(options.get("required"))
        if (name == "argument" and required is not False and not optional) or (
            name == "option" and required is True and not optional
        ):
            yield first
    elif name == "mark_flag_as_required" and isinstance(first, str):
        yield f"--{first}"
    elif name == "add_subparsers" and _constant(options.get("required")) is True:
        yield "a subcommand"


def _constant(node: ast.expr | None) -> object:
    return node.value if isinstance(node, ast.Constant) else None


def _is_typer_command(decorator: ast.expr) -> bool:
    return isinstance(decorator, ast.Call) and ast.unparse(decorator.func) in (
        "app.command",
        "cli.command",
        "typer_app.command",
    )
