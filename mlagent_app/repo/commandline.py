"""A shell command as this project means it: which Python files it starts, with which arguments, through which wrappers."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from mlagent_app.repo.sources import Sources

_PYTHON = re.compile(r"(?:\S*/)?(?:python|pypy)(?:3(?:\.\d+)?)?$")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_SEPARATORS = frozenset({"&&", ";", "||", "|", "&"})
# Runners and which of their options take a word; what follows is the command they run.
_RUNNERS: dict[tuple[str, str], str] = {
    ("uv", "run"): "--with --extra --group --python -p --index --index-url --env-file --project --directory --package",
    ("poetry", "run"): "-C --directory",
    ("pdm", "run"): "-p --project",
    ("hatch", "run"): "-e --env",
    ("pipenv", "run"): "",
    ("rye", "run"): "",
    ("pixi", "run"): "-e --environment",
    ("conda", "run"): "-n --name -p --prefix --cwd",
    ("mamba", "run"): "-n --name -p --prefix --cwd",
}
_LAUNCHERS = frozenset({"torchrun", "deepspeed", "horovodrun", "mpirun"})


@dataclass(frozen=True, slots=True)
class Invocation:
    """One Python program of a command. `base` is the directory that stands first on its module search path, `arguments` what
    comes after the script, `module` is set when it is started with -m or as a console script.
    """

    file: str
    base: str
    arguments: tuple[str, ...] = ()
    module: str = ""


def parts(command: str) -> list[list[str]]:
    """The words of each simple command. A command that the shell would refuse gives nothing."""
    try:
        lexer = shlex.shlex(command.replace("\n", " ; "), posix=True, punctuation_chars=";&|")
        lexer.whitespace_split = True
        lexer.commenters = ""
        words = list(lexer)
    except ValueError:
        return []
    found: list[list[str]] = [[]]
    for word in words:
        if word in _SEPARATORS:
            found.append([])
        else:
            found[-1].append(word)
    return [part for part in found if part]


def bare(words: Sequence[str]) -> list[str]:
    """The command without assignments, `time`, `env` and the like before it."""
    rest = list(words)
    while rest and (_ASSIGNMENT.match(rest[0]) or rest[0] in ("time", "env", "nohup", "exec", "sudo", "export", "set")):
        rest = rest[1:]
    return rest


def unwrap(words: Sequence[str]) -> tuple[list[str], str]:
    """The command inside `uv run`, `poetry run`, `conda run -n NAME` and their kin; and the wrapper, empty without one."""
    rest = list(words)
    options = _RUNNERS.get((rest[0], rest[1])) if len(rest) > 1 else None
    if options is None:
        return rest, ""
    wrapper, rest = " ".join(rest[:2]), rest[2:]
    while rest and rest[0].startswith("-") and rest[0] not in ("-m",):
        taken = 2 if rest[0] in options.split() and len(rest) > 1 else 1
        if rest[0] in ("-n", "--name"):
            wrapper += f" -n {rest[1]}" if len(rest) > 1 else ""
        rest = rest[taken:]
    if rest and (rest[0].endswith(".py") or rest[0] == "-m"):
        rest.insert(0, "python")
    return rest, wrapper


def is_python(word: str) -> bool:
    """Whether a word is the name or path of a Python interpreter."""
    return _PYTHON.match(word) is not None


def invocations(command: str, sources: Sources, depth: int = 3) -> list[Invocation]:
    """The project's Python programs that a command starts, also through its shell scripts, Makefile and console scripts."""
    found: list[Invocation] = []
    directory = ""
    for words in parts(command):
        rest = unwrap(bare(words))[0] if bare(words) else []
        if rest[:1] == ["cd"] and len(rest) == 2:
            directory = _joined(directory, rest[1])
        elif rest and depth:
            found += _started(rest, directory, sources, depth)
    return found


