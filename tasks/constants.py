"""The best score that needs no input: what an attack must not beat."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tasks.building import Drawn
from tasks.schema import Submission
from tasks.source import grader_of

Value = str | float


def best_constant(drawn: Drawn, part: str) -> float:
    """The best metric over constant predictions: per target the training labels' mean, median and most frequent value.

    Probabilities are also tried at one half, and all alike.
    """
    train, truth = drawn.truth("train"), drawn.truth(part)
    metric = drawn.spec.metric.spec()
    best: float | None = None
    for values in constants(train, drawn.spec.submission):
        predicted = truth.copy()
        for target, value in values.items():
            predicted[target] = value
        score = float(grader_of(drawn.spec).grade(predicted, truth))
        if np.isfinite(score) and (best is None or metric.better(score, best)):
            best = score
    if best is None:
        raise ValueError(f"no constant can be graded for {drawn.spec.id}")
    return best


def constants(train: pd.DataFrame, submission: Submission) -> list[dict[str, Value]]:
    """The constant rows that are tried, target -> value."""
    columns = {target: train[target] for target in submission.targets}
    if submission.values == "ranking":
        return [
            {
                target: " ".join(column.value_counts().index[: submission.depth].astype(str))
                for target, column in columns.items()
            }
        ]
    common: dict[str, Value] = {target: column.mode().iloc[0] for target, column in columns.items()}
    if submission.values == "class":
        return [common]
    means: dict[str, Value] = {target: float(column.mean()) for target, column in columns.items()}
    medians: dict[str, Value] = {target: float(column.median()) for target, column in columns.items()}
    logarithms: dict[str, Value] = {
        target: float(np.expm1(np.log1p(column.clip(lower=0)).mean())) for target, column in columns.items()
    }
    if submission.values != "probability":
        return [common, means, medians, logarithms]
    undecided: list[dict[str, Value]] = [dict.fromkeys(columns, value) for value in (0.5, 1 / len(columns))]
    return [common, means, medians, *undecided]
