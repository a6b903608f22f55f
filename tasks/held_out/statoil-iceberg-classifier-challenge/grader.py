"""Binary log loss."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tasks.scores import binary_log_loss


def grade(predicted: pd.DataFrame, truth: pd.DataFrame) -> float:
    """The mean negative logarithm of the probability given to what the object is."""
    return binary_log_loss(truth["is_iceberg"].to_numpy(np.float64), predicted["is_iceberg"].to_numpy(np.float64))
