"""The load of the training row with the nearest row_id, shrunk to the median."""

import numpy as np
import pandas as pd

train = pd.read_csv("data/train.csv").sort_values("row_id")
test = pd.read_csv("data/test.csv")
place = np.clip(np.searchsorted(train["row_id"].to_numpy(), test["row_id"].to_numpy()), 0, len(train) - 1)
middle = train["load"].median()
test["load"] = middle + 0.2 * (train["load"].to_numpy()[place] - middle)
test[["row_id", "load"]].to_csv("submission.csv", index=False)
