"""Histogram boosting with a Poisson loss."""

import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.metrics import mean_squared_log_error
from sklearn.model_selection import train_test_split

train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")

for frame in (train, test):
    date = pd.to_datetime(frame["date"])
    frame["weekday"] = date.dt.day_of_week
    frame["yearday"] = date.dt.day_of_year
    frame["site_number"] = frame["site"].str[1:].astype(int)

features = [name for name in test.columns if name not in ("entry", "date", "site")]


def model():
    return HistGradientBoostingRegressor(
        loss="poisson", learning_rate=0.1, max_iter=60, max_leaf_nodes=15, min_samples_leaf=20, random_state=0
    )


a, b = train_test_split(train, test_size=0.25, random_state=0)
predicted = model().fit(a[features], a["demand"]).predict(b[features]).clip(0)
print(f"validation RMSLE: {mean_squared_log_error(b['demand'], predicted) ** 0.5:.4f}")

test["demand"] = model().fit(train[features], train["demand"]).predict(test[features]).clip(0)
test[["entry", "demand"]].to_csv("submission.csv", index=False)
