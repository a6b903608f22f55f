"""What new texts of files may never be: an edit of a protected file, of one that is not editable, or of broken Python."""

from __future__ import annotations

import ast
import sys
import unicodedata
from collections.abc import Collection, Mapping

# A module of one of these names runs before a project's own code, or around it.
_STARTS_BY_ITSELF = frozenset({"sitecustomize", "usercustomize", "conftest", "__main__"})
_SHOWN = 10


def edit_refusal(changed: Mapping[str, str], sources: Mapping[str, str], protected: Collection[str]) -> str:
    """Why these new texts may not take the place of `sources`, the editable files; empty when they may."""
    for path, new in changed.items():
        if path in protected:
            return f"{path} is protected and cannot be edited"
        if path not in sources:
            some = ", ".join(sorted(set(sources) - set(protected))[:_SHOWN])
            return f"{path} is not among the editable files" + (f", which are: {some}" if some else "")
        if problem := syntax_problem(path, new):
            return problem
    if all(sources[path] == new for path, new in changed.items()):
        return "the edit changes nothing"
    return ""


def syntax_problem(path: str, text: str) -> str:
    """Why a file of this name would no longer parse; empty when it does, and for what is no Python."""
    if not path.endswith(".py"):
        return ""
    try:
        ast.parse(text.lstrip("\ufeff"))
    except (SyntaxError, ValueError, RecursionError) as error:
        return f"{path} would no longer parse: {error}"
    return ""


def copy_refusal(target: str, present: Collection[str], protected: Collection[str], imported: Collection[str]) -> str:
    """Why no copy may be made at `target`, a path below the project; empty when it may.

    `present` are the project's files, `imported` the top-level modules that it imports. A copy takes the place of nothing:
    neither of a file, nor of one whose name differs only in case or spelling, nor of a module that is found elsewhere.
    """
    folded = {_folded(path): path for path in present}
    if _folded(target) in {_folded(path) for path in protected}:
        return f"{target} is protected and cannot be written"
    if other := folded.get(_folded(target)):
        return f"{target} cannot be written: {other} exists already; edit it instead"
    if any(unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp", "Cs") for char in target):
        return f"{target!r} cannot be written: its name has characters that cannot be seen"
    module = target.partition("/")[0].removesuffix(".py")
    own = {path.partition("/")[0].removesuffix(".py") for path in present}
    shadowed = module in imported or module in sys.stdlib_module_names or module in _STARTS_BY_ITSELF
    if target.endswith((".py", ".pth", ".so", ".pyd", ".pyc")) and shadowed and module not in own:
        return f"{target} cannot be written: it would take the place of the module {module}"
    return ""


def _folded(path: str) -> str:
    """The path as a file system sees it that folds case and normalises what it is given."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
