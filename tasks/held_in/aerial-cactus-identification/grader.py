"""Area under the ROC curve."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tasks.scores import column_auc


def grade(predicted: pd.DataFrame, truth: pd.DataFrame) -> float:
    """The chance that a picture with a cactus is ranked above one without."""
    return column_auc(truth[["has_cactus"]].to_numpy(np.float64), predicted[["has_cactus"]].to_numpy(np.float64))
