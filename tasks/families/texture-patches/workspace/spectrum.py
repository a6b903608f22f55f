"""Materials from the power spectrum of a patch, with a scikit-learn network."""

import numpy as np
import pandas as pd
from PIL import Image
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler


class Spectra:
    """Log power of a patch in rings and wedges of its spectrum."""

    def __init__(self, rings=5, wedges=6, size=24):
        self.size = size
        down, across = np.meshgrid(np.fft.fftfreq(size), np.fft.rfftfreq(size), indexing="ij")
        radius = np.hypot(down, across)
        angle = np.arctan2(down, across) % np.pi
        ring = np.clip((radius * 2 * rings).astype(int), 0, rings - 1)
        wedge = np.clip((angle / np.pi * wedges).astype(int), 0, wedges - 1)
        cell = ring * wedges + wedge
        self.masks = [cell == number for number in range(rings * wedges) if (cell == number).any()]

    def features(self, path):
        pixels = np.asarray(Image.open(path).convert("L").resize((self.size, self.size)), dtype=float)
        power = np.abs(np.fft.rfft2(pixels - pixels.mean())) ** 2
        return [np.log1p(power[mask].mean()) for mask in self.masks]

    def load(self, folder, names):
        return np.array([self.features(f"data/{folder}/{name}.png") for name in names])


def build():
    return Pipeline([
        ("scale", StandardScaler()),
        ("model", MLPClassifier(hidden_layer_sizes=(32,), alpha=0.01, max_iter=30, random_state=0, learning_rate_init=0.003)),
    ])


def main():
    import warnings

    from sklearn.exceptions import ConvergenceWarning

    warnings.simplefilter("ignore", ConvergenceWarning)
    spectra = Spectra()
    labels = pd.read_csv("data/train_labels.csv")
    X, y = spectra.load("train", labels["patch"]), labels["material"].to_numpy()
    X_train, X_valid, y_train, y_valid = train_test_split(X, y, test_size=0.25, random_state=7, stratify=y)
    model = build().fit(X_train, y_train)
    print("validation log loss: %.4f" % log_loss(y_valid, model.predict_proba(X_valid)))

    model = build().fit(X, y)
    sample = pd.read_csv("data/sample_submission.csv")
    sample[list(model.classes_)] = model.predict_proba(spectra.load("test", sample["patch"]))
    sample.to_csv("submission.csv", index=False)


if __name__ == "__main__":
    main()
