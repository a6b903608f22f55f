"""A training run on disk: one directory a stage, with a manifest that says what made it. A finished stage is not made again."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

from mlagent_app.agent.errors import UserError
from mlagent_app.editors import catalogue
from training.recipe import Recipe
from training.telling import Tell, silent

# Another layout of the stages' files: what an older version wrote is refused, not misread.
SCHEMA = 1
MANIFEST = "manifest.json"
PROGRESS = "progress.json"
LOGS = "logs"
# What arms play is kept here, below the run.
PLAYED = "eval/"
# Behind the name of a stage that was moved aside; a second one is NAME.before-2.
BEFORE = ".before"
_MOVED = re.compile(rf"{re.escape(BEFORE)}(-\d+)?$")
PACKAGES = (
    "accelerate", "datasets", "ml-agent", "numpy", "peft", "ray", "scikit-learn", "tokenizers", "torch", "transformers", "trl",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of one run.

    `sections` are the tables of the recipe that it depends on, `inputs` the stages that it reads, `extra` what else.
    """

    run: Path
    name: str
    recipe: Recipe
    sections: tuple[str, ...]
    inputs: tuple[str, ...] = ()
    extra: str = ""

    @property
    def place(self) -> Path:
        return self.run / self.name

    def key(self) -> str:
        """Names what this stage is to be made from. Raises `UserError` when an input is missing."""
        parts = [self.recipe.digest(*self.sections), self.extra]
        for name in self.inputs:
            parts.append(read_manifest(self.run / name)["outputs_digest"])
        return hashlib.sha256("/".join(parts).encode()).hexdigest()[:16]

    def is_done(self) -> bool:
        """Whether it was made already from the very same recipe and inputs."""
        found = self._whole()
        return found is not None and found[0]["key"] == found[1]

    def adopt(self) -> bool:
        """Take what another recipe or catalogue made as it is, if it is whole; its manifest goes on saying what made it."""
        found = self._whole()
        if found is not None:
            write_json(self.place / MANIFEST, {**found[0], "key": found[1], "adopted": True})
        return found is not None

    def is_whole(self) -> bool:
        """Whether it was made and all outputs are there, whatever from: what `adopt` takes."""
        return self._whole() is not None

    def _whole(self) -> tuple[dict[str, Any], str] | None:
        """The manifest of a finished stage with all outputs there, whatever it was made from, and the key it would have now."""
        try:
            manifest, key = read_manifest(self.place), self.key()
        except UserError:
            return None
        return (manifest, key) if all((self.place / name).is_file() for name in manifest["outputs"]) else None

    def begin(self, tell: Tell = silent) -> Progress:
        """Enter the stage. What a killed attempt left is kept if it was for the same recipe and inputs, else moved aside.

        Raises `UserError` when an input is missing, or when what is there cannot be moved.
        """
        key = self.key()
        progress = Progress(self.place / PROGRESS, key)
        if progress.load() != key:
            if self._results():
                tell(f"made from another recipe or other inputs before; moved to {self._move_aside()}")
            elif self.place.is_dir():
                for path in self.place.iterdir():  # not the directory: it may be a link to another disk
                    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
            progress.seconds = 0.0
        self.place.mkdir(parents=True, exist_ok=True)
        progress.save()
        return progress

    def _results(self) -> bool:
        """Whether there is more than logs in the directory, or a checkpoint: it may have cost hours, or money."""
        found = (path.relative_to(self.place) for path in self.place.rglob("*") if path.is_symlink() or not path.is_dir())
        return any(
            path.name != PROGRESS and (LOGS not in path.parts or any(part.startswith("checkpoint") for part in path.parts))
            for path in found
        )

    def _move_aside(self) -> Path:
        """Rename the directory to the first name that is free; the new path."""
        number, aside = 1, self.place.with_name(f"{self.place.name}{BEFORE}")
        while os.path.lexists(aside):
            number += 1
            aside = self.place.with_name(f"{self.place.name}{BEFORE}-{number}")
        try:
            self.place.rename(aside)
        except OSError as error:
            raise UserError(
                f"what another recipe made cannot be moved aside: {error.strerror}",
                where=str(self.place),
                how="move it yourself, or give another --out",
            ) from None
        return aside

    def finish(self, progress: Progress, *, results: Mapping[str, Any]) -> dict[str, Any]:
        """Write the manifest: recipe, seeds, revision, versions, hashes of data, seconds, and what came out."""
        progress.save()
        outputs = {
            path.relative_to(self.place).as_posix(): file_digest(path)
            for path in sorted(self.place.rglob("*"))
            if path.is_file() and path.name not in (MANIFEST, PROGRESS) and LOGS not in path.relative_to(self.place).parts
        }
        manifest = {
            "schema": SCHEMA,
            "stage": self.name,
            "key": self.key(),
            "recipe": self.recipe.model_dump(mode="json", include={"name", "seed", *self.sections}),
            "inputs": {name: read_manifest(self.run / name)["outputs_digest"] for name in self.inputs},
            "git_revision": git_revision(),
            "python": sys.version.split()[0],
            "packages": versions(),
            "seconds": round(progress.seconds, 1),
            "results": dict(results),
            "outputs": outputs,
            "outputs_digest": hashlib.sha256(json.dumps(outputs, sort_keys=True).encode()).hexdigest()[:16],
        }
        write_json(self.place / MANIFEST, manifest)
        return manifest


