"""Find insults by words and pairs of words, with a linear support vector machine."""

import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.svm import LinearSVC

train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")


def build_model():
    return Pipeline(
        [
            ("tfidf", TfidfVectorizer(ngram_range=(1, 2), min_df=3)),
            ("svm", LinearSVC(C=0.1, random_state=0)),
        ]
    )


X_train, X_valid, y_train, y_valid = train_test_split(train["Comment"], train["Insult"], test_size=0.25, random_state=0)
model = build_model().fit(X_train, y_train)
print(f"validation accuracy: {accuracy_score(y_valid, model.predict(X_valid)):.4f}")

model = build_model().fit(train["Comment"], train["Insult"])
submission = pd.DataFrame({"Id": test["Id"], "Insult": model.predict(test["Comment"])})
submission.to_csv("submission.csv", index=False)
