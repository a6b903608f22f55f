"""Nearest neighbours of the last day and the forecast."""

import argparse

import numpy as np
import pandas as pd
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-neighbors", type=int, default=15)
    parser.add_argument("--valid-share", type=float, default=0.25)
    return parser.parse_args()


def table(name, past):
    frame = pd.read_csv(f"data/{name}.csv")
    yesterday = [past.get((window, hour - 24), np.nan) for window, hour in zip(frame["window"], frame["hour"])]
    X = pd.DataFrame({"yesterday": yesterday, "hour": frame["hour"], "weekday": frame["weekday"], "temperature": frame["temperature"]})
    return frame, X.fillna(X["yesterday"].mean())


def main():
    args = parse()
    history = pd.read_csv("data/history.csv")
    past = dict(zip(zip(history["window"], history["hour"]), history["load"]))
    train, X = table("train", past)
    test, X_test = table("test", past)
    y = train["load"]

    windows = train["window"].unique()
    held = train["window"].isin(windows[: int(len(windows) * args.valid_share)])
    model = make_pipeline(MinMaxScaler(), KNeighborsRegressor(n_neighbors=args.n_neighbors))
    model.fit(X[~held], y[~held])
    print(f"validation MAE: {np.abs(model.predict(X[held]) - y[held]).mean():.4f}")

    model.fit(X, y)
    test["load"] = model.predict(X_test)
    test[["row_id", "load"]].to_csv("submission.csv", index=False)


main()
