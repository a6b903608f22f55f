"""Ship or iceberg: a forest of random trees on the pixels in decibels."""

import numpy as np
import pandas as pd
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedShuffleSplit

SEED = 0
N_ESTIMATORS = 60
MAX_DEPTH = 6
MIN_SAMPLES_LEAF = 5


def pixels(frame):
    first = np.array(frame["band_1"].tolist())
    second = np.array(frame["band_2"].tolist())
    return np.hstack([first, second])


def main():
    train = pd.read_json("data/train.json", dtype={"id": str})
    test = pd.read_json("data/test.json", dtype={"id": str})
    X, y = pixels(train), train["is_iceberg"].to_numpy()
    model = ExtraTreesClassifier(
        n_estimators=N_ESTIMATORS,
        max_depth=MAX_DEPTH,
        min_samples_leaf=MIN_SAMPLES_LEAF,
        random_state=SEED,
    )
    fit, held = next(StratifiedShuffleSplit(1, test_size=0.3, random_state=SEED).split(X, y))
    model.fit(X[fit], y[fit])
    print(f"validation log loss: {log_loss(y[held], model.predict_proba(X[held])):.4f}")

    model.fit(X, y)
    out = test[["id"]].copy()
    out["is_iceberg"] = model.predict_proba(pixels(test))[:, 1]
    out.to_csv("submission.csv", index=False)


if __name__ == "__main__":
    main()
