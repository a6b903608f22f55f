"""Nearest neighbours among the spectra."""

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline

N_NEIGHBORS = 25
N_COMPONENTS = 10


class SpectrumNeighbours:
    def __init__(self):
        self.model = Pipeline([
            ("pca", PCA(n_components=N_COMPONENTS, random_state=0)),
            ("knn", KNeighborsClassifier(n_neighbors=N_NEIGHBORS)),
        ])

    @staticmethod
    def spectra(windows):
        centred = windows - windows.mean(axis=2, keepdims=True)
        return np.log1p(np.abs(np.fft.rfft(centred, axis=2))).reshape(len(windows), -1)

    def fit(self, windows, states):
        self.model.fit(self.spectra(windows), states)
        return self

    def chances(self, windows):
        return self.model.predict_proba(self.spectra(windows))


windows, states = np.load("data/train_windows.npy"), pd.read_csv("data/train.csv")["state"]
a, b, y_a, y_b = train_test_split(windows, states, test_size=0.25, random_state=4, stratify=states)
print(f"validation log loss: {log_loss(y_b, SpectrumNeighbours().fit(a, y_a).chances(b)):.4f}")

chances = SpectrumNeighbours().fit(windows, states).chances(np.load("data/test_windows.npy"))
answer = pd.read_csv("data/test.csv")
for place in range(chances.shape[1]):
    answer[f"state_{place + 1}"] = chances[:, place]
answer.to_csv("submission.csv", index=False)
