"""Rank by the items of the visits with the nearest names and places in the file: neither may tell what was taken."""

import numpy as np
import pandas as pd

visits = pd.read_csv("data/visits_train.csv")
test = pd.read_csv("data/visits_test.csv")
known = visits["visit"].str[1:].astype(int).to_numpy()
taken = visits["item"].to_numpy()
rows = []
for number, name in enumerate(test["visit"]):
    near = taken[np.argsort(np.abs(known - int(name[1:])))[:20]]
    spot = int(number / len(test) * len(visits))
    around = taken[max(0, spot - 10) : spot + 10]
    rows.append(" ".join(pd.Series(np.concatenate([near, around])).value_counts().index[:5]))
test["item"] = rows
test[["visit", "item"]].to_csv("submission.csv", index=False)
