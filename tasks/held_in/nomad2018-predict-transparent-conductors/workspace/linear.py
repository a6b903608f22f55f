"""Each energy with a regularised linear model."""

import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

TARGETS = ["formation_energy_ev_natom", "bandgap_energy_ev"]
ALPHA = 300.0
VALID_SHARE = 0.25


def rmsle(truth, predicted):
    return np.sqrt(((np.log1p(truth) - np.log1p(predicted)) ** 2).mean(axis=0)).mean()


def fit_predict(X, y, X_new):
    predicted = np.zeros((len(X_new), len(TARGETS)))
    for column, target in enumerate(TARGETS):
        model = make_pipeline(StandardScaler(), Ridge(alpha=ALPHA))
        model.fit(X, y[target])
        predicted[:, column] = model.predict(X_new)
    return predicted.clip(0)


def main():
    train = pd.read_csv("data/train.csv")
    test = pd.read_csv("data/test.csv")
    X, X_test = train.drop(columns=["id"] + TARGETS), test.drop(columns="id")
    X_train, X_valid, y_train, y_valid = train_test_split(X, train[TARGETS], test_size=VALID_SHARE, random_state=0)
    print(f"validation rmsle: {rmsle(y_valid.to_numpy(), fit_predict(X_train, y_train, X_valid)):.4f}")

    submission = pd.DataFrame(fit_predict(X, train[TARGETS], X_test), columns=TARGETS)
    submission.insert(0, "id", test["id"])
    submission.to_csv("submission.csv", index=False)


if __name__ == "__main__":
    main()
