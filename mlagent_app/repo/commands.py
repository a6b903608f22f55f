"""The commands that could train a project and show its metric, ranked.

Where a command is written decides first (AGENTS.md, Makefile, pyproject scripts, README, `python -m package.train`, a script's
name), but what it does can outweigh that: a command that predicts, serves or downloads, that misses an argument, or whose
script does not exist, falls behind a plain training script.
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from mlagent_app.repo.activation import leans, opened, without_environment
from mlagent_app.repo.commandline import Invocation, bare, console_scripts, invocations, parts, unwrap
from mlagent_app.repo.documents import Written, written_commands
from mlagent_app.repo.makefiles import depends, read_makefile
from mlagent_app.repo.purposes import EVALUATES, STARTS, TRAINS, only_evaluates, purpose
from mlagent_app.repo.scripts import script_candidates
from mlagent_app.repo.sources import Sources, calls_when_run

MAX_CANDIDATES = 12
README = ("README.md", "README.rst", "README.txt", "README", "readme.md", "Readme.md", "docs/README.md")

_PLACEHOLDER = re.compile(r"<[^>]+>|\[[A-Z_. -]+\]|\bpath/to\b|/path/|\bYOUR[_ ]|\.\.\.|\{\w+\}|\$\w|\bxxx?\b|…", re.IGNORECASE)
_DISTRIBUTED = re.compile(
    r"torchrun|distributed|deepspeed|horovodrun|mpirun|accelerate launch|--nproc|--gpus|CUDA_VISIBLE_DEVICES|slurm|srun"
)
_BASE = {"agents": 100.0, "makefile": 84.0, "pyproject": 80.0, "readme": 76.0, "shell": 60.0}

# What cannot work stays in the list, behind everything that can.
_HOPELESS = 2.0


@dataclass(frozen=True, slots=True)
class CommandFound:
    """A command, where it stands, and why it is ranked as it is."""

    command: str
    source: str
    why: str
    score: float = 0.0


def find_commands(sources: Sources, python: str) -> list[CommandFound]:
    """The candidates, best first, at most twelve. `python` is what the chosen interpreter is called."""
    gathered = [*_from_documents(sources), *_from_makefile(sources), *_from_pyproject(sources), *_from_shell(sources)]
    judged = [_judged(found, sources) for found in gathered]
    found = [item for item in judged if item is not None]
    found += [CommandFound(c.command, c.source, c.why, c.score) for c in script_candidates(sources)]
    found.sort(key=lambda item: -item.score)
    unique: dict[str, CommandFound] = {}
    for item in found[: 4 * MAX_CANDIDATES]:
        if item.score > 0:
            command = _runnable(item.command, sources, python)
            unique.setdefault(command, replace(item, command=command))
    return list(unique.values())[:MAX_CANDIDATES]


def _from_documents(sources: Sources) -> Iterator[CommandFound]:
    names = tuple(console_scripts(sources))
    for path, kind in (("AGENTS.md", "agents"), *((name, "readme") for name in README)):
        text = sources.text(path)
        items = written_commands(text, names)
        for index, item in enumerate(items):
            # Running text mentions commands of every kind; a block tells the reader to type it.
            base = _BASE[kind] - (0.0 if item.block or item.labelled else 6.0) - 0.2 * index
            yield CommandFound(item.command, f"{path}, line {item.line}", "written there", base)
        yield from _in_sequence(items, path, _BASE[kind], sources)
        if items and kind == "readme":
            return


def _in_sequence(items: Sequence[Written], path: str, base: float, sources: Sources) -> Iterator[CommandFound]:
    """`train` and then `evaluate` in one block: both, when only the second shows a score."""
    for first, second in pairwise(items):
        beside = first.block and first.block == second.block and not only_evaluates(invocations(first.command, sources))
        if beside and TRAINS.search(first.command) and EVALUATES.search(second.command):
            if not _shows_score(first.command, sources) and _shows_score(second.command, sources):
                where = f"{path}, lines {first.line} and {second.line}"
                yield CommandFound(f"{first.command} && {second.command}", where, "training, then the score", base + 4.0)


def _shows_score(command: str, sources: Sources) -> bool:
    return any(sources.reports(sources.closure([i.file], i.base, 30)) for i in invocations(command, sources))


def _from_makefile(sources: Sources) -> Iterator[CommandFound]:
    for name, target in read_makefile(sources).items():
        plain = [without_environment(line, sources.known) for line in target.recipe]
        lines = [line for line in plain if line and not line.startswith(("echo ", "@echo", "mkdir ", "export "))]
        if not any(invocations(line, sources) for line in lines):
            continue
        single = lines[0] if len(lines) == 1 and _is_simple(lines[0]) and not depends(target, sources) else ""
        if single:
            yield CommandFound(single, f"Makefile, target {name} (line {target.line})", "its recipe", _BASE["makefile"])
        elif shutil.which("make"):
            yield CommandFound(f"make {name}", f"Makefile, line {target.line}", "the target", _BASE["makefile"])
        elif not depends(target, sources):
            yield CommandFound(
                " && ".join(lines), f"Makefile, target {name} (line {target.line})", "its recipe", _BASE["makefile"]
            )


def _is_simple(line: str) -> bool:
    """Whether a recipe's line is one command without shell grammar that would be lost outside of make."""
    simple = parts(line)
    return len([words for words in simple if words[0] != "cd"]) == 1 and "$(" not in line and "`" not in line


def _from_pyproject(sources: Sources) -> Iterator[CommandFound]:
    for name, entry in console_scripts(sources).items():
        yield CommandFound(name, f"pyproject.toml, script {name}", f"it calls {entry}", _BASE["pyproject"])


