"""A linear support vector machine on tf-idf, with the subject and the sender as further words."""

import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")


def text(frame):
    return frame["sender"].str.replace("-", "") + " " + frame["subject"].fillna("") + " " + frame["body"]


def make_model():
    return make_pipeline(
        TfidfVectorizer(min_df=2, sublinear_tf=True),
        LinearSVC(C=0.3, random_state=0),
    )


X_train, X_valid, y_train, y_valid = train_test_split(text(train), train["desk"], test_size=0.25, random_state=11)
model = make_model().fit(X_train, y_train)
print(f"validation accuracy: {accuracy_score(y_valid, model.predict(X_valid)):.4f}")

model = make_model().fit(text(train), train["desk"])
submission = pd.DataFrame({"note": test["note"], "desk": model.predict(text(test))})
submission.to_csv("submission.csv", index=False)
