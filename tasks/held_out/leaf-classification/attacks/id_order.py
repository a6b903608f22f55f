"""Spread the species of the training leaves with the nearest ids: ids must not tell the species."""

import numpy as np
import pandas as pd

train = pd.read_csv("data/train.csv", usecols=["id", "species"])
test = pd.read_csv("data/test.csv", usecols=["id"])
names = np.unique(train["species"])
labels = np.searchsorted(names, train["species"])
gap = np.abs(test["id"].to_numpy()[:, None] - train["id"].to_numpy()[None])
guess = np.full((len(test), len(names)), 1.0)
for place, near in enumerate(np.argsort(gap, axis=1)[:, :5]):
    guess[place, labels[near]] += 0.5
out = pd.DataFrame(guess / guess.sum(axis=1, keepdims=True), columns=names)
out.insert(0, "id", test["id"])
out.to_csv("submission.csv", index=False)
