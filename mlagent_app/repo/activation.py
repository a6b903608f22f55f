"""Commands that lean on the project's own virtual environment. The copy that runs has no `.venv`: its Python is on PATH.

What a command line itself says is put right: `.venv/bin/python` becomes `python`, and an activation goes. A Makefile or a shell
script cannot be put right, but the commands inside it can be run in its place when they are plain ones.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator

from mlagent_app.repo.commandline import bare, invocations, is_python, parts
from mlagent_app.repo.makefiles import depends, prepares, read_makefile
from mlagent_app.repo.sources import Sources

_START = r"(?<![^\s;&|\"'=])"
_HERE = r"(?:(?:\$\((?:PWD|CURDIR|shell pwd)\)|\$\{?PWD\}?|\.\.?)/)*"
_PROGRAM = re.compile(rf"{_START}{_HERE}((?:[\w.-]+/)*)([\w.-]+)/(?:bin|Scripts)/([\w.-]+)(?![\w/.-])")
_NAMED = re.compile(r"[\w.-]*env(?:[\d._-][\w.-]*)?|\.conda")
_FILE = rf"(?:\.|source)\s+[\"']?{_HERE}(?:[\w.-]+/)+(?:bin|Scripts)/activate[\"']?"
_CONDA = (
    r"(?:source|\.)\s+activate\s+[\w.-]+|(?:conda|mamba|micromamba)\s+activate(?:\s+[\w./-]+)?|source\s[^;&|]*conda\.sh[\"']?"
)
_AFTER = r"(?:\s+2?>\s*/dev/null)?\s*(?:\|\|\s*(?:true|exit \d)\s*)?(?:(?:&&|;)\s*|$)"
_ACTIVATION = re.compile(rf"(?:^|(?<=[;&|]))\s*(?:(?:{_FILE}|{_CONDA}|deactivate){_AFTER})+")
_INSTALLS = re.compile(r"(?:\S*python[\d.]*\s+-m\s+)?(?:pip3?\s+install|venv|virtualenv)\b")
# What stands for nothing when no arguments are given: a script's own, a variable that the Makefile does not set.
_NOTHING = re.compile(r"\s+(?:\"?\$[@*]\"?|\$\((?!PWD\))[A-Z][A-Z0-9_]*\))(?=\s|$)")
_ERREXIT = re.compile(r"^\s*set\s+(?:-\w+\s+)*(?:-\w*e|-o\s+errexit)", re.MULTILINE)
# A line that asks whether there is an environment copes without one.
_ASKS = frozenset({"[", "[[", "test", "if", "elif", "then", "else"})
_CONTROL = _ASKS | {"for", "while", "until", "do", "done", "fi", "case", "esac", "function", "{", "}", "exit", "return", "trap"}


def without_environment(command: str, known: Container[str] = ()) -> str:
    """The command without activations, and with an environment's programs called by their plain names.

    What is absolute stays: it names an environment outside of the project. So do files of the project, those in `known`.
    """
    if any(words[0] in _ASKS for words in parts(command)):
        return command

    def plain(found: re.Match[str]) -> str:
        path = f"{found[1]}{found[2]}/bin/{found[3]}"
        ours = is_python(found[3]) or (_NAMED.fullmatch(found[2]) is not None and found[3] != "activate")
        return found[3] if ours and path not in known else found[0]

    kept = _ACTIVATION.sub(" ", command)
    if kept != command:
        kept = re.sub(r"\s*(?:&&|;)\s*$", "", kept).strip()
    return _PROGRAM.sub(plain, kept)


def leans(command: str, sources: Sources, depth: int = 3) -> bool:
    """Whether a command, or a script or target that it starts, stops without the project's own environment."""
    return without_environment(command, sources.known) != command or (
        depth > 0 and any(leans(line, sources, depth - 1) for line in _inside(command, sources))
    )


