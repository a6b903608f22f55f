"""Log loss."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tasks.scores import binary_log_loss


def grade(predicted: pd.DataFrame, truth: pd.DataFrame) -> float:
    """The mean negative log likelihood of the labels, 1 for a dog."""
    return binary_log_loss(truth["label"].to_numpy(np.float64), predicted["label"].to_numpy(np.float64))
