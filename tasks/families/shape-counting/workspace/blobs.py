"""Worth of a picture from its connected blobs, with gradient boosting."""

import numpy as np
import pandas as pd
from scipy import ndimage
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import train_test_split

THRESHOLD = 26
BOUNDS = [6, 12, 18, 24, 32, 45]


def describe(image):
    ground = np.median(image, axis=0) + np.median(image, axis=1)[:, None] - np.median(image)
    difference = image - ground
    row = [np.abs(difference).mean()]
    for mask in (difference > THRESHOLD, difference < -THRESHOLD):
        labels, count = ndimage.label(mask)
        areas = np.bincount(labels.ravel())[1:]
        areas = areas[areas >= 4]
        row += [len(areas), areas.sum(), areas.max(initial=0)]
        row += list(np.histogram(areas, bins=[4] + BOUNDS + [2000])[0])
    return row


def load(name):
    return np.array([describe(image) for image in np.load(f"data/{name}_images.npy").astype(np.int16)], dtype=float)


def build_model():
    return GradientBoostingRegressor(n_estimators=60, learning_rate=0.05, max_depth=2, random_state=0)


train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")
X = load("train")
y = train["worth"].to_numpy()
X_train, X_valid, y_train, y_valid = train_test_split(X, y, test_size=0.25, random_state=2)
model = build_model().fit(X_train, y_train)
print(f"validation rmse: {root_mean_squared_error(y_valid, model.predict(X_valid)):.4f}")

model = build_model().fit(X, y)
test["worth"] = model.predict(load("test"))
test.to_csv("submission.csv", index=False)
