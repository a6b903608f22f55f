"""Materials from the directions of edges, with a random forest."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

DATA = Path("data")
SIZE = 24
DIRECTIONS = 6
N_ESTIMATORS = 40
MAX_DEPTH = 4
MIN_SAMPLES_LEAF = 8


def read(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("L").resize((SIZE, SIZE)), dtype=np.float32)


def edge_features(pixels):
    down, across = np.gradient(pixels)
    strength = np.hypot(down, across)
    direction = np.arctan2(down, across) % np.pi
    histogram, _ = np.histogram(direction, bins=DIRECTIONS, range=(0, np.pi), weights=strength)
    return np.concatenate([histogram / (histogram.sum() + 1e-6), [strength.mean(), strength.std(), pixels.std()]])


def load(folder, names):
    return np.stack([edge_features(read(DATA / folder / f"{name}.png")) for name in names])


def make_model():
    return RandomForestClassifier(
        n_estimators=N_ESTIMATORS, max_depth=MAX_DEPTH, min_samples_leaf=MIN_SAMPLES_LEAF, random_state=0
    )


labels = pd.read_csv(DATA / "train_labels.csv")
sample = pd.read_csv(DATA / "sample_submission.csv")
features, materials = load("train", labels["patch"]), labels["material"]
fit_X, check_X, fit_y, check_y = train_test_split(features, materials, test_size=0.3, random_state=0)

model = make_model().fit(fit_X, fit_y)
print(f"validation log loss: {log_loss(check_y, model.predict_proba(check_X), labels=model.classes_):.4f}")

model = make_model().fit(features, materials)
sample[model.classes_] = model.predict_proba(load("test", sample["patch"]))
sample.to_csv("submission.csv", index=False)
