"""A strong solution: boosting on wide surroundings at several scales, with the paper's brightness divided out."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from scipy.ndimage import gaussian_filter, maximum_filter, median_filter, minimum_filter, percentile_filter
from sklearn.ensemble import HistGradientBoostingRegressor


def read(path):
    return np.asarray(Image.open(path).convert("L"), float) / 255


def features(page):
    paper = gaussian_filter(percentile_filter(page, 85, 9), 1.5)
    flat = page / np.maximum(paper, 0.05)
    padded = np.pad(flat, 3, mode="reflect")
    near = np.lib.stride_tricks.sliding_window_view(padded, (7, 7)).reshape(page.size, 49)
    columns = [page, paper, median_filter(flat, 3), median_filter(page, 7), page - gaussian_filter(page, 1)]
    for size in (3, 5, 9, 15):
        columns += [minimum_filter(flat, size), maximum_filter(page, size), gaussian_filter(flat, size / 3)]
        mean = gaussian_filter(page, size / 2)
        columns.append(np.sqrt(np.maximum(gaussian_filter(page**2, size / 2) - mean**2, 0)))
    whole = [np.full(page.shape, value) for value in (*np.percentile(page, [2, 10, 50, 90]), np.abs(np.diff(page)).mean(), flat.std())]
    return np.column_stack([near] + [column.ravel() for column in columns + whole])


names = [path.name for path in sorted(Path("data/train").glob("*.png"))]
dirty = [read(f"data/train/{name}") for name in names]
clean = [read(f"data/train_cleaned/{name}") for name in names]
X = np.concatenate([features(page) for page in dirty])
y = np.concatenate([page.ravel() for page in clean])
tests = [(path.stem, read(path)) for path in sorted(Path("data/test").glob("*.png"))]
X_test = np.concatenate([features(page) for _, page in tests])
model = HistGradientBoostingRegressor(max_iter=130, learning_rate=0.08, max_leaf_nodes=24, min_samples_leaf=30, l2_regularization=5.0, max_bins=63, max_features=0.4, random_state=0)
guess = np.clip(model.fit(X, y).predict(X_test), 0, 1)
ids = [f"{number}_{row + 1}_{column + 1}" for number, page in tests for row, column in np.ndindex(page.shape)]
pd.DataFrame({"id": ids, "value": guess.round(4)}).to_csv("submission.csv", index=False)
