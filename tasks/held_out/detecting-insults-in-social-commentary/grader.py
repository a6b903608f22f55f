"""Accuracy."""

from __future__ import annotations

import pandas as pd

from tasks.scores import accuracy


def grade(predicted: pd.DataFrame, truth: pd.DataFrame) -> float:
    """The share of comments that are judged rightly."""
    return accuracy(truth["Insult"].astype(str).tolist(), predicted["Insult"].astype(str).tolist())
