"""A visit as a bag of tokens; naive Bayes ranks the items."""

import argparse

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import Pipeline


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--alpha", type=float, default=1.0)
    parser.add_argument("--min-df", type=int, default=2)
    parser.add_argument("--fold-size", type=float, default=0.25)
    return parser.parse_args()


def sentence(visit):
    words = [f"region_{visit.region}", f"search_{visit.search}", f"device_{visit.device}", f"hour_{visit.hour // 6}"]
    words += [f"seen_{item}" for item in visit.seen.split(" ")]
    if visit.budget == visit.budget:
        words.append(f"budget_{int(np.log(visit.budget))}")
    return " ".join(words)


def sentences(visits):
    return [sentence(visit) for visit in visits.itertuples()]


def build(args):
    return Pipeline([
        ("words", CountVectorizer(token_pattern=r"\S+", min_df=args.min_df)),
        ("bayes", MultinomialNB(alpha=args.alpha)),
    ])


def rank(model, visits, depth=5):
    chances = model.predict_proba(sentences(visits))
    return model.classes_[np.argsort(-chances, axis=1)[:, :depth]]


def average_precision(truth, ranked):
    total = 0.0
    for right, row in zip(truth, ranked):
        row = list(row)
        total += 1 / (1 + row.index(right)) if right in row else 0.0
    return total / len(truth)


if __name__ == "__main__":
    args = arguments()
    visits, test = pd.read_csv("data/visits_train.csv"), pd.read_csv("data/visits_test.csv")
    cut = int(len(visits) * (1 - args.fold_size))
    model = build(args).fit(sentences(visits[:cut]), visits["item"][:cut])
    print(f"validation MAP@5: {average_precision(visits['item'][cut:], rank(model, visits[cut:])):.4f}")

    model = build(args).fit(sentences(visits), visits["item"])
    test["item"] = [" ".join(row) for row in rank(model, test)]
    test[["visit", "item"]].to_csv("submission.csv", index=False)
