"""Accuracy."""

from __future__ import annotations

import pandas as pd

from tasks.scores import accuracy


def grade(predicted: pd.DataFrame, truth: pd.DataFrame) -> float:
    """The share of papers whose subject is right."""
    return accuracy(truth["label"].astype(str).tolist(), predicted["label"].astype(str).tolist())
