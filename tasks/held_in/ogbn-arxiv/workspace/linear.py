"""Subjects of papers from their word averages alone."""

import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split

C = 0.02
MAX_ITER = 100

X = pd.read_csv("data/raw/node-feat.csv.gz", header=None).to_numpy()
y = pd.read_csv("data/raw/node-label.csv.gz", header=None)[0].to_numpy()
train = pd.read_csv("data/split/time/train.csv.gz", header=None)[0].to_numpy()
test = pd.read_csv("data/split/time/test.csv.gz", header=None)[0].to_numpy()

fit, valid = train_test_split(train, test_size=0.25, random_state=0)
model = LogisticRegression(C=C, max_iter=MAX_ITER)
model.fit(X[fit], y[fit])
print(f"validation accuracy: {accuracy_score(y[valid], model.predict(X[valid])):.4f}")

model.fit(X[train], y[train])
pd.DataFrame({"node": test, "label": model.predict(X[test])}).to_csv("submission.csv", index=False)
