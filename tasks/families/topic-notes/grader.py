"""Accuracy."""

from __future__ import annotations

import pandas as pd

from tasks.scores import accuracy


def grade(predicted: pd.DataFrame, truth: pd.DataFrame) -> float:
    """The share of notes whose desk is right."""
    return accuracy(truth["desk"].astype(str).tolist(), predicted["desk"].astype(str).tolist())
