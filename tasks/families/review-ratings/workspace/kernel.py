"""Support vector regression on tf-idf of words."""

import argparse

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVR


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--C", type=float, default=1.0)
    parser.add_argument("--epsilon", type=float, default=0.3)
    parser.add_argument("--kernel", choices=["linear", "rbf"], default="linear")
    parser.add_argument("--min-df", type=int, default=2)
    return parser.parse_args()


def build(args):
    return make_pipeline(
        TfidfVectorizer(min_df=args.min_df, sublinear_tf=True, stop_words="english"),
        SVR(C=args.C, epsilon=args.epsilon, kernel=args.kernel),
    )


def words(frame):
    return frame["category"] + " " + frame["text"]


if __name__ == "__main__":
    args = options()
    reviews = pd.read_csv("data/reviews.csv")
    unrated = pd.read_csv("data/unrated.csv")

    guesses = cross_val_predict(build(args), words(reviews), reviews["rating"], cv=3)
    print(f"validation pearson: {np.corrcoef(reviews['rating'], guesses)[0, 1]:.4f}")

    model = build(args).fit(words(reviews), reviews["rating"])
    unrated["rating"] = model.predict(words(unrated))
    unrated[["review", "rating"]].to_csv("submission.csv", index=False)
