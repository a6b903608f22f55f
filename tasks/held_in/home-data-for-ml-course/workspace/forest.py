"""House prices with a random forest on all columns, words as numbers."""

import argparse

import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

parser = argparse.ArgumentParser()
parser.add_argument("--trees", type=int, default=15)
parser.add_argument("--max-depth", type=int, default=5)
parser.add_argument("--max-features", type=float, default=0.2)
parser.add_argument("--seed", type=int, default=0)


def build_model(args, words, numbers):
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="constant", fill_value="none"),
                       OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)), words),
        (SimpleImputer(strategy="median"), numbers),
    )
    forest = RandomForestRegressor(
        n_estimators=args.trees, max_depth=args.max_depth, max_features=args.max_features, random_state=args.seed
    )
    return make_pipeline(columns, forest)


def main():
    args = parser.parse_args()
    train = pd.read_csv("data/train.csv")
    test = pd.read_csv("data/test.csv")
    X, y = train.drop(columns=["Id", "SalePrice"]), train["SalePrice"]
    numbers = list(pd.concat([X, test[X.columns]]).select_dtypes("number").dropna(axis=1, how="all").columns)
    words = [name for name in X.columns if name not in numbers]
    X[words] = X[words].astype(object)
    test[words] = test[words].astype(object)
    X_train, X_valid, y_train, y_valid = train_test_split(X, y, test_size=0.25, random_state=args.seed)

    model = build_model(args, words, numbers).fit(X_train, y_train)
    print(f"validation mae: {mean_absolute_error(y_valid, model.predict(X_valid)):.1f}")

    model = build_model(args, words, numbers).fit(X, y)
    pd.DataFrame({"Id": test["Id"], "SalePrice": model.predict(test[X.columns])}).to_csv("submission.csv", index=False)


if __name__ == "__main__":
    main()
