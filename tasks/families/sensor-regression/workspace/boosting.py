"""Gradient boosting on all sensors, gaps filled with the median."""

import pandas as pd
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

train = pd.read_csv("data/readings.csv").set_index("reading")
test = pd.read_csv("data/new_readings.csv").set_index("reading")

y = train.pop("output")
X = pd.get_dummies(train, columns=["unit"], dtype=int)
X_test = pd.get_dummies(test, columns=["unit"], dtype=int).reindex(columns=X.columns, fill_value=0)


def make():
    return make_pipeline(
        SimpleImputer(strategy="median"),
        GradientBoostingRegressor(n_estimators=70, learning_rate=0.1, max_depth=3, subsample=0.8, max_features=0.4, random_state=0),
    )


X_fit, X_valid, y_fit, y_valid = train_test_split(X, y, test_size=0.25, random_state=0)
print(f"validation RMSE: {root_mean_squared_error(y_valid, make().fit(X_fit, y_fit).predict(X_valid)):.4f}")

result = pd.Series(make().fit(X, y).predict(X_test), index=X_test.index, name="output")
result.to_csv("submission.csv")
