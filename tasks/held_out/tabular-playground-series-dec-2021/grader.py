"""Accuracy."""

from __future__ import annotations

import pandas as pd

from tasks.scores import accuracy


def grade(predicted: pd.DataFrame, truth: pd.DataFrame) -> float:
    """The share of patches whose cover is right."""
    return accuracy(truth["Cover_Type"].astype(str).tolist(), predicted["Cover_Type"].astype(str).tolist())
