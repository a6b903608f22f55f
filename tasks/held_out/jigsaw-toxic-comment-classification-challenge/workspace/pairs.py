"""Six kinds of toxicity by words and pairs of words, each kind with a logistic regression."""

import argparse

import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline

KINDS = ["toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate"]


def build_model(args):
    return make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), min_df=args.min_df, max_features=args.max_features),
        OneVsRestClassifier(LogisticRegression(C=args.C, max_iter=300)),
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--C", type=float, default=0.3)
    parser.add_argument("--min-df", type=int, default=3)
    parser.add_argument("--max-features", type=int, default=800)
    args = parser.parse_args()

    train = pd.read_csv("data/train.csv")
    test = pd.read_csv("data/test.csv")
    X_train, X_valid, y_train, y_valid = train_test_split(train["comment_text"], train[KINDS], test_size=0.25, random_state=0)
    model = build_model(args).fit(X_train, y_train)
    print(f"validation mean column AUC: {roc_auc_score(y_valid, model.predict_proba(X_valid)):.4f}")

    model = build_model(args).fit(train["comment_text"], train[KINDS])
    submission = pd.DataFrame(model.predict_proba(test["comment_text"]), columns=KINDS)
    submission.insert(0, "id", test["id"])
    submission.to_csv("submission.csv", index=False)


if __name__ == "__main__":
    main()
