"""Take the fate of the nearest training passenger by number: ids and row order must not tell the label."""

import numpy as np
import pandas as pd

train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")
known = train["PassengerId"].str.replace("_", "").astype(int).to_numpy()
order = np.argsort(known)
asked = test["PassengerId"].str.replace("_", "").astype(int).to_numpy()
place = np.clip(np.searchsorted(known[order], asked), 0, len(known) - 1)
test["Transported"] = train["Transported"].to_numpy()[order][place]
test[["PassengerId", "Transported"]].to_csv("submission.csv", index=False)
