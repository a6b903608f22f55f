#!/usr/bin/env python3
# -*- coding: utf-8 -*-
"""Digits: scale, reduce, classify."""

from __future__ import annotations

import sys

from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC


def build(n_components: int = 20, C: float = 1.0) -> Pipeline:
    """The whole model."""
    return Pipeline(
        [
            ("scale", StandardScaler()),
            ("reduce", PCA(n_components=n_components, random_state=0)),
            ("svc", SVC(C=C, gamma="scale")),
        ]
    )


def main(argv: list[str] | None = None) -> int:
    data = load_digits()
    X_tr, X_va, y_tr, y_va = train_test_split(
        data.data, data.target, test_size=0.25, random_state=42, stratify=data.target
    )
    model = build()
    model.fit(X_tr, y_tr)
    score = f1_score(y_va, model.predict(X_va), average="macro")
    print("f1: %.5f" % score)
    return 0


if __name__ == "__main__":
    sys.exit(main())
