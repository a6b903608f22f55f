"""MAP@5."""

from __future__ import annotations

import pandas as pd

from tasks.scores import average_precision_at


def grade(predicted: pd.DataFrame, truth: pd.DataFrame) -> float:
    """The mean over photographs of 1 / place of the right whale among the first five names, 0 when it is not there."""
    return average_precision_at(truth["Id"].astype(str).tolist(), predicted["Id"].astype(str).tolist(), 5)
