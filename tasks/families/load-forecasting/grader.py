"""Mean absolute error."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tasks.scores import mae


def grade(predicted: pd.DataFrame, truth: pd.DataFrame) -> float:
    """The error of the load in kilowatts."""
    return mae(truth["load"].to_numpy(np.float64), predicted["load"].to_numpy(np.float64))
