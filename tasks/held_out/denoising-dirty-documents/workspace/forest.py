"""Clean pages: each pixel from its surroundings at two scales, by a forest of regression trees."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from scipy.ndimage import maximum_filter, uniform_filter
from sklearn.ensemble import ExtraTreesRegressor


class Page:
    def __init__(self, path):
        self.number = path.stem
        self.pixels = np.asarray(Image.open(path).convert("L"), dtype=float) / 255

    def features(self):
        padded = np.pad(self.pixels, 1, mode="reflect")
        near = np.lib.stride_tricks.sliding_window_view(padded, (3, 3)).reshape(self.pixels.size, 9)
        mean = uniform_filter(self.pixels, 9).ravel()
        bright = maximum_filter(self.pixels, 9).ravel()
        return np.column_stack([near, mean, bright, self.pixels.ravel() / (bright + 0.05)])

    def ids(self):
        rows, columns = self.pixels.shape
        return [f"{self.number}_{row}_{column}" for row in range(1, rows + 1) for column in range(1, columns + 1)]


def build_model():
    return ExtraTreesRegressor(n_estimators=8, max_depth=9, min_samples_leaf=5, max_features=0.5, max_samples=0.5, bootstrap=True, random_state=0)


paths = sorted(Path("data/train").glob("*.png"))
dirty = [Page(path) for path in paths]
clean = [Page(Path("data/train_cleaned") / path.name).pixels.ravel() for path in paths]
inputs = [page.features() for page in dirty]

rng = np.random.default_rng(0)
order = rng.permutation(len(paths))
fit, held = order[len(order) // 4 :], order[: len(order) // 4]
model = build_model().fit(np.concatenate([inputs[i] for i in fit]), np.concatenate([clean[i] for i in fit]))
error = model.predict(np.concatenate([inputs[i] for i in held])) - np.concatenate([clean[i] for i in held])
print(f"validation RMSE: {np.sqrt(np.mean(error ** 2)):.4f}")

model = build_model().fit(np.concatenate(inputs), np.concatenate(clean))
pages = [Page(path) for path in sorted(Path("data/test").glob("*.png"))]
values = np.clip(model.predict(np.concatenate([page.features() for page in pages])), 0, 1)
ids = [name for page in pages for name in page.ids()]
pd.DataFrame({"id": ids, "value": values.round(4)}).to_csv("submission.csv", index=False)
