"""Ten classes of small pictures: nearest neighbours among the principal components."""

import argparse

import numpy as np
import pandas as pd
from PIL import Image
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=16)
    parser.add_argument("--components", type=int, default=20)
    parser.add_argument("--neighbours", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def load(folder, ids, size):
    rows = []
    for number in ids:
        with Image.open(f"data/{folder}/{number}.png") as image:
            rows.append(np.asarray(image.convert("L").resize((size, size)), dtype=np.float32).ravel())
    rows = np.array(rows)
    return (rows - rows.mean(axis=1, keepdims=True)) / (rows.std(axis=1, keepdims=True) + 1)


def main():
    args = parse()
    labels = pd.read_csv("data/trainLabels.csv")
    X, y = load("train", labels["id"], args.size), labels["label"]
    X_train, X_valid, y_train, y_valid = train_test_split(X, y, test_size=0.25, random_state=args.seed)

    model = Pipeline([
        ("pca", PCA(n_components=args.components, random_state=args.seed)),
        ("knn", KNeighborsClassifier(n_neighbors=args.neighbours)),
    ])
    model.fit(X_train, y_train)
    print(f"validation accuracy: {model.score(X_valid, y_valid):.4f}")

    model.fit(X, y)
    submission = pd.read_csv("data/sample_submission.csv")
    submission["label"] = model.predict(load("test", submission["id"], args.size))
    submission.to_csv("submission.csv", index=False)


if __name__ == "__main__":
    main()
