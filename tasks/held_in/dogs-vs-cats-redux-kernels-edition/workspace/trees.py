"""Dogs against cats: extremely randomised trees on brightness and edges of the picture's regions."""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

parser = argparse.ArgumentParser()
parser.add_argument("--size", type=int, default=32)
parser.add_argument("--regions", type=int, default=8)
parser.add_argument("--trees", type=int, default=60)
parser.add_argument("--min-samples-leaf", type=int, default=4)
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()


def features(path):
    image = Image.open(path)
    image.draft("L", (2 * args.size, 2 * args.size))
    grey = np.asarray(image.convert("L").resize((args.size, args.size)), dtype=np.float32) / 255
    edges = np.hypot(*np.gradient(grey))
    step = args.size // args.regions
    regions = [part.reshape(args.regions, step, args.regions, step).mean(axis=(1, 3)).ravel() for part in (grey, edges)]
    return np.concatenate(regions)


def make_model():
    return ExtraTreesClassifier(
        n_estimators=args.trees, min_samples_leaf=args.min_samples_leaf, max_depth=6, random_state=args.seed
    )


paths = sorted(Path("data/train").glob("*.jpg"))
X = np.array([features(path) for path in paths])
y = np.array([int("dog" in path.name) for path in paths])
X_train, X_valid, y_train, y_valid = train_test_split(X, y, test_size=0.25, random_state=args.seed)
model = make_model()
model.fit(X_train, y_train)
print(f"validation log loss: {log_loss(y_valid, model.predict_proba(X_valid)):.4f}")

model = make_model()
model.fit(X, y)
test = pd.read_csv("data/sample_submission.csv")
test["label"] = model.predict_proba(np.array([features(f"data/test/{i}.jpg") for i in test["id"]]))[:, 1]
test.to_csv("submission.csv", index=False)