class Progress:
    """The seconds that a stage has taken over all its attempts."""

    def __init__(self, path: Path, key: str) -> None:
        self._path = path
        self._key = key
        self._since = time.monotonic()
        self.seconds = 0.0

    def load(self) -> str:
        """The key that the directory's content was made for; empty when there is none."""
        try:
            data = json.loads(self._path.read_text("utf-8"))
            self.seconds = float(data["seconds"])
            return str(data["key"])
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    def save(self) -> None:
        """Add the time since the last call."""
        now = time.monotonic()
        self.seconds += now - self._since
        self._since = now
        write_json(self._path, {"key": self._key, "seconds": self.seconds})


@lru_cache(maxsize=1)
def catalogue_digest() -> str:
    """Names what the catalogue can do: with other edits, episodes are others. Comments and layout do not count."""
    code = Path(catalogue.__file__).parent
    trees = [ast.dump(ast.parse(path.read_bytes())) for path in sorted(code.glob("*.py"))]
    return hashlib.sha256("\n".join(trees).encode()).hexdigest()[:12]


def made(run: Path) -> list[Path]:
    """The directories of all finished stages below `run`, in order; not what was moved aside."""
    found = {path.parent.relative_to(run) for pattern in ("*", f"{PLAYED}*") for path in run.glob(f"{pattern}/{MANIFEST}")}
    return sorted(run / place for place in found if not any(_MOVED.search(part) for part in place.parts))


def read_manifest(place: Path) -> dict[str, Any]:
    """The manifest of a finished stage. Raises `UserError`."""
    path = place / MANIFEST
    try:
        manifest: dict[str, Any] = dict(json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        raise UserError(
            f"the stage {place.name!r} was not made yet", where=str(place), how=f"run: mlagent-train {place.name}"
        ) from None
    except (OSError, ValueError, TypeError) as error:
        raise UserError(
            f"the manifest cannot be read: {error}", where=str(path), how="remove it and run the stage again"
        ) from None
    if manifest.get("schema") != SCHEMA:
        found = manifest.get("schema")
        raise UserError(
            f"written with schema {found}, this version reads {SCHEMA}",
            where=str(path),
            how="make the stage anew in another --out",
        )
    return manifest


def write_json(path: Path, data: object) -> None:
    """Write whole or not at all."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    scratch.write_text(json.dumps(data, indent=1, sort_keys=True), "utf-8")
    scratch.replace(path)


def file_digest(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def git_revision() -> str:
    """The revision of the code, with `+` when it was changed since; empty outside a checkout."""
    here = Path(__file__).resolve().parent
    try:
        call = ["git", "-C", str(here), "describe", "--always", "--dirty=+", "--abbrev=12", "--exclude=*"]
        return subprocess.run(call, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def versions() -> dict[str, str]:
    """The versions of the packages that results depend on."""
    found: dict[str, str] = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def last_checkpoint(directory: Path) -> str | None:
    """The newest whole checkpoint that transformers wrote below `directory`: its state is written last, and may be missing."""
    whole = [path for path in directory.glob("checkpoint-*") if (path / "trainer_state.json").is_file()]
    return str(max(whole, key=lambda path: int(path.name.rpartition("-")[2]))) if whole else None
