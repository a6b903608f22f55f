"""A strong solution: spectra of the whole window and its parts, phases between sensors, envelopes; three models together."""

import numpy as np
import pandas as pd
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")
windows = np.concatenate([np.load("data/train_windows.npy"), np.load("data/test_windows.npy")]).astype(float)
y = train["state"].to_numpy()
rows = len(y)

time = np.linspace(-1, 1, windows.shape[2])
windows = windows - windows.mean(axis=2, keepdims=True)
windows = windows - (windows @ time / (time @ time))[:, :, None] * time
limit = 4 * np.median(np.abs(windows), axis=2, keepdims=True) / 0.67
windows = np.clip(windows, -limit, limit)
windows = windows / np.sqrt((windows**2).mean(axis=(1, 2), keepdims=True))


def spectrum(x):
    taper = np.hanning(x.shape[2])
    return np.abs(np.fft.rfft(x * taper, n=2 * x.shape[2])) ** 2


whole = spectrum(windows)
power = whole.sum(axis=1)
logs = np.log(power + 1e-2)
smooth = np.log(power[:, : power.shape[1] // 3 * 3].reshape(len(power), -1, 3).mean(axis=2) + 1e-2)
length = windows.shape[2]
bins = np.arange(whole.shape[2])
parts = []
for start in range(3):
    piece = windows[:, :, start * length // 4 : start * length // 4 + length // 2]
    share = spectrum(piece).sum(axis=1)
    low = share[:, : share.shape[1] // 2]
    centre = (low * np.arange(low.shape[1])).sum(axis=1) / low.sum(axis=1)
    parts += [centre[:, None], np.log(low + 1e-1)[:, : length // 4], np.argmax(low, axis=1)[:, None]]
halves = np.hstack(parts)
sweep = np.column_stack([parts[6] - parts[0], parts[8] - parts[2]])
energy = (windows**2).sum(axis=1)
blocks = energy.reshape(len(energy), 8, -1).mean(axis=2)
envelope = np.hstack([np.log(blocks + 1e-2), np.log(np.sort(blocks, axis=1) + 1e-2)])
lags = np.stack([(windows[:, :, k:] * windows[:, :, : length - k]).mean(axis=(1, 2)) for k in range(1, 9)], axis=1)
peak = np.argmax(power[:, : len(bins) // 2], axis=1)
peaks = np.column_stack([peak, np.log(power.max(axis=1))])
ratio = [np.log(np.take_along_axis(power, np.minimum(k * peak, power.shape[1] - 1)[:, None], 1) / power.max(axis=1, keepdims=True) + 1e-3) for k in (2, 3)]
transform = np.fft.rfft(windows * np.hanning(length), n=2 * length)
phases = []
for a in range(windows.shape[1]):
    for b in range(a):
        cross = transform[:, a] * np.conj(transform[:, b])
        total = cross[:, 4:60].sum(axis=1)
        phases += [total.real / np.abs(cross).sum(axis=1), total.imag / np.abs(cross).sum(axis=1)]
phases = np.array(phases).T
# How the frequency moves: the window multiplied by a falling or rising sweep is a pure tone when the sweep is right.
chirps = []
for rate in np.linspace(-5, 5, 11):
    turned = np.fft.fft(windows * np.exp(-2j * np.pi * rate * (time / 2) ** 2) * np.hanning(length), axis=2)
    chirps.append(np.log((np.abs(turned[:, :, : length // 3]) ** 2).sum(axis=1).max(axis=1)))
chirps = np.array(chirps).T
chirps -= chirps.mean(axis=1, keepdims=True)
gains = np.log((windows**2).mean(axis=2))

small = np.hstack([smooth, sweep, envelope, lags, peaks, *ratio, phases, chirps, gains])

scaled = (small - small.mean(axis=0)) / (small.std(axis=0) + 1e-9)
models = [
    (0.4, LogisticRegression(C=0.03, max_iter=400), scaled),
    (0.3, ExtraTreesClassifier(n_estimators=200, min_samples_leaf=2, max_features=0.3, random_state=0), small),
    (0.3, HistGradientBoostingClassifier(max_iter=60, learning_rate=0.1, max_leaf_nodes=8, max_features=0.3, random_state=0), small),
]
total = sum(share * model.fit(X[:rows], y).predict_proba(X[rows:]) for share, model, X in models)
# Averages of models are too timid.
total = total**1.25
total /= total.sum(axis=1, keepdims=True)
out = pd.DataFrame(total, columns=[f"state_{number}" for number in range(1, 6)])
out.insert(0, "window_id", test["window_id"])
out.to_csv("submission.csv", index=False)
