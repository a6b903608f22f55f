"""Logistic regression on simple statistics of each sensor."""

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")


def statistics(windows):
    step = np.abs(np.diff(windows, axis=2))
    return np.hstack([windows.mean(axis=2), windows.std(axis=2), windows.max(axis=2), step.mean(axis=2)])


X = statistics(np.load("data/train_windows.npy").astype(float))
X_test = statistics(np.load("data/test_windows.npy").astype(float))
y = train["state"]

model = make_pipeline(StandardScaler(), LogisticRegression(C=0.03, max_iter=200))
X_train, X_valid, y_train, y_valid = train_test_split(X, y, test_size=0.25, stratify=y, random_state=0)
model.fit(X_train, y_train)
print(f"validation log loss: {log_loss(y_valid, model.predict_proba(X_valid)):.4f}")

model.fit(X, y)
out = pd.DataFrame(model.predict_proba(X_test), columns=[f"state_{c}" for c in model.classes_])
out.insert(0, "window_id", test["window_id"])
out.to_csv("submission.csv", index=False)
