"""Subjects of papers with a forest: words, year, degrees, and how often the known neighbours have each subject."""

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

N_ESTIMATORS = 40
MAX_DEPTH = 8
SEED = 2


def read(name):
    return pd.read_csv(f"data/{name}.csv.gz", header=None).to_numpy()


def neighbour_votes(edges, labels, known, classes):
    """How often each subject occurs among the known neighbours of each paper."""
    votes = np.zeros((len(labels), len(classes)))
    place = {c: i for i, c in enumerate(classes)}
    mask = np.zeros(len(labels), dtype=bool)
    mask[known] = True
    for a, b in edges:
        if mask[b]:
            votes[a, place[labels[b]]] += 1
        if mask[a]:
            votes[b, place[labels[a]]] += 1
    return votes


def main():
    X = read("raw/node-feat")
    edges = read("raw/edge")
    year = read("raw/node_year")
    y = read("raw/node-label")[:, 0]
    train, test = read("split/time/train")[:, 0], read("split/time/test")[:, 0]
    classes = np.unique(y[train])
    degree = np.bincount(edges.ravel(), minlength=len(X))[:, None]

    fit, valid = train_test_split(train, test_size=0.25, random_state=SEED)
    table = np.hstack([X, year, degree, neighbour_votes(edges, y, fit, classes)])
    model = RandomForestClassifier(n_estimators=N_ESTIMATORS, max_depth=MAX_DEPTH, random_state=SEED)
    model.fit(table[fit], y[fit])
    print(f"validation accuracy: {model.score(table[valid], y[valid]):.4f}")

    table = np.hstack([X, year, degree, neighbour_votes(edges, y, train, classes)])
    model.fit(table[train], y[train])
    pd.DataFrame({"node": test, "label": model.predict(table[test])}).to_csv("submission.csv", index=False)


if __name__ == "__main__":
    main()
