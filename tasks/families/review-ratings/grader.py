"""Pearson's correlation."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tasks.scores import pearson


def grade(predicted: pd.DataFrame, truth: pd.DataFrame) -> float:
    """The correlation of predicted and true ratings."""
    return pearson(truth["rating"].to_numpy(np.float64), predicted["rating"].to_numpy(np.float64))
