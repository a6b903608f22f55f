"""Guess from the note's number, its place in the file and the length of its text: none may tell the desk."""

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier

train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")


def features(frame):
    place = np.linspace(0, 1, len(frame))
    return np.column_stack([frame["note"].str[1:].astype(int), place, frame["body"].str.len(), frame["subject"].isna()])


model = RandomForestClassifier(n_estimators=100, min_samples_leaf=60, random_state=0).fit(features(train), train["desk"])
test["desk"] = model.predict(features(test))
test[["note", "desk"]].to_csv("submission.csv", index=False)
