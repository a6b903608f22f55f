"""Pearson's correlation."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tasks.scores import pearson


def grade(predicted: pd.DataFrame, truth: pd.DataFrame) -> float:
    """The correlation of the predicted with the true scores."""
    return pearson(truth["score"].to_numpy(np.float64), predicted["score"].to_numpy(np.float64))
