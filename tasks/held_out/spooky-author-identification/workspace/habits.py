"""Tell the authors apart by their habits: lengths, punctuation and small words, in a random forest."""

import argparse

import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

MARKS = [",", ";", ":", "-", ".", "!", "?"]
SMALL = ["the", "and", "but", "upon", "on", "which", "that", "until", "till", "while", "whilst", "in", "within"]


def habits(texts):
    words = texts.str.lower().str.split()
    out = pd.DataFrame({"length": texts.str.len(), "words": words.str.len()})
    for mark in MARKS:
        out[mark] = texts.str.count("\\" + mark)
    for word in SMALL:
        out[word] = [found.count(word) for found in words]
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-estimators", type=int, default=60)
    parser.add_argument("--min-samples-leaf", type=int, default=5)
    parser.add_argument("--max-depth", type=int, default=4)
    args = parser.parse_args()

    def build():
        return RandomForestClassifier(
            n_estimators=args.n_estimators,
            min_samples_leaf=args.min_samples_leaf,
            max_depth=args.max_depth,
            random_state=0,
        )

    train = pd.read_csv("data/train.csv")
    test = pd.read_csv("data/test.csv")
    X, y = habits(train["text"]), train["author"]
    X_train, X_valid, y_train, y_valid = train_test_split(X, y, test_size=0.25, random_state=0)
    model = build().fit(X_train, y_train)
    print(f"validation log loss: {log_loss(y_valid, model.predict_proba(X_valid)):.4f}")

    model = build().fit(X, y)
    submission = pd.DataFrame(model.predict_proba(habits(test["text"])), columns=model.classes_)
    submission.insert(0, "id", test["id"])
    submission.to_csv("submission.csv", index=False)


if __name__ == "__main__":
    main()
