"""Drawing a variant: the public data and the starter on one side, the hidden labels on the other."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from tasks.errors import TaskError
from tasks.schema import RunLimits, TaskSpec
from tasks.source import Examples, Index, Published, prepare_of
from tasks.variant import Variant, salted

# Every published file carries this time, so that none tells when, and in which order, it was written.
EPOCH = 1_577_836_800
PARTS = ("dev", "test")
PUBLIC, HIDDEN = "public", "hidden"
# Changes with what is written here: data that an older version drew is not used any more.
LAYOUT = 2


@dataclass(frozen=True)
class Drawn:
    """A variant on disk, below `store`: `public/` is all that a sandboxed script may see, `hidden/` what it never does.

    They are not in one directory for each variant, so that a place can show all public data to scripts, and no label.
    """

    spec: TaskSpec
    variant: Variant
    store: Path

    @property
    def name(self) -> str:
        """Variants that differ in the starter only have the same name and share their data.

        A sandbox shows the name to the script, so it says nothing of the seed; another generator gives another name.
        """
        variant = self.variant
        generator = hashlib.sha256((self.spec.directory / "prepare.py").read_bytes()).hexdigest()
        draw = f"{variant.seed}/{variant.size}/{variant.noise!r}/{variant.data}/{generator}/{LAYOUT}"
        return f"{self.spec.id}-{salted(f'{self.spec.id}/{draw}').hex()[:20]}"

    @property
    def limits(self) -> RunLimits:
        """What one run on it may take."""
        return self.spec.limits if self.variant.data == "mini" else self.spec.real_limits

    @property
    def data(self) -> Path:
        """The public data: a directory, read-only by agreement."""
        return self.store / PUBLIC / self.name

    @property
    def hidden(self) -> Path:
        """The labels: a directory that never enters a sandbox."""
        return self.store / HIDDEN / self.name

    def workspace(self) -> dict[str, bytes]:
        """The files that the agent starts from, relative path to content; the data is not among them."""
        description = (self.spec.directory / "description.md").read_bytes()
        return {"description.md": description, **self.spec.starter_files(self.variant.starter)}

    def truth(self, part: str) -> pd.DataFrame:
        """The labels of `train`, or of one hidden part (`dev`, `test`), in the submission's columns."""
        if part == "train":
            return self._train
        return self._part(part).drop(columns=["part", "example"]).reset_index(drop=True)

    def examples(self, part: str) -> Index:
        """Which example each row of a hidden part belongs to: a page has many pixels. Shape (rows,)."""
        return self._part(part)["example"].to_numpy(np.int64)

    def _part(self, part: str) -> pd.DataFrame:
        return self._hidden[self._hidden["part"] == part]

    @cached_property
    def _train(self) -> pd.DataFrame:
        return cast("pd.DataFrame", pd.read_pickle(self.hidden / "train.pkl"))

    @cached_property
    def _hidden(self) -> pd.DataFrame:
        return cast("pd.DataFrame", pd.read_pickle(self.hidden / "labels.pkl"))


def build(spec: TaskSpec, variant: Variant, store: Path, *, raw: Path | None = None) -> Drawn:
    """The variant below `store`, drawn now unless it is there already. `raw` holds the real download, for real data.

    Variants that differ in the starter only share their data. Raises `TaskError`.
    """
    drawn = Drawn(spec, variant, store)
    if drawn.data.is_dir():
        return drawn
    try:
        for place in (drawn.data.parent, drawn.hidden.parent):
            place.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{spec.id}-", dir=drawn.hidden.parent))
        try:
            _fill(spec, variant, made, raw)
            # The data last: where it is, the variant is complete.
            _move(made / HIDDEN, drawn.hidden)
            _move(made / PUBLIC, drawn.data)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    except OSError as error:
        raise TaskError(f"the variant cannot be written: {error.strerror}", where=str(store), how="free some space") from None
    return drawn


def _move(made: Path, target: Path) -> None:
    try:
        made.rename(target)
    except OSError:  # another process was faster, and drew the same
        if not target.is_dir():
            raise


def _fill(spec: TaskSpec, variant: Variant, made: Path, raw: Path | None) -> None:
    prepare = prepare_of(spec)
    if variant.data == "mini":
        examples = prepare.mini(variant.size, variant.noise, variant.rng("data"))
    elif raw is not None:
        examples = prepare.real(raw)
    else:
        raise TaskError(f"the real data of {spec.id} is not here", how=f"mlagent tasks prepare {spec.id} --raw DIR")
    train, dev, test = split(examples, spec.size.dev, spec.size.test, variant.rng("split"))
    hidden = variant.rng("order").permutation(np.concatenate([dev, test]))
    data, secret = made / PUBLIC, made / HIDDEN
    data.mkdir()
    secret.mkdir(mode=0o700)
    published = prepare.publish(examples, train, hidden, data)
    labels = check(spec, published, data)
    part = np.where(np.isin(hidden, dev), *PARTS)
    labels.insert(0, "part", part[labels["example"].to_numpy(np.int64)])
    labels.to_pickle(secret / "labels.pkl")
    published.train.to_pickle(secret / "train.pkl")
    _smooth_times(data)
    (secret / "variant.json").write_text(json.dumps(asdict(variant)), "utf-8")


def split(examples: Examples, dev: float, test: float, rng: np.random.Generator) -> tuple[Index, Index, Index]:
    """Positions of the training, dev and test examples, each in random order; stratified when the examples ask for it."""
    order = rng.permutation(len(examples))
    strata = examples.strata
    if strata is not None:
        # Sorting the shuffled examples by label and dealing them out in turn keeps each label's share in every part.
        order = order[np.argsort(strata[order], kind="stable")]
    place = rng.random() + np.arange(len(examples)) * _GOLDEN
    rank = place % 1.0
    parts = np.digitize(rank, [1 - dev - test, 1 - test])
    chosen: list[npt.NDArray[np.int64]] = [rng.permutation(order[parts == number]).astype(np.int64) for number in range(3)]
    return chosen[0], chosen[1], chosen[2]


# Multiples of it are spread evenly over the unit interval, also in every run of neighbours.
_GOLDEN = (np.sqrt(5) - 1) / 2


def check(spec: TaskSpec, published: Published, data: Path) -> pd.DataFrame:
    """The hidden labels, found to be what the task says. Raises `TaskError`: the task's own code is wrong."""
    wanted = [spec.submission.id, *spec.submission.targets]
    hidden = published.hidden.reset_index(drop=True)
    where = str(spec.directory / "prepare.py")
    if list(published.train.columns) != wanted or list(hidden.columns) != [*wanted, "example"]:
        raise TaskError(f"publish must return the columns {', '.join(wanted)} (hidden: and example)", where=where)
    if not hidden[spec.submission.id].is_unique:
        raise TaskError("two hidden rows have the same id", where=where)
    sample = data / "sample_submission.csv"
    if not sample.is_file():
        raise TaskError("publish wrote no sample_submission.csv", where=where)
    ids = pd.read_csv(sample, dtype=str, keep_default_na=False)
    if list(ids.columns) != wanted or list(ids[spec.submission.id]) != list(hidden[spec.submission.id].astype(str)):
        raise TaskError("sample_submission.csv does not have the ids of the hidden rows in their order", where=where)
    return hidden


def write_files(files: Mapping[str, bytes], directory: Path) -> None:
    """Write relative path -> content below `directory`."""
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _smooth_times(directory: Path) -> None:
    for path in directory.rglob("*"):
        os.utime(path, (EPOCH, EPOCH))
    os.utime(directory, (EPOCH, EPOCH))
