"""The signals, made anew from the seed each time."""

from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split


def load(settings, seed):
    X, y = make_classification(
        n_samples=settings["samples"],
        n_features=settings["features"],
        n_informative=10,
        n_clusters_per_class=4,
        flip_y=settings["noise"],
        random_state=seed,
    )
    return train_test_split(X, y, test_size=settings["validation"], random_state=seed, stratify=y)
