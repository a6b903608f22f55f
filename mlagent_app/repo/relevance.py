"""Which files of a project an edit may touch, and which nothing may touch."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from itertools import pairwise
from pathlib import Path

from mlagent_app.repo.commandline import invocations, parts
from mlagent_app.repo.sources import MAX_BYTES, Sources

MAX_FILES = 200
_CONFIGS = (".yaml", ".yml", ".toml", ".json", ".cfg", ".ini")
_NEVER_NAMES = frozenset(
    "setup.py setup.cfg conftest.py noxfile.py tox.ini pyproject.toml mlagent.toml package.json package-lock.json uv.lock"
    " poetry.lock pdm.lock pipfile pipfile.lock environment.yml environment.yaml requirements.txt versioneer.py _version.py"
    " mkdocs.yml dvc.lock .pre-commit-config.yaml docker-compose.yml docker-compose.yaml codecov.yml tsconfig.json"
    " manage.py".split()
)
_NEVER_DIRECTORIES = frozenset(
    "tests test testing docs doc .github .gitlab .circleci .vscode .idea node_modules build dist site-packages third_party"
    " vendor __pycache__ .devcontainer".split()
)
# What a run writes is no source, even when it is in git and its name stands in the script.
_OUTPUT = re.compile(
    r"(?:metric|result|score|histor|report|predict|summary|submission|leaderboard|log)[\w.-]*\.(?:json|ya?ml|toml)$"
)
_EVALUATION = re.compile(
    r"^(?:eval\w*|grader?|grading|metrics?|scor(?:e|er|ing)|\w*_scor(?:e|er|ing)|\w+_metrics?|\w+_eval(?:uation|uator)?)\.py$"
)
_DATA = tuple(
    ".csv .tsv .parquet .feather .npy .npz .arff .h5 .hdf5 .mat .jsonl .csv.gz .arrow .sqlite .db .xlsx .tfrecord".split()
)
_DATA_DIRECTORIES = frozenset("data dataset datasets input inputs raw corpus".split())
_MADE_DIRECTORIES = frozenset(
    "processed interim cache cached output outputs results logs checkpoints models features tmp".split()
)
_DATA_NAMES = re.compile(r"^(?:train|test|val|valid|validation|dev|holdout)(?:ing)?(?:[_-]?(?:set|data))?\.", re.IGNORECASE)
_LABELS = re.compile(
    r"(?:^|[_.-])(?:labels?|targets?|answers?|ground_?truth|solution|gold|y_(?:test|val|valid|train))(?:[_.-]|$)", re.IGNORECASE
)


def editable_files(
    root: Path, files: Sequence[str], command: str, patterns: Sequence[str] = (), *, outputs: Sequence[str] = ()
) -> list[str]:
    """The files that edits may touch: at most 200, each at most 256 KiB.

    `patterns` (globs) decide when they are given. Else: the scripts that `command` starts, what of the project they import, and
    the configuration files that the command or those scripts name; when the command starts no script of the project, all of its
    Python files. Tests, packaging, tooling, data, notebooks and what a run writes (`outputs` are globs of that, such as the
    file that the metric is read from) are never among them.
    """
    sources = Sources(root, files)
    if patterns:
        chosen = [path for path in files if matches(path, patterns) and not path.endswith(".ipynb")]
    else:
        chosen = _reached(sources, command) or [path for path in files if path.endswith(".py")]
        chosen = [path for path in chosen if not _never(path)]
    small = [path for path in chosen if not matches(path, outputs) and _is_small(root / path)]
    return small[:MAX_FILES]


def protected_files(files: Sequence[str], command: str, patterns: Sequence[str] = ()) -> list[str]:
    """The files that no edit and no run may change: evaluation code by its name, labels and data, and what `patterns` name.

    A file of evaluation code that is the one script of the command (`python score.py`) is the project's program: left out.
    """
    started = {word.removeprefix("./") for words in parts(command) for word in words if word.endswith(".py")}
    for words in parts(command):
        for flag, module in pairwise(words):
            if flag == "-m":
                inner = module.replace(".", "/") + ".py"
                started |= {path for path in files if path == inner or path.endswith(f"/{inner}")}
    program = started if len(started) == 1 else set[str]()
    found = dict.fromkeys(path for path in files if matches(path, patterns))
    for path in files:
        if (_EVALUATION.match(path.rpartition("/")[2].lower()) and path not in program) or _is_data(path):
            found[path] = None
    return list(found)


def _is_data(path: str) -> bool:
    """Whether the path is that of data or labels that come with the project, not of something that a run writes."""
    *directories, name = path.lower().split("/")
    if name.endswith((".py", ".md", ".rst", ".ipynb", ".yaml", ".yml", ".toml", ".sh")) or set(directories) & _MADE_DIRECTORIES:
        return False
    if _LABELS.search(name.partition(".")[0]):
        return True
    return name.endswith(_DATA) and bool(set(directories) & _DATA_DIRECTORIES or _DATA_NAMES.match(name))


def matches(path: str, patterns: Sequence[str]) -> bool:
    """Whether one of the globs names the path: as a whole, as a directory above it, or by its last part."""
    for pattern in patterns:
        plain = pattern.strip().removeprefix("./").rstrip("/")
        if not plain:
            continue
        if fnmatchcase(path, plain) or path.startswith(f"{plain}/") or fnmatchcase(path, f"{plain}/*"):
            return True
        if "/" not in plain and fnmatchcase(path.rpartition("/")[2], plain):
            return True
        if plain.startswith("**/") and fnmatchcase(path, plain[3:]):
            return True
    return False


def _reached(sources: Sources, command: str) -> list[str]:
    """The scripts of the command, their imports, and the configuration files that either of them names."""
    started = invocations(command, sources)
    reached: dict[str, None] = {}
    for program in started:
        if program.file.endswith("/__init__.py") and f"{program.file.removesuffix('__init__.py')}__main__.py" in sources.known:
            continue
        reached |= dict.fromkeys(sources.closure([program.file], program.base, MAX_FILES))
    if not reached:
        return []
    configs = dict.fromkeys(_named_configs(sources, command, list(reached)))
    return [*reached, *(path for path in configs if path not in reached)]


def _named_configs(sources: Sources, command: str, scripts: Sequence[str]) -> Iterator[str]:
    """Configuration files whose name, path or directory appears in the command or as a string in the scripts."""
    configs = [path for path in sources.files if path.lower().endswith(_CONFIGS) and not _never(path)]
    if not configs:
        return
    strings = {word for words in parts(command) for part in words for word in (part, part.rpartition("=")[2])}
    directories: set[str] = set()
    for path in scripts:
        script = sources.script(path)
        if script is None or script.tree is None:
            continue
        strings |= _strings(script.tree)
        for found in re.finditer(r"config_(?:path|dir)\s*=\s*[\"']([^\"']+)", script.text):
            inside = "/".join(p for p in [*path.split("/")[:-1], *found[1].split("/")] if p not in (".", ""))
            directories.add(_without_parents(inside))
    wanted = {text.removeprefix("./").strip("/") for text in strings if text}
    stems = {text for text in wanted if "/" not in text and "." not in text}
    for path in configs:
        name = path.rpartition("/")[2]
        parent = path.rpartition("/")[0]
        under = any(parent == directory or parent.startswith(f"{directory}/") for directory in directories)
        in_configs = (
            parent.rpartition("/")[2] in ("conf", "config", "configs", "cfg", "params") and name.rpartition(".")[0] in stems
        )
        if (
            under
            or in_configs
            or name in wanted
            or any(text and (path == text or path.endswith(f"/{text}")) for text in wanted)
        ):
            yield path


def _without_parents(path: str) -> str:
    kept: list[str] = []
    for part in path.split("/"):
        if part == ".." and kept:
            kept.pop()
        else:
            kept.append(part)
    return "/".join(kept)


def _strings(tree: ast.Module) -> set[str]:
    """The short string constants of a file, docstrings aside; joined paths are found by their last part."""
    found = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str) and len(n.value) < 200}
    return {text for text in found if "\n" not in text and " " not in text}


def _never(path: str) -> bool:
    """Whether the path is none of the project's own model code: tests, packaging, tooling, notebooks."""
    *directories, name = path.lower().split("/")
    if (
        name in _NEVER_NAMES
        or _OUTPUT.search(name)
        or name.endswith((".ipynb", ".lock"))
        or set(directories) & _NEVER_DIRECTORIES
    ):
        return True
    return name.startswith("test_") or name.endswith("_test.py") or (name.startswith(".") and not directories)


def _is_small(path: Path) -> bool:
    try:
        return path.is_file() and not path.is_symlink() and 0 < path.stat().st_size <= MAX_BYTES
    except OSError:
        return False
