"""A strong solution: the object cut out of the sea, its form, its contrast in both bands and with the angle; a blend of models."""

import json

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter
from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer, StandardScaler
from sklearn.svm import SVC


def describe(record, usual):
    edge = int(round(len(record["band_1"]) ** 0.5))
    bands = [np.array(record[name]).reshape(edge, edge) for name in ("band_1", "band_2")]
    angle = usual if record["inc_angle"] == "na" else record["inc_angle"]
    seas = [np.median(band) for band in bands]
    power = [10 ** (band / 10) for band in bands]
    smooth = [gaussian_filter(p, 0.7 * edge / 16) for p in power]
    clear = [np.maximum(s - 10 ** (sea / 10), 0) for s, sea in zip(smooth, seas)]
    both = clear[0] / clear[0].max() + clear[1] / clear[1].max()
    y, x = np.mgrid[0:edge, 0:edge]
    weight = both * (both > 0.3 * both.max())
    total = weight.sum()
    cy, cx = (weight * y).sum() / total, (weight * x).sum() / total
    yy, xx = (weight * (y - cy) ** 2).sum() / total, (weight * (x - cx) ** 2).sum() / total
    xy = (weight * (y - cy) * (x - cx)).sum() / total
    root = np.sqrt((yy - xx) ** 2 + 4 * xy**2)
    long, short = np.sqrt((yy + xx + root) / 2 + 0.05), np.sqrt(max(yy + xx - root, 0) / 2 + 0.05)
    mask = np.hypot(y - cy, x - cx) < 0.22 * edge
    echo = [10 * np.log10(c[mask].mean() + 1e-4) for c in clear]
    peak = [10 * np.log10(c.max() + 1e-4) for c in clear]
    tilt = (angle - 39) / 4
    sharp = [p[mask].max() / p[mask].mean() for p in smooth]
    row = [angle, *seas, *echo, *peak, echo[0] - echo[1], peak[0] - peak[1], echo[0] - seas[0], echo[1] - seas[1]]
    row += [(echo[0] - echo[1]) * tilt, (echo[0] - seas[0]) * tilt, (peak[0] - seas[0]) * tilt]
    row += [np.log(long), np.log(short), np.log(long / short), *np.log(sharp)]
    row += [(weight > level * weight.max()).sum() for level in (0.3, 0.5, 0.7)]
    row += [(clear[0] > 0.5 * clear[0].max()).sum(), (clear[1] > 0.5 * clear[1].max()).sum()]
    row += [bands[0].std(), bands[1].std(), np.corrcoef(bands[0][mask], bands[1][mask])[0, 1]]
    return row


with open("data/train.json") as file:
    train = json.load(file)
with open("data/test.json") as file:
    test = json.load(file)
usual = np.mean([record["inc_angle"] for record in train if record["inc_angle"] != "na"])
X = np.array([describe(record, usual) for record in train])
X_test = np.array([describe(record, usual) for record in test])
y = np.array([record["is_iceberg"] for record in train])

models = [
    make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=300)),
    make_pipeline(QuantileTransformer(n_quantiles=100, output_distribution="normal"), SVC(C=0.7, gamma=0.015, probability=True, random_state=0)),
    ExtraTreesClassifier(300, min_samples_leaf=3, max_features=0.5, random_state=0),
    GradientBoostingClassifier(n_estimators=120, learning_rate=0.04, max_depth=3, subsample=0.6, max_features=0.4, random_state=0),
]
logits = []
for model in models:
    p = np.clip(model.fit(X, y).predict_proba(X_test)[:, 1], 0.005, 0.995)
    logits.append(np.log(p / (1 - p)))
guess = 1 / (1 + np.exp(-1.1 * np.mean(logits, axis=0)))
pd.DataFrame({"id": [record["id"] for record in test], "is_iceberg": guess}).to_csv("submission.csv", index=False)
