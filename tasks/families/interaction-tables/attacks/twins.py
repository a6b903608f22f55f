"""Look for test rows that repeat a training row value for value; all others get the most frequent grade."""

import pandas as pd

train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")
columns = [c for c in test if c != "row_id"]
rows = train[columns].to_csv(index=False, header=False).splitlines()
known = dict(zip(rows, train["grade"]))
keys = pd.Series(test[columns].to_csv(index=False, header=False).splitlines())
test["grade"] = keys.map(known).fillna(train["grade"].mode()[0])
test[["row_id", "grade"]].to_csv("submission.csv", index=False)
