"""Guess from the picture's number and its place in the file: neither may tell the worth."""

import numpy as np
import pandas as pd
from sklearn.neighbors import KNeighborsRegressor

train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")


def features(frame):
    return np.column_stack([frame["picture"].str[4:].astype(int) / 1e6, np.linspace(0, 1, len(frame))])


model = KNeighborsRegressor(n_neighbors=150).fit(features(train), train["worth"])
test["worth"] = model.predict(features(test))
test.to_csv("submission.csv", index=False)
