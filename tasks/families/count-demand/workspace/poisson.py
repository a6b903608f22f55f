"""Poisson regression with stations and weekdays as dummies."""

import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.linear_model import PoissonRegressor
from sklearn.metrics import mean_squared_log_error
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler

ALPHA = 1.0
MAX_ITER = 300


def load(name, columns=None):
    frame = pd.read_csv(f"data/{name}.csv")
    frame["weekday"] = pd.to_datetime(frame["date"]).dt.day_name()
    X = pd.get_dummies(frame.drop(columns=["entry", "date", "demand"], errors="ignore"), columns=["site", "weekday"], dtype=float)
    return frame, X if columns is None else X.reindex(columns=columns, fill_value=0.0)


def make_model():
    steps = [("impute", SimpleImputer(strategy="mean")), ("scale", MinMaxScaler())]
    return Pipeline(steps + [("poisson", PoissonRegressor(alpha=ALPHA, max_iter=MAX_ITER))])


def main():
    train, X = load("train")
    test, X_test = load("test", X.columns)
    y = train["demand"]

    X_fit, X_valid, y_fit, y_valid = train_test_split(X, y, test_size=0.2, random_state=3)
    predicted = make_model().fit(X_fit, y_fit).predict(X_valid).clip(min=0)
    print(f"validation RMSLE: {mean_squared_log_error(y_valid, predicted) ** 0.5:.4f}")

    model = make_model().fit(X, y)
    test["demand"] = model.predict(X_test).clip(min=0)
    test[["entry", "demand"]].to_csv("submission.csv", index=False)


if __name__ == "__main__":
    main()
