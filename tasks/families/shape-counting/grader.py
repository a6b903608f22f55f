"""Root mean squared error."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tasks.scores import rmse


def grade(predicted: pd.DataFrame, truth: pd.DataFrame) -> float:
    """The root mean squared error of the worths."""
    return rmse(truth["worth"].to_numpy(np.float64), predicted["worth"].to_numpy(np.float64))
