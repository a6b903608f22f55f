"""Guess the fate from what should say nothing: the row's place in its file, the digits of the id, blanks, the name's letters."""

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier

train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")


def traces(frame):
    group = frame["PassengerId"].str[:4].astype(int)
    columns = ["HomePlanet", "Cabin", "Destination", "Age", "VIP", "Name"]
    out = pd.DataFrame({"row": np.arange(len(frame)) / len(frame), "digit": group % 10, "odd": group % 2})
    out["place"] = frame["PassengerId"].str[5:].astype(int)
    out["blanks"] = frame[columns].isna().sum(axis=1)
    name = frame["Name"].fillna("")
    out["letters"] = name.str.len()
    out["first"] = name.str[:1].map(lambda letter: ord(letter) if letter else 0)
    return out


model = RandomForestClassifier(100, min_samples_leaf=5, random_state=0)
model.fit(traces(train), train["Transported"].astype(int))
guess = model.predict(traces(test)).astype(bool)
# A name that stands in both files is taken for the same person.
known = train.dropna(subset=["Name"]).drop_duplicates("Name").set_index("Name")["Transported"]
same = test["Name"].map(known)
test["Transported"] = np.where(same.notna(), same.fillna(False).astype(bool), guess)
test[["PassengerId", "Transported"]].to_csv("submission.csv", index=False)
