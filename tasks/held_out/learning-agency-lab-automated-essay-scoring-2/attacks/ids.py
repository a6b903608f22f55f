"""Score essays by the digits of their id and their place in the file: neither must tell the score."""

import numpy as np
import pandas as pd

train = pd.read_csv("data/train.csv", usecols=["essay_id", "score"])
test = pd.read_csv("data/test.csv", usecols=["essay_id"])
known = train["essay_id"].astype(str).map(lambda text: int(text, 16)).to_numpy()
asked = test["essay_id"].astype(str).map(lambda text: int(text, 16)).to_numpy()
order = np.argsort(known)
place = np.clip(np.searchsorted(known[order], asked), 0, len(known) - 1)
near = train["score"].to_numpy()[order][place]
by_place = train["score"].to_numpy()[np.arange(len(test)) % len(train)]
test["score"] = (near + by_place) / 2
test.to_csv("submission.csv", index=False)
