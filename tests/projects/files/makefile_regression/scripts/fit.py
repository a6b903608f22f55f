"""Fit the heating energy of houses and print the error on houses that were held out."""

import argparse

import numpy as np
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import train_test_split


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--trees", type=int, default=20)
    parser.add_argument("--learning-rate", type=float, default=0.05)
    parser.add_argument("--depth", type=int, default=2)
    parser.add_argument("--seed", type=int, default=5)
    return parser.parse_args()


def main():
    args = parse_args()
    table = np.genfromtxt(args.data, delimiter=",", skip_header=1)
    X, y = table[:, :-1], table[:, -1]
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.4, random_state=args.seed)

    model = GradientBoostingRegressor(
        n_estimators=args.trees,
        learning_rate=args.learning_rate,
        max_depth=args.depth,
        subsample=0.5,
        random_state=args.seed,
    )
    model.fit(X_train, y_train)

    rmse = mean_squared_error(y_test, model.predict(X_test)) ** 0.5
    print(f"houses: {len(y_train)} to fit, {len(y_test)} held out")
    print(f"RMSE: {rmse:.3f}")


if __name__ == "__main__":
    main()
