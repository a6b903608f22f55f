"""Which commands a fork server can run by forking, because they start Python with a script or a module."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

# Anything in which the shell would see more than words and quotes.
_SHELL = re.compile(r"[|&;<>()$`\\*?\[\]#~!{}\n\r]")
# Read when a process starts or when a library is loaded: too late in a process that has both behind it.
_EARLY = re.compile(
    r"PYTHON(?!PATH$)|PATH$|LANG$|LC_|LD_|MALLOC_|GLIBC_|OMP_|KMP_|GOMP_|MKL_|OPENBLAS_|BLIS_|NUMEXPR_|NUMPY_|NPY_|SKLEARN_|"
    r"TORCH_|PYTORCH_|CUDA_"
)


class Program(NamedTuple):
    """`python NAME ARGUMENTS` ("script") or `python -m NAME ARGUMENTS` ("module")."""

    kind: Literal["script", "module"]
    name: str
    arguments: tuple[str, ...]


def parse(command: str, python: Path) -> Program | None:
    """The program that `command` starts with the interpreter `python`; None when it does anything else or more."""
    if _SHELL.search(command):
        return None
    try:
        words = shlex.split(command)
    except ValueError:
        return None
    if not words or not _is_python(words.pop(0), python):
        return None
    if words[:1] == ["-u"]:  # the output is never buffered
        del words[0]
    if words[:1] == ["-m"] and len(words) > 1 and not words[1].startswith("-"):
        return Program("module", words[1], tuple(words[2:]))
    if words and not words[0].startswith("-"):
        return Program("script", words[0], tuple(words[1:]))
    return None


def is_too_late(variables: Mapping[str, str], loaded_with: Mapping[str, str]) -> bool:
    """Whether a process that was started with `loaded_with` can no longer become one with `variables`."""
    return any(_EARLY.match(name) and loaded_with.get(name) != value for name, value in variables.items())


def _is_python(word: str, python: Path) -> bool:
    """Whether `word` means `python`, whose directory comes first on PATH."""
    if "/" in word:
        return word == str(python)
    names = {"python", "python3", python.name}
    return word in names and (python.parent / word).exists()
