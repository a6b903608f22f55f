"""Logarithmic loss over the five states."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tasks.scores import multiclass_log_loss


def grade(predicted: pd.DataFrame, truth: pd.DataFrame) -> float:
    """The mean negative logarithm of the true state's probability."""
    states = [name for name in truth.columns if name.startswith("state_")]
    return multiclass_log_loss(truth[states].to_numpy(np.float64), predicted[states].to_numpy(np.float64))
