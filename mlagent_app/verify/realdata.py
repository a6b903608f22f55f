"""Taking in the real data of a task: the files that a person downloaded, checked and kept."""

from __future__ import annotations

import csv
import hashlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO, cast

from mlagent_app.environment.taskjudge import real_data, variants_dir
from tasks.building import HIDDEN, PUBLIC
from tasks.errors import TaskError
from tasks.schema import RealFile, TaskSpec
from tasks.source import prepare_of

AGAIN = "download it again"


def take_in(spec: TaskSpec, raw: Path) -> tuple[Path, int]:
    """Check the download in `raw` and keep it for this task; where it is kept, and how many labelled examples it has.

    What was kept before is replaced, at once. Of `raw` only what the task names is kept: linked where that is possible, else
    copied. Raises `TaskError`.
    """
    if spec.real is None:
        raise TaskError(f"{spec.id} is a family: its data is always generated", how="see: mlagent tasks list --split held_in")
    if not raw.is_dir():
        raise TaskError("there is no such directory", where=str(raw), how="name the directory of the unpacked download")
    found = [(wanted, _find(raw, wanted)) for wanted in spec.real.files]
    _check_archive(raw, spec)
    for wanted, path in found:
        _check_columns(path, wanted)
    for wanted, path in found:
        _check_whole(path, wanted)
    target = real_data(spec.id)
    kept = _copy(sorted({_topmost(raw, path) for _, path in found}), target)
    try:
        # What the task reads is what was kept, so that nothing else is needed later.
        examples = len(prepare_of(spec).real(kept))
        _put(kept, target)
        _forget_variants(spec)
    except OSError as error:
        raise TaskError(f"the data cannot be kept: {error.strerror}", where=str(target), how="free some space") from None
    finally:
        shutil.rmtree(kept, ignore_errors=True)
    return target, examples


def _forget_variants(spec: TaskSpec) -> None:
    """Remove what was drawn from data that was kept before; the mini variants are soon drawn again."""
    for directory in (variants_dir() / PUBLIC, variants_dir() / HIDDEN):
        for drawn in directory.glob(f"{spec.id}-*"):
            shutil.rmtree(drawn, ignore_errors=True)


def _check_archive(raw: Path, spec: TaskSpec) -> None:
    """The checksum of the whole download, where its archive is still there and the checksum is known."""
    path = raw / spec.real.archive if spec.real and spec.real.archive else None
    if path is not None and path.is_file() and spec.real and spec.real.archive_md5:
        _check_md5(path, spec.real.archive_md5)


def _find(raw: Path, wanted: RealFile) -> Path:
    """The file or directory, or the zip file that it comes in."""
    for path in (raw / wanted.path, raw / f"{wanted.path}.zip"):
        if path.exists():
            return path
    raise TaskError(f"{wanted.path} is missing", where=str(raw), how="name the directory of the unpacked download")


def _topmost(raw: Path, path: Path) -> Path:
    """The entry of `raw` that `path` is, or lies in."""
    return raw / path.relative_to(raw).parts[0]


def _check_columns(path: Path, wanted: RealFile) -> None:
    if not wanted.columns:
        return
    with _opened(path, wanted) as file:
        header: list[str] = next(csv.reader(file), [""])
    missing = [name for name in wanted.columns if name not in header]
    if missing:
        raise TaskError(f"the column {missing[0]!r} is missing", where=str(path), how="use the file as it was downloaded")
    if header != list(wanted.columns):
        raise TaskError(
            "it has other columns than the competition's file", where=str(path), how="use the file as it was downloaded"
        )


def _check_whole(path: Path, wanted: RealFile) -> None:
    """The number of rows and the checksum, where they are known: the whole file has to be read for these."""
    if wanted.rows is not None and wanted.columns:
        with _opened(path, wanted) as file:
            rows = sum(1 for row in csv.reader(file) if row) - 1
        if rows != wanted.rows:
            raise TaskError(f"it has {rows:,} rows, not {wanted.rows:,}", where=str(path), how=AGAIN)
    if wanted.md5 and path.name == Path(wanted.path).name and path.is_file():
        _check_md5(path, wanted.md5)


def _check_md5(path: Path, known: str) -> None:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "md5").hexdigest()
    if digest != known:
        raise TaskError(f"its MD5 checksum is {digest}, not {known}", where=str(path), how=AGAIN)


@contextmanager
def _opened(path: Path, wanted: RealFile) -> Generator[TextIO]:
    """The text of a file, also from inside its zip file. Raises `TaskError`."""
    name = Path(wanted.path).name
    try:
        if path.suffix != ".zip" or name.endswith(".zip"):
            with path.open(encoding="utf-8", errors="replace", newline="") as file:
                yield file
            return
        with zipfile.ZipFile(path) as archive, archive.open(_member(archive, name)) as inner:
            yield TextIOWrapper(inner, encoding="utf-8", errors="replace", newline="")
    except (OSError, csv.Error, KeyError, zipfile.BadZipFile) as error:
        raise TaskError(f"the file cannot be read: {error}", where=str(path), how=AGAIN) from None


def _member(archive: zipfile.ZipFile, name: str) -> str:
    return next((each for each in archive.namelist() if Path(each).name == name and "__MACOSX" not in each), name)


def _copy(entries: Sequence[Path], target: Path) -> Path:
    """A copy of the download beside where it will be kept. Raises `TaskError`."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        kept = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except OSError as error:
        raise TaskError(f"the data cannot be kept: {error.strerror}", where=str(target), how="free some space") from None
    try:
        for entry in entries:
            if entry.is_dir():
                shutil.copytree(entry, kept / entry.name, copy_function=_link_or_copy)
            else:
                _link_or_copy(str(entry), str(kept / entry.name))
    except OSError as error:
        shutil.rmtree(kept, ignore_errors=True)
        why = error.strerror or _first_reason(error)
        raise TaskError(f"the data cannot be copied: {why}", where=str(target.parent), how="free some space") from None
    return kept


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copy2(source, target)


def _first_reason(error: OSError) -> str:
    """The reason of the first file that could not be copied; `shutil` collects them all."""
    reasons = cast("list[tuple[str, str, str]]", error.args[0] if error.args else [])
    return reasons[0][2] if reasons else "unknown error"


def _put(kept: Path, target: Path) -> None:
    """Let `kept` take the place of what was kept before. Raises OSError."""
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}-old-", dir=target.parent))
    try:
        if target.is_dir():
            os.replace(target, old)
        os.replace(kept, target)
    finally:
        shutil.rmtree(old, ignore_errors=True)
