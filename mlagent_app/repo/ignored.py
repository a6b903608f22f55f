"""Which files that git ignores a project's command needs: data sets above all."""

from __future__ import annotations

import fnmatch
import heapq
import os
import re
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

from mlagent_app.repo.scan import CACHES, Bounds, ReadOnlyLink, Scan, is_environment, walk

_SOURCES = (".py", ".yaml", ".yml", ".toml", ".json", ".cfg", ".ini", ".sh", ".mk", ".ipynb", ".txt", ".md")
_SOURCE_NAMES = frozenset({"Makefile", "Dockerfile", "justfile"})
_SOURCE_CHARACTERS = 256 * 1024  # longer files are data
_READ_FILES = 200  # reading sources is the slow part of opening a large repository

_DATA = (
    ".csv", ".tsv", ".parquet", ".feather", ".arrow", ".json", ".jsonl", ".npy", ".npz", ".pkl", ".pickle", ".joblib", ".txt",
    ".h5", ".hdf5", ".db", ".sqlite", ".mat", ".gz", ".zip", ".bin", ".idx", ".pt", ".safetensors", ".png", ".jpg", ".jpeg",
    ".wav", ".xlsx",
)  # fmt: skip
# What runs leave behind. A copy could be taken for the result of a run that wrote none, or be resumed from.
_RESULTS = frozenset({
    "outputs", "output", "runs", "logs", "log", "results", "checkpoints", "wandb", "mlruns", "lightning_logs", "tb_logs",
    "tensorboard",
})  # fmt: skip
_SECRETS = (
    ".env", ".env.*", "*.pem", "*.key", "id_rsa*", "id_ed25519*", "credentials*", ".netrc", ".pypirc", "secrets*",
    ".aws", ".ssh",
)  # fmt: skip
_NEVER = (
    *CACHES,
    "*.pyc",
    "*.pyo",
    "*.egg-info",
    "*.log",
    "*.swp",
    "build",
    "dist",
    ".idea",
    ".vscode",
    ".coverage",
    "htmlcov",
)
_MANY = 20_000  # files in one directory
_FEW = 16  # large files in one directory that are linked one by one


def add_needed(scan: Scan, candidates: Sequence[str], command: str, bounds: Bounds) -> tuple[dict[str, str], list[str]]:
    """Add to `scan` what the command needs of the ignored `candidates` (paths; directories with a final slash).

    Small data is copied, up to `bounds.ignored` bytes in all; the rest is linked read-only. Returns what was added with why,
    and the result directories that must exist, empty, for a run to write into.
    """
    usable = [path for path in candidates if _is_usable(scan.root, path)]
    reasons = _references(scan, usable, command) if usable else {}
    added: dict[str, str] = {}
    empty: list[str] = []
    room = bounds.ignored
    for given in usable:
        path, name = given.rstrip("/"), os.path.basename(given.rstrip("/"))
        why = reasons.get(given)
        if why is None:
            continue
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in _SECRETS):
            scan.left_out[path] = "ignored by git and may hold secrets: name it in [project] copy if the command needs it"
        elif name in _RESULTS and why != "the command":
            scan.left_out[path] = "ignored by git, results of earlier runs: name it in [project] copy if the command needs it"
            if given.endswith("/"):
                empty.append(path)
        else:
            room -= _take(scan, given, why, (room, bounds))
            added[path] = f"ignored by git, named in {why}"
    return added, empty


def _is_usable(root: Path, path: str) -> bool:
    parts = path.rstrip("/").split("/")
    if any(fnmatch.fnmatchcase(part, pattern) for part in parts for pattern in _NEVER):
        return False
    return not (path.endswith("/") and is_environment(root / path))


def _take(scan: Scan, given: str, why: str, limits: tuple[int, Bounds]) -> int:
    """Copy or link one ignored file or directory; the number of bytes that are copied. Large files are linked in any case."""
    room, bounds = limits
    path = given.rstrip("/")
    large = bounds.large
    if not given.endswith("/"):
        try:
            size = os.lstat(scan.root / path).st_size
        except OSError:
            return 0
        if large >= size > room:
            scan.links[path] = _link(scan, path, why)
            return 0
        scan.add([path])
        return size if size <= large else 0
    files: list[str] = []
    total = over = 0
    for file, size in walk(scan.root, path):
        files.append(file)
        total += size if size <= large else 0
        over += size > large
        if total > room or len(files) > _MANY or over > _FEW:
            scan.links[path] = _link(scan, path, why)
            return 0
    scan.add(files)
    return total


def _link(scan: Scan, path: str, why: str) -> ReadOnlyLink:
    source = os.fspath(scan.root / path)
    return ReadOnlyLink(source, path, f"ignored data, named in {why}, over the bound for copies")


def _references(scan: Scan, candidates: Sequence[str], command: str) -> dict[str, str]:
    """The candidates that the command or a source or configuration file names, with where."""
    found: dict[str, str] = {}
    waiting = list(candidates)
    for place, text in _texts(scan, command):
        words = _words(text)
        named = [path for path in waiting if _is_named(path, words, text)]
        if named:
            found.update(dict.fromkeys(named, place))
            waiting = [path for path in waiting if path not in found]
        if not waiting:
            return found
    return found


def _words(text: str) -> set[str]:
    words = set(re.findall(r"[\w.\-]+", text))
    return words | {word.strip(".") for word in words}


def _is_named(path: str, words: set[str], text: str) -> bool:
    """By its name (a module's without `.py`), or a data file by a directory it lies in: `Path("data").glob("*.csv")`."""
    parts = path.rstrip("/").split("/")
    if (
        parts[-1].removesuffix(".py") in words
        or parts[-1] in words
        or (not re.fullmatch(r"[\w.\-]+", parts[-1]) and parts[-1] in text)
    ):
        return True
    return path.endswith(_DATA) and any(part in words for part in parts[:-1])


def _texts(scan: Scan, command: str) -> Iterable[tuple[str, str]]:
    """(Where, text) of the command and of the sources: first those beside a file that the command names, then by depth."""
    yield "the command", command
    homes = {word.rpartition("/")[0] for word in re.findall(r"[\w./\-]+", command) if word in scan.files}
    sources = [path for path in scan.files if path.endswith(_SOURCES) or path.rpartition("/")[2] in _SOURCE_NAMES]
    near = sorted(path for path in sources if path.rpartition("/")[0] in homes) if homes else []
    shallow = heapq.nsmallest(_READ_FILES, sources, key=lambda path: (path.count("/"), not path.endswith(".py"), path))
    root = os.fspath(scan.root)
    for path in islice(dict.fromkeys((*near, *shallow)), _READ_FILES):
        try:
            with open(os.path.join(root, path), encoding="utf-8", errors="replace") as file:
                text = file.read(_SOURCE_CHARACTERS + 1)
        except OSError:
            continue
        if len(text) <= _SOURCE_CHARACTERS:
            yield path, text
