"""Take the demand of the training entry with the nearest number, shrunk to the mean."""

import numpy as np
import pandas as pd

train = pd.read_csv("data/train.csv").sort_values("entry")
test = pd.read_csv("data/test.csv")
y = np.log1p(train["demand"].to_numpy())
smooth = pd.Series(y).rolling(9, min_periods=1, center=True).mean().to_numpy()
place = np.clip(np.searchsorted(train["entry"].to_numpy(), test["entry"].to_numpy()), 0, len(y) - 1)
test["demand"] = np.expm1(y.mean() + 0.2 * (smooth[place] - y.mean()))
test[["entry", "demand"]].to_csv("submission.csv", index=False)
