"""Six kinds of toxicity with naive Bayes on the words that a comment has."""

import pandas as pd
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import Pipeline

KINDS = ["toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate"]


def build_model():
    return Pipeline(
        [
            ("words", CountVectorizer(min_df=3, lowercase=True)),
            ("bayes", OneVsRestClassifier(MultinomialNB(alpha=2.0))),
        ]
    )


def main():
    train = pd.read_csv("data/train.csv")
    test = pd.read_csv("data/test.csv")
    X_train, X_valid, y_train, y_valid = train_test_split(train["comment_text"], train[KINDS], test_size=0.25, random_state=0)
    model = build_model().fit(X_train, y_train)
    print(f"validation mean column AUC: {roc_auc_score(y_valid, model.predict_proba(X_valid)):.4f}")

    model = build_model().fit(train["comment_text"], train[KINDS])
    submission = pd.DataFrame(model.predict_proba(test["comment_text"]), columns=KINDS)
    submission.insert(0, "id", test["id"])
    submission.to_csv("submission.csv", index=False)


if __name__ == "__main__":
    main()
