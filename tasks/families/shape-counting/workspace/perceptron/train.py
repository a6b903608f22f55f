"""Worth of a picture with a perceptron on histograms of brightness and of edges. Settings are in config.toml."""

import tomllib
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

warnings.simplefilter("ignore", ConvergenceWarning)
config = tomllib.loads(Path("config.toml").read_text())


def histogram(values, bins, low, high):
    place = np.clip((values - low) / (high - low) * bins, 0, bins - 1).astype(int)
    return np.stack([(place == number).mean(axis=(1, 2)) for number in range(bins)], axis=1)


def features(images):
    images = images.astype(float)
    images = images - np.median(images, axis=(1, 2), keepdims=True)
    bins = config["features"]["bins"]
    parts = [histogram(images, bins, -90, 90)]
    if config["features"]["edges"]:
        parts.append(histogram(np.abs(np.diff(images, axis=1)), bins, 0, 90))
        parts.append(histogram(np.abs(np.diff(images, axis=2)), bins, 0, 90))
    return np.concatenate(parts, axis=1)


def build():
    settings = config["model"]
    network = MLPRegressor(
        hidden_layer_sizes=(settings["hidden"],),
        alpha=settings["alpha"],
        solver="sgd",
        learning_rate_init=settings["learning_rate"],
        max_iter=settings["max_iter"],
        momentum=settings["momentum"],
        random_state=0,
    )
    return TransformedTargetRegressor(make_pipeline(StandardScaler(), network), transformer=StandardScaler())


table = pd.read_csv("data/train.csv")
X, y = features(np.load("data/train_images.npy")), table["worth"].to_numpy()
split = config["split"]
X_train, X_valid, y_train, y_valid = train_test_split(X, y, test_size=split["test_size"], random_state=split["seed"])
model = build().fit(X_train, y_train)
print(f"validation rmse: {root_mean_squared_error(y_valid, model.predict(X_valid)):.4f}")

model = build().fit(X, y)
asked = pd.read_csv("data/test.csv")
asked["worth"] = model.predict(features(np.load("data/test_images.npy")))
asked.to_csv("submission.csv", index=False)
