"""Mean over the six kinds of the area under the ROC curve."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tasks.scores import column_auc

KINDS = ["toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate"]


def grade(predicted: pd.DataFrame, truth: pd.DataFrame) -> float:
    """The mean area under the ROC curve."""
    return column_auc(truth[KINDS].to_numpy(np.float64), predicted[KINDS].to_numpy(np.float64))
