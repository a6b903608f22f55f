"""Root mean squared error."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tasks.scores import rmse


def grade(predicted: pd.DataFrame, truth: pd.DataFrame) -> float:
    """The error of the output, in its unit."""
    return rmse(truth["output"].to_numpy(np.float64), predicted["output"].to_numpy(np.float64))
