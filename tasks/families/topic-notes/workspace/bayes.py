"""Naive Bayes on the words of subject and body."""

import pandas as pd
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import Pipeline

ALPHA = 3.0
MIN_DF = 2


def texts(frame):
    return frame["subject"].fillna("") + " " + frame["body"]


def build():
    return Pipeline([
        ("words", CountVectorizer(min_df=MIN_DF)),
        ("bayes", MultinomialNB(alpha=ALPHA)),
    ])


def main():
    train, test = pd.read_csv("data/train.csv"), pd.read_csv("data/test.csv")
    X, y = texts(train), train["desk"]
    X_fit, X_check, y_fit, y_check = train_test_split(X, y, test_size=0.2, random_state=4, stratify=y)
    score = accuracy_score(y_check, build().fit(X_fit, y_fit).predict(X_check))
    print(f"validation accuracy: {score:.4f}")
    predicted = build().fit(X, y).predict(texts(test))
    pd.DataFrame({"note": test["note"], "desk": predicted}).to_csv("submission.csv", index=False)


if __name__ == "__main__":
    main()
