"""Extremely randomised trees on the most frequent words and the sender."""

import argparse

import pandas as pd
from scipy.sparse import hstack
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import accuracy_score
from sklearn.preprocessing import OneHotEncoder

parser = argparse.ArgumentParser()
parser.add_argument("--trees", type=int, default=40)
parser.add_argument("--max-depth", type=int, default=6)
parser.add_argument("--min-samples-leaf", type=int, default=3)
parser.add_argument("--max-features", type=int, default=400, help="words")
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()

train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")


class Features:
    def fit(self, frame):
        self.words = TfidfVectorizer(max_features=args.max_features).fit(frame["body"])
        self.senders = OneHotEncoder(handle_unknown="ignore").fit(frame[["sender"]])
        return self

    def transform(self, frame):
        return hstack([self.words.transform(frame["body"]), self.senders.transform(frame[["sender"]])]).tocsr()


def fitted(frame):
    features = Features().fit(frame)
    model = ExtraTreesClassifier(
        n_estimators=args.trees,
        max_depth=args.max_depth,
        min_samples_leaf=args.min_samples_leaf,
        random_state=args.seed,
    )
    model.fit(features.transform(frame), frame["desk"])
    return features, model


held = train.sample(frac=0.25, random_state=args.seed)
features, model = fitted(train.drop(held.index))
print(f"validation accuracy: {accuracy_score(held['desk'], model.predict(features.transform(held))):.4f}")

features, model = fitted(train)
test["desk"] = model.predict(features.transform(test))
test[["note", "desk"]].to_csv("submission.csv", index=False)
