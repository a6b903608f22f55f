"""Clean pages: each pixel from the background, the stretched contrast and a blurred copy."""

from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter, maximum_filter
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline

CONFIG = {
    "window": 5,
    "smoothing": 2.0,
    "blur": 1.0,
    "low": 0.2,
    "high": 0.9,
}


def load(path):
    return np.asarray(Image.open(path).convert("L"), dtype=float) / 255


def describe(page):
    background = gaussian_filter(maximum_filter(page, CONFIG["window"]), CONFIG["smoothing"])
    stretched = np.clip((page / np.maximum(background, 0.05) - CONFIG["low"]) / (CONFIG["high"] - CONFIG["low"]), 0, 1)
    blurred = gaussian_filter(page, CONFIG["blur"])
    return np.stack([page.ravel(), background.ravel(), stretched.ravel(), blurred.ravel()], axis=1)


def features(pages):
    return np.concatenate([describe(page) for page in pages])


def main():
    paths = sorted(Path("data/train").glob("*.png"))
    dirty = [load(path) for path in paths]
    clean = [load(Path("data/train_cleaned") / path.name) for path in paths]
    held = len(paths) // 4

    model = make_pipeline(LinearRegression())
    model.fit(features(dirty[held:]), np.concatenate([page.ravel() for page in clean[held:]]))
    guess = np.clip(model.predict(features(dirty[:held])), 0, 1)
    rmse = np.sqrt(np.mean((guess - np.concatenate([page.ravel() for page in clean[:held]])) ** 2))
    print(f"validation RMSE: {rmse:.4f}")

    model.fit(features(dirty), np.concatenate([page.ravel() for page in clean]))
    lines = ["id,value"]
    for path in sorted(Path("data/test").glob("*.png")):
        page = load(path)
        cleaned = np.clip(model.predict(features([page])), 0, 1).reshape(page.shape)
        for (row, column), value in np.ndenumerate(cleaned):
            lines.append(f"{path.stem}_{row + 1}_{column + 1},{value:.4f}")
    Path("submission.csv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
