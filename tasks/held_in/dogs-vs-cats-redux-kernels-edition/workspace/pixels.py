"""Dogs against cats: logistic regression on small colour pictures."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

SIZE = 12


def load(path):
    image = Image.open(path)
    image.draft("RGB", (2 * SIZE, 2 * SIZE))
    return np.asarray(image.convert("RGB").resize((SIZE, SIZE))).ravel() / 255


paths = sorted(Path("data/train").glob("*.jpg"))
X = np.array([load(path) for path in paths])
y = np.array([path.name.startswith("dog") for path in paths]).astype(int)
X_train, X_valid, y_train, y_valid = train_test_split(X, y, test_size=0.25, random_state=0)

model = LogisticRegression(C=0.1, max_iter=100)
model.fit(X_train, y_train)
print(f"validation log loss: {log_loss(y_valid, model.predict_proba(X_valid)[:, 1]):.4f}")

model.fit(X, y)
test = pd.read_csv("data/sample_submission.csv")
X_test = np.array([load(f"data/test/{number}.jpg") for number in test["id"]])
test["label"] = model.predict_proba(X_test)[:, 1]
test.to_csv("submission.csv", index=False)
