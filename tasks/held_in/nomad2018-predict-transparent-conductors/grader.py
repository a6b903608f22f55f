"""Mean over the two energies of the root mean squared error of log(1 + energy)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tasks.scores import column_rmsle

ENERGIES = ["formation_energy_ev_natom", "bandgap_energy_ev"]


def grade(predicted: pd.DataFrame, truth: pd.DataFrame) -> float:
    """The mean column-wise RMSLE of non-negative energies in eV."""
    return column_rmsle(truth[ENERGIES].to_numpy(np.float64), predicted[ENERGIES].to_numpy(np.float64))
