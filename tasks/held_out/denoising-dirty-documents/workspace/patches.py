"""Clean pages: each pixel from the pixels around it, by ridge regression."""

from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

RADIUS = 1
ALPHA = 1000.0


def read(path):
    return np.asarray(Image.open(path).convert("L"), dtype=float) / 255


def patches(page):
    padded = np.pad(page, RADIUS, mode="edge")
    size = 2 * RADIUS + 1
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size))
    return windows.reshape(page.size, size * size)


names = sorted(p.name for p in Path("data/train").glob("*.png"))
inputs = {name: patches(read(f"data/train/{name}")) for name in names}
targets = {name: read(f"data/train_cleaned/{name}").ravel() for name in names}

cut = len(names) * 3 // 4
X_fit = np.concatenate([inputs[n] for n in names[:cut]])
y_fit = np.concatenate([targets[n] for n in names[:cut]])
X_held = np.concatenate([inputs[n] for n in names[cut:]])
y_held = np.concatenate([targets[n] for n in names[cut:]])

model = make_pipeline(Ridge(alpha=ALPHA))
model.fit(X_fit, y_fit)
error = np.clip(model.predict(X_held), 0, 1) - y_held
print(f"validation RMSE: {np.sqrt(np.mean(error ** 2)):.4f}")

model.fit(np.concatenate([X_fit, X_held]), np.concatenate([y_fit, y_held]))
with open("submission.csv", "w") as out:
    out.write("id,value\n")
    for path in sorted(Path("data/test").glob("*.png")):
        page = read(path)
        cleaned = np.clip(model.predict(patches(page)), 0, 1).reshape(page.shape)
        for row in range(page.shape[0]):
            for col in range(page.shape[1]):
                out.write(f"{path.stem}_{row + 1}_{col + 1},{cleaned[row, col]:.4f}\n")
