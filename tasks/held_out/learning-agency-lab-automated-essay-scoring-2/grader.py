"""Cohen's kappa with quadratic weights."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tasks.scores import quadratic_kappa


def grade(predicted: pd.DataFrame, truth: pd.DataFrame) -> float:
    """The agreement of the predicted scores, rounded, with the true ones."""
    return quadratic_kappa(truth["score"].to_numpy(np.float64), predicted["score"].to_numpy(np.float64))
