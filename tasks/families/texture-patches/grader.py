"""Multi-class log loss."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tasks.scores import multiclass_log_loss

MATERIALS = ["bark", "cloth", "gravel", "reed", "water"]


def grade(predicted: pd.DataFrame, truth: pd.DataFrame) -> float:
    """The mean negative log probability of the true material."""
    return multiclass_log_loss(truth[MATERIALS].to_numpy(np.float64), predicted[MATERIALS].to_numpy(np.float64))
