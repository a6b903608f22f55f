"""Linear regression of the number of hires."""

import numpy as np
import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.linear_model import ElasticNet
from sklearn.metrics import root_mean_squared_log_error
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

train = pd.read_csv("data/train.csv", parse_dates=["date"])
test = pd.read_csv("data/test.csv", parse_dates=["date"])


def features(frame):
    X = frame[["hours_open", "bicycles", "price", "promotion", "temperature", "rain", "wind", "web_visits"]].copy()
    X["month"] = frame["date"].dt.month
    return X


X, y = features(train), train["demand"]
X_train, X_valid, y_train, y_valid = train_test_split(X, y, test_size=0.25, random_state=0)

model = make_pipeline(SimpleImputer(), StandardScaler(), ElasticNet(alpha=1.0, l1_ratio=0.5))
model.fit(X_train, y_train)
print(f"validation RMSLE: {root_mean_squared_log_error(y_valid, model.predict(X_valid).clip(0)):.4f}")

model.fit(X, y)
test["demand"] = np.clip(model.predict(features(test)), 0, None)
test[["entry", "demand"]].to_csv("submission.csv", index=False)
