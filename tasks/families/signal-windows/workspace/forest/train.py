"""Random forest; settings in config.yaml, features in features.py."""

import numpy as np
import pandas as pd
from features import features
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedShuffleSplit


def read_config():
    with open("config.yaml") as file:
        pairs = [line.split(":") for line in file if line[0] != "#"]
    return {name.strip(): int(value) for name, value in pairs}


config = read_config()


def new_forest():
    return RandomForestClassifier(
        n_estimators=config["n_estimators"],
        max_depth=config["max_depth"],
        min_samples_leaf=config["min_samples_leaf"],
        random_state=config["seed"],
    )


def main():
    labels = pd.read_csv("data/train.csv")["state"].to_numpy()
    X = features(np.load("data/train_windows.npy"), config["blocks"])
    split = StratifiedShuffleSplit(n_splits=1, test_size=0.25, random_state=config["seed"])
    fit, held = next(split.split(X, labels))
    forest = new_forest().fit(X[fit], labels[fit])
    print(f"validation log loss: {log_loss(labels[held], forest.predict_proba(X[held])):.4f}")

    forest = new_forest().fit(X, labels)
    chances = forest.predict_proba(features(np.load("data/test_windows.npy"), config["blocks"]))
    answer = pd.read_csv("data/sample_submission.csv")
    answer[[f"state_{label}" for label in forest.classes_]] = chances
    answer.to_csv("submission.csv", index=False)


if __name__ == "__main__":
    main()
