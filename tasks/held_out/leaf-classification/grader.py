"""Multiclass log loss."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tasks.scores import multiclass_log_loss


def grade(predicted: pd.DataFrame, truth: pd.DataFrame) -> float:
    """The mean negative logarithm of the right species' probability; rows are rescaled to sum to 1."""
    species = list(truth.columns[1:])
    return multiclass_log_loss(truth[species].to_numpy(np.float64), predicted[species].to_numpy(np.float64))
