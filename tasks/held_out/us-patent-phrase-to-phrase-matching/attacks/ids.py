"""Score pairs by the digits of their id and their place in the file: neither must tell the score."""

import numpy as np
import pandas as pd

train = pd.read_csv("data/train.csv", usecols=["id", "score"])
test = pd.read_csv("data/test.csv", usecols=["id"])
known = train["id"].str[:13].map(lambda text: int(text, 16)).to_numpy(float)
asked = test["id"].str[:13].map(lambda text: int(text, 16)).to_numpy(float)
order = np.argsort(known)
place = np.searchsorted(known[order], asked)
scores = train["score"].to_numpy()[order]
near = np.stack([scores[np.clip(place + shift, 0, len(scores) - 1)] for shift in range(-3, 3)]).mean(axis=0)
test["score"] = near + 0.1 * train["score"].to_numpy()[np.arange(len(test)) % len(train)]
test.to_csv("submission.csv", index=False)
