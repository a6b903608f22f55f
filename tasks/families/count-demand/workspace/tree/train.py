"""A regression tree; its settings stand in config.yaml."""

import numpy as np
import pandas as pd
from sklearn.tree import DecisionTreeRegressor
from table import read

config = {}
for line in open("config.yaml"):
    if not line.startswith("#"):
        key, value = line.split(":")
        config[key] = float(value) if "." in value else int(value)


def new_tree():
    return DecisionTreeRegressor(
        max_depth=config["max_depth"],
        min_samples_leaf=config["min_samples_leaf"],
        ccp_alpha=config["ccp_alpha"],
        random_state=0,
    )


def rmsle(truth, predicted):
    return np.sqrt(np.mean((np.log1p(truth) - np.log1p(predicted)) ** 2))


train, X = read("train")
test, X_test = read("test")
X, X_test = X.fillna(X.mean()), X_test.fillna(X.mean())
demand = train["demand"].to_numpy()

held = np.random.RandomState(0).rand(len(X)) < config["valid_days"]
tree = new_tree().fit(X[~held], demand[~held])
print(f"validation RMSLE: {rmsle(demand[held], np.maximum(tree.predict(X[held]), 0)):.4f}")

tree = new_tree().fit(X, demand)
pd.DataFrame({"entry": test["entry"], "demand": np.maximum(tree.predict(X_test), 0)}).to_csv("submission.csv", index=False)
