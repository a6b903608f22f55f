"""Accuracy."""

from __future__ import annotations

import pandas as pd

from tasks.scores import accuracy


def grade(predicted: pd.DataFrame, truth: pd.DataFrame) -> float:
    """The share of passengers whose fate is right."""
    return accuracy(truth["Transported"].astype(str).tolist(), predicted["Transported"].astype(str).tolist())
