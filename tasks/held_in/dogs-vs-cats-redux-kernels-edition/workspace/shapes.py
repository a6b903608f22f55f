"""Dogs against cats: gradient directions in overlapping cells, and a calibrated support vector machine."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

SIZE = 32
CELL = 8
ANGLES = 6


class Pictures:
    """Pictures as histograms of gradients."""

    def __init__(self, size, cell, angles):
        self.size, self.cell, self.angles = size, cell, angles

    def grey(self, path):
        image = Image.open(path)
        image.draft("L", (2 * self.size, 2 * self.size))
        return np.asarray(image.convert("L").resize((self.size, self.size)), dtype=np.float32) / 255

    def describe(self, paths):
        pictures = np.stack([self.grey(path) for path in paths])
        dy, dx = np.gradient(pictures, axis=(1, 2))
        strength = np.sqrt(dx**2 + dy**2)
        angle = ((np.arctan2(dy, dx) + np.pi) / (2 * np.pi) * self.angles).astype(int) % self.angles
        n, side = len(pictures), self.size // self.cell
        maps = [np.where(angle == k, strength, 0).reshape(n, side, self.cell, side, self.cell).sum(axis=(2, 4)) for k in range(self.angles)]
        histograms = np.stack(maps, axis=3)
        length = np.sqrt((histograms**2).sum(axis=3, keepdims=True)) + 0.3
        return (histograms / length).reshape(n, -1)


def build():
    return Pipeline([
        ("scale", StandardScaler()),
        ("pca", PCA(n_components=30, random_state=0)),
        ("svm", CalibratedClassifierCV(SVC(C=1.0, gamma="scale"), cv=4, ensemble=False)),
    ])


pictures = Pictures(SIZE, CELL, ANGLES)
paths = sorted(Path("data/train").glob("*.jpg"))
X, y = pictures.describe(paths), np.array([path.name[:3] == "dog" for path in paths], dtype=int)
X_train, X_valid, y_train, y_valid = train_test_split(X, y, test_size=0.25, random_state=0, stratify=y)
model = build().fit(X_train, y_train)
print(f"validation log loss: {log_loss(y_valid, model.predict_proba(X_valid)):.4f}")

model = build().fit(X, y)
submission = pd.read_csv("data/sample_submission.csv")
submission["label"] = model.predict_proba(pictures.describe([f"data/test/{i}.jpg" for i in submission["id"]]))[:, 1]
submission.to_csv("submission.csv", index=False)
