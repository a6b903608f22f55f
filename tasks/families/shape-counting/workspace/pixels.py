"""Worth of a picture with an AdaBoost of trees on the local contrast in its tiles."""

import numpy as np
import pandas as pd
from sklearn.ensemble import AdaBoostRegressor
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import train_test_split
from sklearn.tree import DecisionTreeRegressor

TILE = 8
MAX_DEPTH = 3
N_ESTIMATORS = 25
LEARNING_RATE = 0.5


def tiles(images):
    n, side, _ = images.shape
    count = side // TILE
    parts = images.reshape(n, count, TILE, count, TILE).astype(float)
    spread = parts.std(axis=(2, 4)).reshape(n, -1)
    return np.column_stack([spread, np.sort(spread, axis=1)])


def make_model():
    tree = DecisionTreeRegressor(max_depth=MAX_DEPTH, random_state=0)
    return AdaBoostRegressor(tree, n_estimators=N_ESTIMATORS, learning_rate=LEARNING_RATE, random_state=0)


def main():
    table = pd.read_csv("data/train.csv")
    X, y = tiles(np.load("data/train_images.npy")), table["worth"].to_numpy()
    X_train, X_valid, y_train, y_valid = train_test_split(X, y, test_size=0.25, random_state=0)
    model = make_model().fit(X_train, y_train)
    print(f"validation rmse: {root_mean_squared_error(y_valid, model.predict(X_valid)):.4f}")

    model = make_model().fit(X, y)
    submission = pd.read_csv("data/sample_submission.csv")
    submission["worth"] = model.predict(tiles(np.load("data/test_images.npy")))
    submission.to_csv("submission.csv", index=False)


if __name__ == "__main__":
    main()
