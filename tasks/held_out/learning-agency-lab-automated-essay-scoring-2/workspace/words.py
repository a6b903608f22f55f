"""Score essays by their words: TF-IDF and ridge regression."""

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge
from sklearn.metrics import cohen_kappa_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")


def build_model():
    return make_pipeline(TfidfVectorizer(max_features=300, stop_words="english"), Ridge(alpha=3.0))


def rounded(predicted):
    return np.clip(np.rint(predicted), 1, 6).astype(int)


X_train, X_valid, y_train, y_valid = train_test_split(train["full_text"], train["score"], test_size=0.25, random_state=0)
model = build_model().fit(X_train, y_train)
kappa = cohen_kappa_score(y_valid, rounded(model.predict(X_valid)), weights="quadratic")
print(f"validation quadratic weighted kappa: {kappa:.4f}")

model = build_model().fit(train["full_text"], train["score"])
submission = pd.DataFrame({"essay_id": test["essay_id"], "score": rounded(model.predict(test["full_text"]))})
submission.to_csv("submission.csv", index=False)
