"""Features of a window: strength of each block, slopes, crossings and short lags."""

import numpy as np


def features(windows, blocks):
    x = windows.astype(float)
    x = x - x.mean(axis=2, keepdims=True)
    x = x / (x.std(axis=2, keepdims=True) + 1e-6)
    length = x.shape[2] // blocks
    strength = [x[:, :, i * length : (i + 1) * length].std(axis=2) for i in range(blocks)]
    crossings = (np.diff(np.sign(x), axis=2) != 0).mean(axis=2)
    lags = [(x[:, :, k:] * x[:, :, :-k]).mean(axis=2) for k in (1, 2, 4)]
    return np.hstack([*strength, crossings, *lags, x.max(axis=2), x.min(axis=2)])
