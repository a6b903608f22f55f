"""Gradient boosting of the ratio to the building's mean load."""

import numpy as np
import pandas as pd
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.model_selection import GroupKFold

LEARNING_RATE = 0.08
N_ESTIMATORS = 60
MAX_DEPTH = 3
SUBSAMPLE = 0.8

history = pd.read_csv("data/history.csv")
wide = history.pivot(index="window", columns="hour", values="load")
level = wide.mean(axis=1)
ratio = wide.div(level, axis=0).fillna(1.0)


def features(frame):
    X = frame[["hour", "weekday", "month", "holiday", "temperature"]].copy()
    place = ratio.index.get_indexer(frame["window"])
    for back in (24, 48, 72):
        X[f"lag_{back}"] = ratio.to_numpy()[place, ratio.columns.get_indexer(frame["hour"] - back)]
    X["evening"] = ratio[[-1, -2, -3]].mean(axis=1).to_numpy()[place]
    return X


def boosting():
    return GradientBoostingRegressor(
        learning_rate=LEARNING_RATE, n_estimators=N_ESTIMATORS, max_depth=MAX_DEPTH, subsample=SUBSAMPLE, random_state=0
    )


train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")
X, X_test = features(train), features(test)
scale = train["window"].map(level).to_numpy()
y = train["load"].to_numpy() / scale

fit_rows, held = next(GroupKFold(n_splits=4).split(X, y, train["window"]))
model = boosting().fit(X.iloc[fit_rows], y[fit_rows])
mae = np.mean(np.abs(model.predict(X.iloc[held]) - y[held]) * scale[held])
print(f"validation MAE: {mae:.4f}")

model = boosting().fit(X, y)
test["load"] = model.predict(X_test) * test["window"].map(level)
test[["row_id", "load"]].to_csv("submission.csv", index=False)