def _from_shell(sources: Sources) -> Iterator[CommandFound]:
    for path in sources.files:
        stem = path.rpartition("/")[2].removesuffix(".sh")
        if path.endswith(".sh") and path.count("/") <= 1 and (TRAINS.search(stem) or STARTS.search(stem)):
            yield CommandFound(f"bash {path}", path, "a script of that name", _BASE["shell"] - 2.0 * path.count("/"))


def _judged(found: CommandFound, sources: Sources) -> CommandFound | None:
    """The candidate with what it does counted in; None when it starts nothing of the project."""
    found = _in_a_copy(found, sources)
    found = replace(found, command=_without_clone(found.command, sources))
    started = invocations(found.command, sources)
    if not started:
        return None
    score, why = found.score, [found.why]
    worth, said = purpose(found.command, started, f"{found.source} {found.command}")
    score += worth
    why += [said] if said else []
    if missing := _missing(started, sources):
        score -= 35.0
        why.append(f"but it lacks {', '.join(missing[:3])}")
    if _PLACEHOLDER.search(found.command):
        score -= 35.0
        why.append("but it has a placeholder")
    if _DISTRIBUTED.search(found.command):
        score -= 20.0
        why.append("but it wants several devices")
    reached = [path for program in started for path in sources.closure([program.file], program.base, 60)]
    if not sources.trains(reached) and not sources.reports(reached):
        score -= 20.0
        why.append("but nothing in it reads like training")
    if leans(found.command, sources):
        score = min(score, _HOPELESS)
        why.append("but it calls the project's own environment, which a copy of the project does not have")
    return replace(found, score=score, why=", ".join(why))


def _in_a_copy(found: CommandFound, sources: Sources) -> CommandFound:
    """The candidate as it can run where the project's own environment is not: by itself, or as what is inside of it."""
    command = without_environment(found.command, sources.known)
    if leans(command, sources) and (inside := opened(command, sources)):
        return replace(found, command=inside, why=f"{found.why}, opened: it calls the project's own environment")
    return replace(found, command=command)


def _without_clone(command: str, sources: Sources) -> str:
    """The command without a `cd` into a directory that the project does not have: the clone of the project itself."""
    simple = parts(command)
    known = {path.split("/")[0] for path in sources.files if "/" in path}
    kept = [
        words for words in simple if not (words[0] == "cd" and words[1:] and words[1].strip("./").split("/")[0] not in known)
    ]
    return command if len(kept) == len(simple) else " && ".join(_quoted(words) for words in kept)


def _missing(started: Sequence[Invocation], sources: Sources) -> list[str]:
    """Arguments that a script cannot do without and that the command does not give."""
    found: list[str] = []
    for program in started:
        script = sources.script(program.file)
        if script is None:
            continue
        given = {argument.partition("=")[0] for argument in program.arguments}
        plain = len([argument for argument in program.arguments if not argument.startswith("-")])
        options = [need for need in script.needs if need.startswith("-")]
        found += [need for need in options if need not in given]
        positional = [need for need in script.needs if not need.startswith("-")]
        found += positional[plain:]
    return found


def _runnable(command: str, sources: Sources, python: str) -> str:
    """The command as it is run: no wrappers, the interpreter's own name, console scripts as modules."""
    scripts = console_scripts(sources)
    simple = parts(command)
    wrapped = any(unwrap(bare(words))[1] for words in simple if bare(words))
    special = any(bare(words)[:1] and unwrap(bare(words))[0][:1] and unwrap(bare(words))[0][0] in scripts for words in simple)
    if wrapped or special:
        command = " && ".join(_plain(words, scripts, sources) for words in simple)
    command = re.sub(r"(?<![\w./-])python3?(?:\.\d+)?(?![\w./-])", python, command)
    return with_search_path(command, sources)


def _plain(words: Sequence[str], scripts: dict[str, str], sources: Sources) -> str:
    """One simple command without its runner; a console script becomes the call of its function.

    It becomes `-m` only where that is the same call: a module's guard may run anything, a check of itself for one.
    """
    front = list(words[: len(words) - len(bare(words))])
    rest, _ = unwrap(bare(words))
    entry = scripts.get(rest[0]) if rest else None
    if entry is None:
        return _quoted([*front, *rest])
    module, _, function = entry.partition(":")
    file = sources.module(module, "")
    script = sources.script(file) if file else None
    call = function.partition("[")[0].strip() or "main"
    if script is not None and calls_when_run(script, call):
        return _quoted([*front, "python", "-m", module, *rest[1:]])
    code = f"from {module} import {call.partition('.')[0]}; {call}()"
    return _quoted([*front, "python", "-c", code, *rest[1:]])


def _quoted(words: Sequence[str]) -> str:
    return " ".join(w if re.fullmatch(r"[\w@%+=:,./$~*?{}\[\]-]+", w) else shlex.quote(w) for w in words)


def with_search_path(command: str, sources: Sources) -> str:
    """`command` with a PYTHONPATH when it imports the project's code from a place that is not on the search path by itself.

    Without it an editable installation would be found instead: the original, not the copy that is being edited.
    """
    if "PYTHONPATH" in command or re.search(r"(?:^|[;&|]\s*)cd\s", command):
        return command
    needed: dict[str, None] = {}
    for program in invocations(command, sources):
        reached = sources.closure([program.file], program.base, 60)
        roots = sources.search_roots(reached, program.base)
        if program.module and (root := sources.root_of(program.module, program.base)) not in (None, program.base):
            roots.append(root or "")
        needed |= dict.fromkeys(root or "." for root in roots)
    if not needed:
        return command
    return (
        f"PYTHONPATH={':'.join(needed)} {command}"
        if len(parts(command)) == 1
        else f"export PYTHONPATH={':'.join(needed)}; {command}"
    )
