"""Accuracy."""

from __future__ import annotations

import pandas as pd

from tasks.scores import accuracy


def grade(predicted: pd.DataFrame, truth: pd.DataFrame) -> float:
    """The share of items whose grade is right."""
    return accuracy(truth["grade"].astype(str).tolist(), predicted["grade"].astype(str).tolist())
