"""Guess from the members' numbers, their place in the files and the order of the links: none may tell the guild."""

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier

members = pd.read_csv("data/members.csv")
links = pd.read_csv("data/links.csv")
train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")
row = pd.Series(np.arange(len(members)), index=members["member"])
first = links.reset_index().groupby("source")["index"].min()


def features(frame):
    number = frame["member"]
    return np.column_stack([number, number % 10, row[number], first.reindex(number).fillna(-1), np.linspace(0, 1, len(frame))])


model = RandomForestClassifier(n_estimators=100, min_samples_leaf=60, random_state=0)
test["guild"] = model.fit(features(train), train["guild"]).predict(features(test))
test.to_csv("submission.csv", index=False)
