"""A typical experiment script: options, data, features, model, report."""

import argparse
import json
import logging
import os
import time
from pathlib import Path

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

LOG = logging.getLogger(__name__)
OUTPUT_DIR = Path(os.environ.get("OUT", "/tmp"))
RANDOM_SEED = 2024
TEST_FRACTION = 0.25
CLIP_SIGMA = 3.0
USE_SCALER = True


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=("logreg", "forest", "gbm"), default="logreg")
    parser.add_argument("--c", type=float, default=0.01, help="inverse regularisation")
    parser.add_argument("--n-estimators", type=int, default=50)
    parser.add_argument("--max-depth", type=int, default=3)
    parser.add_argument("--learning-rate", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=RANDOM_SEED)
    parser.add_argument("--log-level", default="WARNING")
    return parser.parse_args([])


def load(seed):
    data = load_breast_cancer()
    return train_test_split(data.data, data.target, test_size=TEST_FRACTION, random_state=seed, stratify=data.target)


def clip(X, mean, std):
    """Values far out are pulled in."""
    low, high = mean - CLIP_SIGMA * std, mean + CLIP_SIGMA * std
    return np.clip(X, low, high)


def features(X_train, X_valid):
    mean, std = X_train.mean(axis=0), X_train.std(axis=0)
    X_train, X_valid = clip(X_train, mean, std), clip(X_valid, mean, std)
    if USE_SCALER:
        scaler = StandardScaler()
        X_train = scaler.fit_transform(X_train)
        X_valid = scaler.transform(X_valid)
    return X_train, X_valid


def build_model(args):
    if args.model == "logreg":
        return LogisticRegression(C=args.c, max_iter=500, random_state=args.seed)
    if args.model == "forest":
        return RandomForestClassifier(
            n_estimators=args.n_estimators,
            max_depth=args.max_depth,
            min_samples_leaf=5,
            random_state=args.seed,
            n_jobs=1,
        )
    return GradientBoostingClassifier(
        n_estimators=args.n_estimators,
        max_depth=args.max_depth,
        learning_rate=args.learning_rate,
        subsample=0.8,
        random_state=args.seed,
    )


def evaluate(model, X, y):
    predictions = model.predict(X)
    scores = model.predict_proba(X)[:, 1]
    return {
        "accuracy": accuracy_score(y, predictions),
        "f1": f1_score(y, predictions),
        "auc": roc_auc_score(y, scores),
    }


def main():
    args = parse_args()
    logging.basicConfig(level=args.log_level)
    X_train, X_valid, y_train, y_valid = load(args.seed)
    X_train, X_valid = features(X_train, X_valid)
    started = time.perf_counter()
    model = build_model(args)
    model.fit(X_train, y_train)
    LOG.info("fitted in %.2f s", time.perf_counter() - started)
    report = evaluate(model, X_valid, y_valid)
    print(json.dumps({name: round(value, 5) for name, value in report.items()}))
    print(f"val_auc: {report['auc']:.5f}")


if __name__ == "__main__":
    main()
