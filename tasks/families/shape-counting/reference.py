"""A strong solution: blobs with their kinds learnt by clustering, counts of local patches, and three regressions averaged."""

import numpy as np
import pandas as pd
from scipy import ndimage
from sklearn.cluster import KMeans
from sklearn.ensemble import ExtraTreesRegressor, GradientBoostingRegressor
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")
images = np.concatenate([np.load("data/train_images.npy"), np.load("data/test_images.npy")]).astype(float)
n = len(train)
y = train["worth"].to_numpy()

yy, xx = np.mgrid[:32, :32] / 31 - 0.5
plane = np.stack([np.ones(1024), yy.ravel(), xx.ravel()], axis=1)
flat = images.reshape(len(images), -1)
weight = np.ones_like(flat)
for _ in range(6):
    normal = np.einsum("nk,ki,kj->nij", weight, plane, plane)
    solved = np.linalg.solve(normal, np.einsum("nk,ki,nk->ni", weight, plane, flat)[:, :, None])[:, :, 0]
    rest = flat - solved @ plane.T
    scale = np.median(np.abs(rest), axis=1, keepdims=True) + 2
    weight = 1 / (1 + (rest / (1.5 * scale)) ** 2)
rest = rest.reshape(images.shape)
level = np.percentile(np.abs(rest), 96, axis=(1, 2), keepdims=True)
unit = rest / level

owner, rows = [], []
for number, image in enumerate(unit):
    for sign in (1, -1):
        labels, count = ndimage.label(sign * image > 0.5, structure=np.ones((3, 3)))
        for label, (ys, xs) in enumerate(ndimage.find_objects(labels), 1):
            blob = labels[ys, xs] == label
            area = blob.sum()
            if area < 6:
                continue
            filled = ndimage.binary_fill_holes(blob).sum()
            h, w = blob.shape
            core = ndimage.binary_erosion(blob).sum()
            cy, cx = np.argwhere(blob).mean(axis=0) / [max(h - 1, 1), max(w - 1, 1)]
            owner.append(number)
            rows.append([np.sqrt(area), np.sqrt(filled - area), h, w, 6 * area / (h * w), np.sqrt(core), 4 * cy, 4 * cx, np.log(h / w) * 3, filled / area * 3])
owner, rows = np.array(owner), np.array(rows)
scaled = StandardScaler().fit_transform(rows)
blocks = [np.bincount(owner, minlength=len(images))[:, None]]
for clusters in (8, 24, 48):
    kind = KMeans(clusters, n_init=2, random_state=0).fit(scaled)
    distance = kind.transform(scaled)
    soft = np.exp(-2 * (distance - distance.min(axis=1, keepdims=True)))
    soft /= soft.sum(axis=1, keepdims=True)
    block = np.zeros((len(images), clusters))
    np.add.at(block, owner, soft)
    blocks.append(block)
sums = np.zeros((len(images), rows.shape[1]))
np.add.at(sums, owner, rows)
blocks.append(sums)

rng = np.random.default_rng(0)
windows = np.lib.stride_tricks.sliding_window_view(np.abs(unit).astype(np.float32), (5, 5), axis=(1, 2))[:, ::1, ::1].reshape(len(images), -1, 25)
busy = windows[:, :, 12] > 0.4
pool = windows[busy]
words = KMeans(40, n_init=1, max_iter=30, random_state=0).fit(pool[rng.choice(len(pool), 6000)])
place = np.repeat(np.arange(len(images)), busy.sum(axis=1))
bag = np.zeros((len(images), 40))
np.add.at(bag, (place, words.predict(pool)), 1)
blocks.append(bag)
blocks.append(np.stack([np.abs(unit).mean(axis=(1, 2)), (np.abs(unit) > 0.5).mean(axis=(1, 2)), level[:, 0, 0]], axis=1))
X = np.concatenate(blocks, axis=1)

models = [
    make_pipeline(StandardScaler(), RidgeCV(np.logspace(0, 3, 13))),
    make_pipeline(StandardScaler(), SVR(C=10, gamma=0.001, epsilon=0.1)),
    GradientBoostingRegressor(n_estimators=250, learning_rate=0.05, max_depth=3, subsample=0.6, max_features=0.15, random_state=0),
    ExtraTreesRegressor(n_estimators=150, min_samples_leaf=2, max_features=0.4, random_state=0),
]
weights = [0.35, 0.35, 0.25, 0.05]
X = np.sqrt(np.maximum(X, 0))
predictions = [np.clip(model.fit(X[:n], y).predict(X[n:]), y.min(), y.max()) for model in models]
test["worth"] = np.average(predictions, axis=0, weights=weights)
test.to_csv("submission.csv", index=False)
