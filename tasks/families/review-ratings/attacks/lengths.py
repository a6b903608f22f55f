"""Guess from the review's number, its place in the file and the length of its text, without reading a word."""

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestRegressor

reviews = pd.read_csv("data/reviews.csv")
unrated = pd.read_csv("data/unrated.csv")


def features(frame):
    return np.column_stack([frame["review"], np.linspace(0, 1, len(frame)), frame["text"].str.len()])


model = RandomForestRegressor(n_estimators=60, min_samples_leaf=80, random_state=0)
unrated["rating"] = model.fit(features(reviews), reviews["rating"]).predict(features(unrated))
unrated[["review", "rating"]].to_csv("submission.csv", index=False)
