"""What a task's own Python files offer, and how they are loaded.

`prepare.py`: `mini`, `real` and `publish`; `grader.py`: `grade`. A task's directory has hyphens in its name and is no package,
so that what a held-out task does can be imported by nothing else.
"""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Protocol, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from tasks.errors import TaskError
from tasks.schema import TaskSpec

Index = npt.NDArray[np.int64]


class Examples(Protocol):
    """All labelled examples of one draw, in whatever form the task likes.

    `strata` (one label an example) asks for the same shares of each label in the three parts; None: no such need.
    """

    @property
    def strata(self) -> npt.NDArray[np.generic] | None: ...

    def __len__(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Published:
    """The labels of what was published, in the submission's format (its id column and its target columns).

    `train` holds the rows of the public training examples. `hidden` those of the examples kept back, with one more column
    `example`: the position of the row's example in the index of hidden examples.
    """

    train: pd.DataFrame
    hidden: pd.DataFrame


class Prepare(Protocol):
    """`prepare.py` of a task."""

    def mini(self, size: int, noise: float, rng: np.random.Generator) -> Examples:
        """`size` generated labelled examples, deterministic in `rng`. `noise` multiplies what cannot be learnt."""
        ...

    def real(self, raw: Path) -> Examples:
        """The labelled examples of the real download in `raw`. Raises `TaskError` that names the file and the row."""
        ...

    def publish(self, examples: Examples, train: Index, hidden: Index, out: Path) -> Published:
        """Write the competition's files into `out`, which is what a script finds as `data/`.

        `train` and `hidden` are positions of examples, in random order; nothing written may tell the label of a hidden one.
        `sample_submission.csv` must be written: the ids of all hidden rows, in the order of the returned labels.
        """
        ...


class Grader(Protocol):
    """`grader.py` of a task."""

    def grade(self, predicted: pd.DataFrame, truth: pd.DataFrame) -> float:
        """The metric. Both frames have the submission's columns and the same ids in the same order, values checked."""
        ...


def prepare_of(spec: TaskSpec) -> Prepare:
    """The task's `prepare.py`. Raises `TaskError` when it cannot be loaded."""
    return cast("Prepare", _module(spec.directory / "prepare.py"))


def grader_of(spec: TaskSpec) -> Grader:
    """The task's `grader.py`. Raises `TaskError` when it cannot be loaded."""
    return cast("Grader", _module(spec.directory / "grader.py"))


@lru_cache(maxsize=256)
def _module(path: Path) -> ModuleType:
    name = f"_task_{path.parent.name.replace('-', '_')}_{path.stem}"
    found = importlib.util.spec_from_file_location(name, path)
    if found is None or found.loader is None:
        raise TaskError("the file cannot be loaded", where=str(path))
    module = importlib.util.module_from_spec(found)
    # A dataclass with postponed annotations looks its module up by name.
    sys.modules[name] = module
    try:
        found.loader.exec_module(module)
    except ImportError as error:
        how = "pip install 'ml-agent[tasks]'"
        raise TaskError(f"the file cannot be loaded: {error}", where=str(path), how=how) from None
    return module
