"""The targets of a Makefile, as far as finding the command that trains needs them. Nothing is run."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mlagent_app.repo.sources import Sources

NAMES = ("GNUmakefile", "makefile", "Makefile")
_VARIABLE = re.compile(r"^(?:export\s+)?([A-Za-z_]\w*)\s*(\?=|:=|::=|=|\+=)\s*(.*)$")
_TARGET = re.compile(r"^([A-Za-z0-9_.%/ -]+?)\s*::?(?!=)\s*([^#;]*)(?:;\s*(.*))?")
_PREPARES = re.compile(r"install|venv|env|setup|requirements|deps|dependencies|help|check|lint|clean")
_USE = re.compile(r"\$[({](\w+)[)}]")


@dataclass(frozen=True, slots=True)
class Target:
    """A target: the line it stands at, what it depends on, and its commands with the Makefile's own variables filled in."""

    name: str
    line: int
    needs: tuple[str, ...]
    recipe: tuple[str, ...]


def read_makefile(sources: Sources, directory: str = "") -> dict[str, Target]:
    """The targets by name, in order; none without a Makefile. Pattern and special targets are left out."""
    prefix = f"{directory}/" if directory else ""
    text = next((found for name in NAMES if (found := sources.text(prefix + name))), "")
    variables: dict[str, str] = {"MAKE": "make", "CURDIR": "."}
    targets: dict[str, Target] = {}
    current: list[str] = []
    for number, line in _logical_lines(text):
        if line.startswith("\t"):
            command = line.strip().lstrip("@-+").strip()
            for name in current:
                if command and not command.startswith("#"):
                    old = targets[name]
                    targets[name] = Target(name, old.line, old.needs, (*old.recipe, command))
            continue
        if variable := _VARIABLE.match(line):
            variables[variable[1]] = variable[3].partition(" #")[0].strip()
        elif (found := _TARGET.match(line)) and not line.startswith("."):
            current = [name for name in found[1].split() if "%" not in name]
            inline = (found[3].strip(),) if found[3] else ()
            for name in current:
                old = targets.get(name, Target(name, number, (), ()))
                targets[name] = Target(name, old.line, (*old.needs, *found[2].split()), (*old.recipe, *inline))
    return {name: _filled(target, variables) for name, target in targets.items()}


def depends(target: Target, sources: Sources) -> bool:
    """Whether a target needs others to be made first: steps of the project, not the installation."""
    return any(need not in sources.known and not prepares(need) for need in target.needs)


def prepares(name: str) -> bool:
    """Whether the name of a target says that it only prepares: installs, cleans up, checks."""
    return _PREPARES.search(name.lower()) is not None


def _logical_lines(text: str) -> list[tuple[int, str]]:
    """(number, line) with continued lines joined and line ends taken off."""
    found: list[tuple[int, str]] = []
    pending = ""
    for number, line in enumerate(text.splitlines(), 1):
        whole = pending + (line.lstrip() if pending else line)
        if whole.endswith("\\"):
            pending = whole[:-1]
            continue
        pending = ""
        if whole.strip():
            found.append((number, whole))
    return found


def _filled(target: Target, variables: dict[str, str]) -> Target:
    """The target with variables replaced; `$$` is the shell's own dollar sign."""

    def fill(text: str) -> str:
        for _ in range(5):
            filled = _USE.sub(lambda found: variables.get(found[1], found[0]), text)
            if filled == text:
                break
            text = filled
        return text.replace("$@", target.name).replace("$$", "$")

    return Target(target.name, target.line, tuple(target.needs), tuple(fill(line) for line in target.recipe))