def _inside(command: str, sources: Sources) -> Iterator[str]:
    """The lines of the scripts and targets that a command starts, as far as the environment matters to them."""
    for words in parts(command):
        rest = bare(words)
        if rest[:1] == ["cd"]:
            return  # scripts and targets are looked up from the top of the project
        if path := _script(rest):
            yield from _strict_lines(sources.text(path))
        elif rest[:1] == ["make"]:
            targets = read_makefile(sources)
            wanted = [word for word in rest[1:] if not word.startswith("-") and "=" not in word] or list(targets)[:1]
            for target in [targets[name] for name in wanted if name in targets]:
                yield from target.recipe
                yield from (f"make {need}" for need in target.needs if need in targets and need not in sources.known)


def _strict_lines(text: str) -> Iterator[str]:
    """A script's lines outside of its conditions. Unless told to stop at an error, bash goes on after a failed activation."""
    strict, inside = _ERREXIT.search(text) is not None, 0
    for line in _lines(text):
        first = line.split()[0]
        inside += (first == "if") - bool(re.search(r"(?:^|;\s*)fi\b", line))
        goes_on = _ACTIVATION.fullmatch(line) and not strict and "exit" not in line
        if first != "if" and not inside and not goes_on:
            yield line


def opened(command: str, sources: Sources) -> str:
    """What a shell script or a target of the Makefile runs, as one command without the environment.

    Empty when that cannot be told from its text alone: variables, conditions, commands inside of commands.
    """
    simple = parts(command)
    if len(simple) != 1 or not _is_plain(simple[0]):
        return ""
    words = simple[0]
    lines = _recipe(words[1], sources, 4) if words[0] == "make" else _body(_script(words), sources)
    kept: list[str] = []
    for line in [without_environment(_NOTHING.sub("", line), sources.known) for line in lines or ()]:
        if not line or _INSTALLS.match(line) or line.startswith(("echo ", "set ")):
            continue
        if re.search(r"[$`]|&\s*$", line) or not parts(line) or any(part[0] in _CONTROL for part in parts(line)):
            return ""
        kept.append(line)
    whole = " && ".join(kept)
    return whole if invocations(whole, sources) and not leans(whole, sources) else ""


def _is_plain(words: list[str]) -> bool:
    """Whether a command is only `make TARGET` or `bash SCRIPT`: arguments would have to be handed on."""
    return len(words) == 2 if words[0] in ("make", "bash", "sh") else len(words) == 1


def _script(words: list[str]) -> str:
    """The shell script that a command starts, relative to the project; empty when it is none."""
    rest = words[1:] if words[:1] in (["bash"], ["sh"]) else words[:1]
    named = next((word for word in rest if not word.startswith("-")), "")
    return named.removeprefix("./") if named.endswith(".sh") else ""


def _recipe(name: str, sources: Sources, depth: int) -> list[str] | None:
    """The lines of a target after those of the targets that it needs; None where something else has to be made first."""
    targets = read_makefile(sources)
    target = targets.get(name)
    if target is None or not depth:
        return None
    found: list[str] = []
    for need in target.needs if depends(target, sources) else ():
        if prepares(need) or need in sources.known or (sources.root / need).is_file():
            continue
        before = _recipe(need, sources, depth - 1)
        if before is None:
            return None
        found += before
    found += target.recipe
    # Each line has a shell of its own: in one command, a `cd` would reach the next line too.
    return found if len(found) < 2 or not any(re.match(r"cd\s", line) for line in found) else None


def _body(path: str, sources: Sources) -> list[str]:
    """The lines of a shell script, without a `cd` that only leads to the project from wherever the script is called."""
    up = "/.." * path.count("/")
    home = re.compile(rf"cd\s+\"?\$\(dirname \"?(?:\$0|\$\{{?BASH_SOURCE(?:\[0\]\}})?)\"?\){re.escape(up)}\"?")
    return [line for line in _lines(sources.text(path)) if not home.fullmatch(line)]


def _lines(text: str) -> Iterator[str]:
    for line in re.sub(r"\s*\\\n\s*", " ", text).splitlines():
        plain = re.sub(r"\s+#\s.*$", "", line).strip()
        if plain and not plain.startswith("#"):
            yield plain
