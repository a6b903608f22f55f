"""Root mean squared error over pixels."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tasks.scores import rmse


def grade(predicted: pd.DataFrame, truth: pd.DataFrame) -> float:
    """The RMSE of the brightness, 0 to 1, over all pixels of the hidden pages."""
    return rmse(truth["value"].to_numpy(np.float64), predicted["value"].to_numpy(np.float64))
