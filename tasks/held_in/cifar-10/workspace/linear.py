"""Ten classes of small pictures: a linear classifier on the pixels."""

import numpy as np
import pandas as pd
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split

SIZE = 8


def load(folder, ids):
    pictures = [Image.open(f"data/{folder}/{number}.png").convert("RGB").resize((SIZE, SIZE)) for number in ids]
    return np.array([np.asarray(picture).ravel() for picture in pictures]) / 255


labels = pd.read_csv("data/trainLabels.csv")
X, y = load("train", labels["id"]), labels["label"]
X_train, X_valid, y_train, y_valid = train_test_split(X, y, test_size=0.25, random_state=0, stratify=y)

model = LogisticRegression(C=0.05, max_iter=100)
model.fit(X_train, y_train)
print(f"validation accuracy: {accuracy_score(y_valid, model.predict(X_valid)):.4f}")

model.fit(X, y)
submission = pd.read_csv("data/sample_submission.csv")
submission["label"] = model.predict(load("test", submission["id"]))
submission.to_csv("submission.csv", index=False)
