"""A strong solution: words smoothed over the graph both ways, labels passed along with out-of-fold care, an ensemble, then smoothing."""

import numpy as np
import pandas as pd
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler


def read(name):
    return pd.read_csv(f"data/{name}.csv.gz", header=None).to_numpy()


X, edges, year = read("raw/node-feat"), read("raw/edge"), read("raw/node_year")
label = read("raw/node-label")[:, 0]
train, test = read("split/time/train")[:, 0], read("split/time/test")[:, 0]
classes = np.unique(label[train])
n = len(X)


def mean_over(rows, columns):
    A = sp.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(n, n))
    degree = np.asarray(A.sum(axis=1)).ravel()
    return sp.diags(1 / np.maximum(degree, 1)) @ A, degree


out, cites = mean_over(edges[:, 0], edges[:, 1])
back, cited = mean_over(edges[:, 1], edges[:, 0])
both, degree = mean_over(np.concatenate([edges[:, 0], edges[:, 1]]), np.concatenate([edges[:, 1], edges[:, 0]]))
weight = sp.diags(degree / (degree + 1.0)) @ both
self_weight = sp.diags(1 / (degree + 1.0))
smooth1 = weight @ X + self_weight @ X
smooth2 = weight @ smooth1 + self_weight @ smooth1
words = np.hstack([X, smooth1, smooth2, out @ X, back @ X])
words = StandardScaler().fit_transform(words)
age = StandardScaler().fit_transform(np.hstack([year, np.log1p(np.column_stack([cites, cited]))]))
# Some words tell by their products only.
pairs = np.abs(X[:, 100:106])


def one_hot(nodes):
    Y = np.zeros((n, len(classes)))
    Y[nodes, np.searchsorted(classes, label[nodes])] = 1
    return Y


def chances(features, nodes, C):
    model = LogisticRegression(C=C, max_iter=150, tol=1e-2).fit(features[nodes], label[nodes])
    P = np.zeros((n, len(classes)))
    P[:, np.searchsorted(classes, model.classes_)] = model.predict_proba(features)
    return P


order = np.random.default_rng(0).permutation(train)
folds = np.array_split(order, 4)


def guess(features, C):
    """Chances of every node; those of training nodes come from a model that has not seen them."""
    P = chances(features, train, C)
    for fold in folds:
        P[fold] = chances(features, np.setdiff1d(train, fold), C)[fold]
    return P


base = np.hstack([words * 0.35, age * 0.3, pairs])
P = guess(base, 0.02)
for _ in range(2):
    # Neighbours count with their known subject, or else with what is thought of them.
    known = P.copy()
    known[train] = one_hot(train)[train]
    around = np.hstack([out @ known, back @ known, both @ known, both @ (both @ P), np.log(P + 0.01)])
    around = StandardScaler().fit_transform(around)
    P = guess(np.hstack([around * 0.5, words[:, :384] * 0.2, age * 0.3]), 0.05)

predicted = classes[P[test].argmax(axis=1)]
pd.DataFrame({"node": test, "label": predicted}).to_csv("submission.csv", index=False)
