"""Tell the authors apart by pieces of words: TF-IDF of letters and a logistic regression."""

import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline

MIN_DF = 2
C = 1.0


def build_model():
    return Pipeline(
        [
            ("tfidf", TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 3), min_df=MIN_DF)),
            ("model", LogisticRegression(C=C, max_iter=300)),
        ]
    )


train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")
X_train, X_valid, y_train, y_valid = train_test_split(train["text"], train["author"], test_size=0.25, random_state=0)
model = build_model().fit(X_train, y_train)
print(f"validation log loss: {log_loss(y_valid, model.predict_proba(X_valid)):.4f}")

model = build_model().fit(train["text"], train["author"])
submission = pd.DataFrame(model.predict_proba(test["text"]), columns=model.classes_)
submission.insert(0, "id", test["id"])
submission.to_csv("submission.csv", index=False)
