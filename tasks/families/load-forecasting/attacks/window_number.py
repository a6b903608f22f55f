"""The mean load of the training windows with numbers near the asked one, shrunk to the whole mean."""

import numpy as np
import pandas as pd

train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")
train["number"] = train["window"].str[1:].astype(int)
loads = train.groupby("number")["load"].median()
smooth = loads.rolling(9, min_periods=1, center=True).mean().to_numpy()
place = np.clip(np.searchsorted(loads.index.to_numpy(), test["window"].str[1:].astype(int).to_numpy()), 0, len(loads) - 1)
middle = train["load"].median()
test["load"] = middle + 0.2 * (smooth[place] - loads.mean())
test[["row_id", "load"]].to_csv("submission.csv", index=False)
