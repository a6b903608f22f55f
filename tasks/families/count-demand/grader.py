"""Root mean squared logarithmic error."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tasks.scores import column_rmsle


def grade(predicted: pd.DataFrame, truth: pd.DataFrame) -> float:
    """The error of log(1 + demand)."""
    wanted = ["demand"]
    return column_rmsle(truth[wanted].to_numpy(np.float64), predicted[wanted].to_numpy(np.float64))