def _started(words: list[str], directory: str, sources: Sources, depth: int) -> Iterator[Invocation]:
    first = words[0]
    if is_python(first) or first in _LAUNCHERS or words[:2] == ["accelerate", "launch"]:
        yield from _python(words[1:], directory, sources)
    elif first in ("bash", "sh", "zsh", "source", ".") or first.endswith(".sh"):
        script = next((word for word in (words if first.endswith(".sh") else words[1:]) if not word.startswith("-")), "")
        for line in sources.text(_joined(directory, script)).splitlines():
            if line.strip() and not line.lstrip().startswith("#"):
                yield from invocations(line, sources, depth - 1)
    elif first == "make":
        from mlagent_app.repo.makefiles import read_makefile

        targets = read_makefile(sources, directory)
        for name in [word for word in words[1:] if not word.startswith("-") and "=" not in word] or list(targets)[:1]:
            for line in targets[name].recipe if name in targets else ():
                yield from invocations(line, sources, depth - 1)
    elif module := console_scripts(sources).get(first):
        if file := sources.module(module.partition(":")[0], directory):
            yield Invocation(file, directory, tuple(words[1:]), module)
    elif first.endswith(".py") and (path := _joined(directory, first)) in sources.known:
        yield Invocation(path, path.rpartition("/")[0], tuple(words[1:]))


def _python(words: list[str], directory: str, sources: Sources) -> Iterator[Invocation]:
    """What comes after `python`: its options, then a script, a package directory, or -m and a module."""
    rest = list(words)
    while rest and (rest[0].startswith("-") or not (rest[0].endswith((".py", "/")) or "/" in rest[0])) and rest[0] != "-m":
        if rest[0] == "-c":
            yield from _imported_by(" ".join(rest[1:2]), directory, sources)
            return
        if _is_directory(_joined(directory, rest[0]), sources):
            break
        rest = rest[1:]
    if not rest:
        return
    if rest[0] == "-m" and len(rest) > 1:
        if rest[1] in ("torch.distributed.run", "torch.distributed.launch", "accelerate.commands.launch"):
            yield from _python(rest[2:], directory, sources)
            return
        if file := _module_file(rest[1], directory, sources):
            yield Invocation(file, directory, tuple(rest[2:]), rest[1])
        return
    path = _joined(directory, rest[0])
    if path in sources.known:
        yield Invocation(path, path.rpartition("/")[0], tuple(rest[1:]))
    elif f"{path}/__main__.py" in sources.known:
        yield Invocation(f"{path}/__main__.py", path, tuple(rest[1:]))


def _module_file(module: str, directory: str, sources: Sources) -> str | None:
    return sources.module(f"{module}.__main__", directory) or sources.module(module, directory)


def _imported_by(code: str, directory: str, sources: Sources) -> Iterator[Invocation]:
    for found in re.finditer(r"(?:from|import)\s+([\w.]+)", code):
        if file := sources.module(found[1], directory):
            yield Invocation(file, directory, (), found[1])


def _is_directory(path: str, sources: Sources) -> bool:
    return f"{path.rstrip('/')}/__main__.py" in sources.known


def _joined(directory: str, path: str) -> str:
    """`path` as seen from `directory`, relative to the project and without `.` and `..` where that can be told."""
    kept: list[str] = []
    for part in f"{directory}/{path}".split("/"):
        if part == ".." and kept:
            kept.pop()
        elif part not in ("", "."):
            kept.append(part)
    return "/".join(kept)


def console_scripts(sources: Sources) -> dict[str, str]:
    """The console scripts of pyproject.toml (`name` -> `package.module:function`), of the standard and of Poetry."""
    try:
        content = tomllib.loads(sources.text("pyproject.toml"))
    except tomllib.TOMLDecodeError:
        return {}
    found: dict[str, str] = {}
    for path in (("project", "scripts"), ("tool", "poetry", "scripts")):
        node: object = content
        for name in path:
            node = cast("dict[str, object]", node).get(name) if isinstance(node, dict) else None
        if isinstance(node, dict):
            found |= {k: v for k, v in cast("dict[str, object]", node).items() if isinstance(v, str)}
    return found
