"""Mean area under the ROC curve over the four states of a leaf."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tasks.scores import column_auc

TARGETS = ["healthy", "multiple_diseases", "rust", "scab"]


def grade(predicted: pd.DataFrame, truth: pd.DataFrame) -> float:
    """The mean of the columns' areas."""
    return column_auc(truth[TARGETS].to_numpy(np.float64), predicted[TARGETS].to_numpy(np.float64))
