"""The corpus of scripts and configurations, and ways to compare a file before and after an edit."""

from __future__ import annotations

import ast
import contextlib
import io
import sys
import warnings
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from mlagent_app.editors.base import Edit
from mlagent_app.editors.catalogue import Catalogue
from mlagent_app.editors.catalogue.scalars import load
from mlagent_app.editors.catalogue.values import Style

FOLDER = Path(__file__).parent.parent / "corpus"
STYLES: dict[str, Style] = {".yaml": "yaml", ".yml": "yaml", ".toml": "toml", ".json": "json"}
# These do not parse, on purpose.
BROKEN = frozenset({"sk_broken_syntax.py", "configs/broken.yaml", "configs/broken.json"})


@lru_cache(maxsize=1)
def texts() -> dict[str, str]:
    """Every file of the corpus by its name, line ends as they are on disk."""
    names = [path for path in sorted(FOLDER.rglob("*")) if path.suffix in (".py", *STYLES)]
    return {path.relative_to(FOLDER).as_posix(): path.read_bytes().decode() for path in names}


SCRIPTS = [name for name in texts() if name.endswith(".py")]
CONFIGS = [name for name in texts() if not name.endswith(".py")]
SHARED = Catalogue()


def edits_of(name: str) -> list[Edit]:
    """The edits of one corpus file by itself."""
    return SHARED.enumerate({name: texts()[name]})


def after(instruction: str, text: str, name: str = "train.py") -> str:
    """The text of one file after the edit of these very words."""
    edit = Catalogue().resolve(instruction, {name: text})
    assert edit.instruction == instruction
    return edit.apply(text)


def instructions(text: str, name: str = "train.py") -> list[str]:
    """The words of all edits of one file."""
    return [edit.instruction for edit in Catalogue().enumerate({name: text})]


def printed_by(text: str) -> str:
    """What the script prints when it is run as `__main__`."""
    main = ModuleType("__main__")
    saved, sys.modules["__main__"] = sys.modules["__main__"], main
    out = io.StringIO()
    try:
        with contextlib.redirect_stdout(out), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(compile(text.removeprefix("\ufeff"), "script.py", "exec"), main.__dict__)
    except SystemExit as end:
        assert not end.code
    finally:
        sys.modules["__main__"] = saved
    return out.getvalue()


def parses(name: str, text: str) -> bool:
    """Whether the file is valid of its kind."""
    try:
        if name.endswith(".py"):
            compile(text.removeprefix("\ufeff"), name, "exec", dont_inherit=True)
        else:
            load(text, STYLES[Path(name).suffix])
    except (SyntaxError, ValueError):
        return False
    return True


def tree(text: str) -> ast.Module:
    return ast.parse(text.removeprefix("\ufeff"))


def node_changes(old: object, new: object) -> Iterator[tuple[object, object]]:
    """The smallest differing parts of two syntax trees; an added keyword argument is one change of None to it."""
    if isinstance(old, ast.AST) and isinstance(new, ast.AST) and type(old) is type(new):
        for name in old._fields:
            yield from node_changes(getattr(old, name, None), getattr(new, name, None))
    elif isinstance(old, list) and isinstance(new, list):
        yield from _list_changes(cast("list[object]", old), cast("list[object]", new))
    elif old != new or type(cast(object, old)) is not type(cast(object, new)):
        yield old, new


def _list_changes(old: list[object], new: list[object]) -> Iterator[tuple[object, object]]:
    if len(old) == len(new):
        for pair in zip(old, new, strict=True):
            yield from node_changes(*pair)
    elif len(new) > len(old) and all(isinstance(item, ast.keyword) for item in new) and not any(_changes(old, new)):
        for item in new[len(old) :]:
            yield None, item
    else:
        yield old, new


def _changes(old: list[object], new: list[object]) -> Iterator[bool]:
    return (True for pair in zip(old, new, strict=False) for _ in node_changes(*pair))


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:  # noqa: ANN401 - a document can be anything
    """The dotted paths of a document's values."""
    if isinstance(value, dict):
        for key, item in cast("dict[object, object]", value).items():
            yield from leaves(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, item in enumerate(cast("list[object]", value)):
            yield from leaves(item, f"{path}.{index}" if path else str(index))
    else:
        yield path, repr(value)
