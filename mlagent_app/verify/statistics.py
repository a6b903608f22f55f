"""How far a score may be off by chance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tasks.building import Drawn
from tasks.grading import predictions
from tasks.source import Index, grader_of

RESAMPLES = 200
DIGITS = 4


def bootstrap_sd(drawn: Drawn, submission: bytes, part: str = "dev") -> float:
    """The standard deviation of a submission's grade when the examples of a hidden part are drawn again, with replacement.

    An example takes all its rows along: the pixels of a page are right or wrong together. Draws on which the metric is not
    defined are left out. Raises `Refused` when the submission is refused.
    """
    predicted, truth = predictions(drawn, submission, part), drawn.truth(part)
    grader = grader_of(drawn.spec)
    rng = np.random.default_rng(0)
    owners = drawn.examples(part)
    rows_of: list[Index] = [np.flatnonzero(owners == owner) for owner in sorted(set(owners.tolist()))]
    grades: list[float] = []
    for _ in range(RESAMPLES):
        chosen: list[int] = rng.integers(len(rows_of), size=len(rows_of)).tolist()
        rows: Index = np.concatenate([rows_of[number] for number in chosen])
        again = predicted.iloc[rows].reset_index(drop=True), truth.iloc[rows].reset_index(drop=True)
        grades.append(float(grader.grade(*again)))
    finite = np.asarray(grades)[np.isfinite(grades)]
    return float(finite.std(ddof=1)) if len(finite) > 1 else float("nan")


def mean_and_error(values: Sequence[float]) -> tuple[float, float]:
    """The mean of differences and its standard error; infinite for a single one."""
    array = np.asarray(values, np.float64)
    error = float(array.std(ddof=1) / np.sqrt(len(array))) if len(array) > 1 else float("inf")
    return float(array.mean()), error


def rounded(value: float) -> float:
    """To four significant digits."""
    return float(f"{value:.{DIGITS}g}")
