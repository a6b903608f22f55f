"""Area under the ROC curve."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tasks.scores import column_auc


def grade(predicted: pd.DataFrame, truth: pd.DataFrame) -> float:
    """The chance that a false claim is ranked before a true one."""
    wanted = ["false_claim"]
    return column_auc(truth[wanted].to_numpy(np.float64), predicted[wanted].to_numpy(np.float64))
