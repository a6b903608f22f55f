"""Ship or iceberg: a logistic regression on the mean, the spread and the extremes of the two bands."""

import json

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline


def load(path):
    with open(path) as file:
        return json.load(file)


def features(records):
    rows = []
    for record in records:
        row = []
        for name in ("band_1", "band_2"):
            band = np.array(record[name])
            row += [band.mean(), band.std(), band.min(), band.max()]
        rows.append(row)
    return np.array(rows)


train = load("data/train.json")
test = load("data/test.json")
X = features(train)
y = np.array([record["is_iceberg"] for record in train])
X_train, X_valid, y_train, y_valid = train_test_split(X, y, test_size=0.25, random_state=0)

model = make_pipeline(LogisticRegression(C=0.001, max_iter=100))
model.fit(X_train, y_train)
print(f"validation log loss: {log_loss(y_valid, model.predict_proba(X_valid)[:, 1]):.4f}")

model.fit(X, y)
guess = model.predict_proba(features(test))[:, 1]
pd.DataFrame({"id": [record["id"] for record in test], "is_iceberg": guess}).to_csv("submission.csv", index=False)
