"""Materials by the most similar known patches: histogram of tones and of differences between neighbouring pixels."""

import argparse

import numpy as np
import pandas as pd
from PIL import Image
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--neighbors", type=int, default=60)
    parser.add_argument("--bins", type=int, default=12)
    parser.add_argument("--floor", type=float, default=0.02)
    return parser.parse_args()


def describe(path, bins):
    pixels = np.asarray(Image.open(path).convert("L"), dtype=float)
    histogram = np.histogram(pixels, bins=bins, range=(0, 255), density=True)[0]
    across = np.histogram(np.abs(np.diff(pixels, axis=1)), bins=bins, range=(0, 100), density=True)[0]
    down = np.histogram(np.abs(np.diff(pixels, axis=0)), bins=bins, range=(0, 100), density=True)[0]
    return np.concatenate([histogram, across, down])


def load(folder, names, bins):
    return np.stack([describe(f"data/{folder}/{name}.png", bins) for name in names])


def probabilities(model, X, floor):
    return np.clip(model.predict_proba(X), floor, 1)


def main():
    args = parse()
    labels = pd.read_csv("data/train_labels.csv")
    sample = pd.read_csv("data/sample_submission.csv")
    X, y = load("train", labels["patch"], args.bins), labels["material"]
    X_train, X_valid, y_train, y_valid = train_test_split(X, y, test_size=0.25, random_state=1, stratify=y)

    model = make_pipeline(MinMaxScaler(), KNeighborsClassifier(n_neighbors=args.neighbors))
    model.fit(X_train, y_train)
    guesses = probabilities(model, X_valid, args.floor)
    print(f"validation log loss: {log_loss(y_valid, guesses / guesses.sum(axis=1, keepdims=True)):.4f}")

    model.fit(X, y)
    sample[model.classes_] = probabilities(model, load("test", sample["patch"], args.bins), args.floor)
    sample.to_csv("submission.csv", index=False)


if __name__ == "__main__":
    main()
