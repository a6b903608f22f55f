"""Which top-level modules files import, and which of them a project cannot be expected to have."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, cast

# Files at a project's root that list what it needs.
LISTS = re.compile(
    r"(?:[\w.-]*requirements[\w.-]*\.(?:txt|in)|pyproject\.toml|setup\.cfg|setup\.py|environment\.ya?ml|Pipfile)\Z"
)
# Distributions whose modules have another name.
_MODULES = {
    "scikit-learn": ("sklearn",), "scikit-image": ("skimage",), "opencv-python": ("cv2",), "opencv-python-headless": ("cv2",),
    "opencv-contrib-python": ("cv2",), "pillow": ("PIL",), "pyyaml": ("yaml",), "python-dateutil": ("dateutil",),
    "beautifulsoup4": ("bs4",), "pytorch-lightning": ("pytorch_lightning",), "scikit-optimize": ("skopt",),
    "umap-learn": ("umap",), "imbalanced-learn": ("imblearn",), "python-dotenv": ("dotenv",), "faiss-cpu": ("faiss",),
    "faiss-gpu": ("faiss",), "pytorch": ("torch",), "tensorflow-cpu": ("tensorflow",), "hydra-core": ("hydra",),
    "torch-geometric": ("torch_geometric",), "segmentation-models-pytorch": ("segmentation_models_pytorch",),
    "protobuf": ("google",), "attrs": ("attr", "attrs"), "pytorch-tabnet": ("pytorch_tabnet",), "msgpack-python": ("msgpack",),
}  # fmt: skip
_IMPORTERS = frozenset({"import_module", "__import__", "find_spec", "importorskip"})
_REQUIREMENT = re.compile(r"^\s*(?:-\s+)?[\"']?([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*(?:[<>=!~;@,\"'#]|$)")
_QUOTED = re.compile(r"[\"']([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*(?:[<>=!~;@][^\"']*)?[\"']")


def imported(name: str, text: str) -> frozenset[str]:
    """The top-level modules that a Python file imports absolutely, by a statement or by a call with a constant name."""
    if not name.endswith(".py"):
        return frozenset()
    try:
        tree = ast.parse(text.lstrip("\ufeff"))
    except (SyntaxError, ValueError, RecursionError):
        return frozenset()
    return frozenset(module for node in ast.walk(tree) for module in _named(node))


def new_modules(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Top-level modules that only the new files import: not of the standard library, not of the project."""
    changed = [name for name in after if after[name] != before.get(name)]
    now = {module for name in changed for module in imported(name, after[name])}
    if not now:
        return []
    known = {module for name, text in before.items() for module in imported(name, text)}
    return sorted(now - known - own_modules(after) - sys.stdlib_module_names)


def own_modules(paths: Iterable[str]) -> frozenset[str]:
    """The names by which a project's own files may be imported: its directories and its Python files, wherever they lie."""
    found: set[str] = set()
    for path in paths:
        *folders, name = path.split("/")
        found.update(folders)
        if name.endswith(".py"):
            found.add(name.removesuffix(".py"))
    return frozenset(found)


def listed_modules(files: Mapping[str, str]) -> frozenset[str]:
    """The modules of the distributions that a project's lists of requirements name (see `LISTS`), as far as names tell."""
    found: set[str] = set()
    for path, text in files.items():
        for distribution in _distributions(path, text):
            plain = re.sub(r"[-_.]+", "-", distribution.lower())
            found.update(_MODULES.get(plain, (plain.replace("-", "_"), distribution, distribution.partition(".")[0])))
    return frozenset(found)


def refusal(modules: Collection[str]) -> str:
    """Why an edit that imports these modules may not be made."""
    names = ", ".join(sorted(modules))
    are = "is not installed" if len(modules) == 1 else "are not installed"
    return (
        f"the edit imports {names}, which {are} in the project's Python, listed in its requirements, or used in the project; "
        "new imports are refused unless [project] allow_new_imports = true"
    )


def _named(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name.partition(".")[0] for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module.partition(".")[0]
    elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        func, value = node.func, node.args[0].value
        called = func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""
        if called in _IMPORTERS and isinstance(value, str) and not value.startswith("."):
            yield value.partition(".")[0]


def _distributions(path: str, text: str) -> Iterator[str]:
    name = path.rpartition("/")[2]
    if name in ("pyproject.toml", "Pipfile"):
        try:
            yield from _in_toml(tomllib.loads(text))
        except (tomllib.TOMLDecodeError, RecursionError):
            return
    elif name == "setup.py":
        yield from (found[1] for found in _QUOTED.finditer(text))
    else:
        yield from (found[1] for line in text.splitlines() if (found := _REQUIREMENT.match(line)))


def _in_toml(content: Mapping[str, Any]) -> Iterator[str]:
    """Of `project.dependencies`, the optional ones, dependency groups, and the tables of Poetry and Pipenv."""
    project, poetry = _table(content, "project"), _table(_table(content, "tool"), "poetry")
    lists: list[object] = [project.get("dependencies")]
    lists += [*_table(project, "optional-dependencies").values(), *_table(content, "dependency-groups").values()]
    for items in lists:
        if isinstance(items, list):
            words = [item for item in cast("list[object]", items) if isinstance(item, str)]
            yield from (found[1] for word in words if (found := _REQUIREMENT.match(word)))
    groups = [_table(cast("Mapping[str, Any]", group), "dependencies") for group in _table(poetry, "group").values()]
    for table in (_table(poetry, "dependencies"), *groups, _table(content, "packages"), _table(content, "dev-packages")):
        yield from table


def _table(content: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = content.get(key)
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}
