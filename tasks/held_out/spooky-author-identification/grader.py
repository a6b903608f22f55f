"""Multiclass logarithmic loss."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tasks.scores import multiclass_log_loss

AUTHORS = ["EAP", "HPL", "MWS"]


def grade(predicted: pd.DataFrame, truth: pd.DataFrame) -> float:
    """Mean of minus the logarithm of the probability of the true author, rows rescaled to sum to 1."""
    return multiclass_log_loss(truth[AUTHORS].to_numpy(np.float64), predicted[AUTHORS].to_numpy(np.float64))
