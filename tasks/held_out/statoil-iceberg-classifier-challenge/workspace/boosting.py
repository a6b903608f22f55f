"""Ship or iceberg: gradient boosting on statistics of the bands, of the bright part and of the angle."""

import json

import numpy as np
import pandas as pd
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline


class Features:
    """Numbers that describe one record."""

    def __init__(self, records):
        self.table = pd.DataFrame([self.describe(record) for record in records])

    @staticmethod
    def describe(record):
        first, second = np.array(record["band_1"]), np.array(record["band_2"])
        bright = first > np.percentile(first, 90)
        angle = record["inc_angle"]
        return {
            "angle": np.nan if angle == "na" else angle,
            "mean1": first.mean(),
            "mean2": second.mean(),
            "std1": first.std(),
            "std2": second.std(),
            "max1": first.max(),
            "max2": second.max(),
            "median1": np.median(first),
            "median2": np.median(second),
            "object1": first[bright].mean(),
            "object2": second[bright].mean(),
        }


params = {"n_estimators": 60, "learning_rate": 0.05, "max_depth": 3, "random_state": 0}


def build():
    return Pipeline([("impute", SimpleImputer()), ("boost", GradientBoostingClassifier(**params))])


with open("data/train.json") as f:
    train = json.load(f)
with open("data/test.json") as f:
    test = json.load(f)

X = Features(train).table
y = pd.Series([record["is_iceberg"] for record in train])
X_fit, X_val, y_fit, y_val = train_test_split(X, y, test_size=0.2, stratify=y, random_state=42)
model = build().fit(X_fit, y_fit)
print("validation log loss: %.4f" % log_loss(y_val, model.predict_proba(X_val)[:, 1]))

model = build().fit(X, y)
submission = pd.DataFrame({"id": [record["id"] for record in test]})
submission["is_iceberg"] = model.predict_proba(Features(test).table)[:, 1]
submission.to_csv("submission.csv", index=False)
