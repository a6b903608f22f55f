"""Mean absolute error in dollars."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tasks.scores import mae


def grade(predicted: pd.DataFrame, truth: pd.DataFrame) -> float:
    """The mean distance of the predicted from the true prices."""
    return mae(truth["SalePrice"].to_numpy(np.float64), predicted["SalePrice"].to_numpy(np.float64))
