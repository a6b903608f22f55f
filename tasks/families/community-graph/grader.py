"""Accuracy."""

from __future__ import annotations

import pandas as pd

from tasks.scores import accuracy


def grade(predicted: pd.DataFrame, truth: pd.DataFrame) -> float:
    """The share of members whose guild is right."""
    return accuracy(truth["guild"].astype(str).tolist(), predicted["guild"].astype(str).tolist())
