"""Rank comments by the digits of their id and their place in the file: neither must tell the kind."""

import numpy as np
import pandas as pd

train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv", usecols=["id"])
kinds = list(pd.read_csv("data/sample_submission.csv").columns[1:])
known = train["id"].str[:13].map(lambda text: int(text, 16)).to_numpy(float)
asked = test["id"].str[:13].map(lambda text: int(text, 16)).to_numpy(float)
order = np.argsort(known)
place = np.searchsorted(known[order], asked)
for kind in kinds:
    labels = train[kind].to_numpy(float)[order]
    near = np.stack([labels[np.clip(place + shift, 0, len(labels) - 1)] for shift in range(-5, 5)])
    test[kind] = near.mean(axis=0)
test.to_csv("submission.csv", index=False)
