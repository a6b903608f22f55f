"""A support vector machine on an embedding of the graph: the leading singular vectors of its adjacency matrix."""

import argparse

import numpy as np
import pandas as pd
from scipy.sparse import coo_matrix, diags
from sklearn.decomposition import TruncatedSVD
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-components", type=int, default=8)
    parser.add_argument("--C", type=float, default=1.0)
    parser.add_argument("--gamma", type=float, default=0.1)
    return parser.parse_args()


def adjacency(links, place):
    a, b = links["source"].map(place), links["target"].map(place)
    rows, columns = np.concatenate([a, b]), np.concatenate([b, a])
    weights = np.concatenate([links["weight"], links["weight"]])
    matrix = coo_matrix((weights, (rows, columns)), shape=(len(place), len(place))).tocsr()
    degree = np.asarray(matrix.sum(axis=1)).ravel() + 1.0
    scale = diags(1 / np.sqrt(degree))
    return scale @ matrix @ scale


def main():
    args = parse_args()
    members = pd.read_csv("data/members.csv")
    links = pd.read_csv("data/links.csv")
    train, test = pd.read_csv("data/train.csv"), pd.read_csv("data/test.csv")
    place = pd.Series(np.arange(len(members)), index=members["member"])

    matrix = adjacency(links, place)
    embedding = TruncatedSVD(n_components=args.n_components, random_state=0).fit_transform(matrix)
    profile = members.drop(columns="member")
    profile = profile.fillna(profile.median()).to_numpy()
    X = np.hstack([profile, embedding])

    model = make_pipeline(StandardScaler(), SVC(C=args.C, gamma=args.gamma))
    rows, y = place[train["member"]].to_numpy(), train["guild"]
    fit, check, y_fit, y_check = train_test_split(rows, y, test_size=0.25, random_state=0)
    model.fit(X[fit], y_fit)
    print(f"validation accuracy: {accuracy_score(y_check, model.predict(X[check])):.4f}")

    model.fit(X[rows], y)
    test["guild"] = model.predict(X[place[test["member"]].to_numpy()])
    test.to_csv("submission.csv", index=False)


if __name__ == "__main__":
    main()
