"""Fit the mean demand to which values are missing: gaps must come about by chance."""

import numpy as np
import pandas as pd

train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")
y = np.log1p(train["demand"].to_numpy())
gaps = train.drop(columns="demand").isna().to_numpy(float)
asked = test.isna().to_numpy(float)
weights = np.linalg.solve(gaps.T @ gaps + 20 * np.eye(gaps.shape[1]), gaps.T @ (y - y.mean()))
test["demand"] = np.expm1(y.mean() + asked @ weights).clip(0)
test[["entry", "demand"]].to_csv("submission.csv", index=False)
