"""Whether an edit brings in a package that the project cannot be expected to have."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import cast

from mlagent_app.editors.dependencies import LISTS, imported, listed_modules, new_modules, own_modules, refusal
from mlagent_app.environment.versions import Versions
from mlagent_app.repo.texts import decode

_SECONDS = 60
# Editable installs are found by a hook of theirs and in no directory: what is installed says their names as well.
_PROGRAM = """
import importlib.metadata, json, pkgutil, sys
names = {found.name for found in pkgutil.iter_modules()} | set(sys.stdlib_module_names) | set(sys.builtin_module_names)
try:
    names.update(importlib.metadata.packages_distributions())
except Exception:
    pass
print(json.dumps(sorted(names)))
"""


@lru_cache(maxsize=8)
def importable(python: Path) -> frozenset[str] | None:
    """The top-level modules that an interpreter can import, asked once; None when it does not say."""
    try:
        done = subprocess.run(
            [python, "-I", "-c", _PROGRAM], capture_output=True, timeout=_SECONDS, check=True, cwd="/", stdin=subprocess.DEVNULL
        )
        return frozenset(cast("list[str]", json.loads(done.stdout)))
    except (OSError, subprocess.SubprocessError, ValueError):
        return None


@dataclass(frozen=True, slots=True)
class ImportRule:
    """Which new imports an edit may make.

    `python` is the interpreter that runs the project; None when it lies in an image that cannot be asked. Then new imports are
    left to the flags: the run will tell. `allowed`: every import is.
    """

    python: Path | None = None
    allowed: bool = False

    def refusal(self, versions: Versions, base: str, before: Mapping[str, str], after: Mapping[str, str]) -> str:
        """Why the edit from `before` to `after` (editable files of the commit `base`) is refused; empty when it is not."""
        if self.allowed or self.python is None:
            return ""
        # The cheap questions first: most edits import nothing new.
        new = frozenset(new_modules(before, after))
        if not new:
            return ""
        known = importable(self.python)
        if known is None:
            return ""
        new -= known
        if not new:
            return ""
        paths = versions.files(base)
        lists = [path for path in paths if "/" not in path and LISTS.fullmatch(path)]
        new -= own_modules(paths) | listed_modules(_texts(versions, base, lists))
        if not new:
            return ""
        scripts = _texts(versions, base, [path for path in paths if path.endswith(".py")])
        new -= {module for path, text in scripts.items() for module in imported(path, text)}
        return refusal(new) if new else ""


def _texts(versions: Versions, commit: str, paths: list[str]) -> dict[str, str]:
    contents = versions.texts(commit, paths) if paths else {}
    files = {path: decode(path, content) for path, content in contents.items()}
    return {path: file.text for path, file in files.items() if file is not None}
