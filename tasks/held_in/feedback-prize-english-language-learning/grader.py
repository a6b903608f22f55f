"""Mean over the six scores of the root mean squared error."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tasks.scores import mcrmse

TRAITS = ["cohesion", "syntax", "vocabulary", "phraseology", "grammar", "conventions"]


def grade(predicted: pd.DataFrame, truth: pd.DataFrame) -> float:
    """The mean column-wise root mean squared error."""
    return mcrmse(truth[TRAITS].to_numpy(np.float64), predicted[TRAITS].to_numpy(np.float64))
