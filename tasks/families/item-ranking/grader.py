"""MAP@5."""

from __future__ import annotations

import pandas as pd

from tasks.scores import average_precision_at


def grade(predicted: pd.DataFrame, truth: pd.DataFrame) -> float:
    """The mean of 1 / place of the item that was taken, among the first five."""
    return average_precision_at(truth["item"].tolist(), predicted["item"].tolist(), 5)
