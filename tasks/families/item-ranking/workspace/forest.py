"""A random forest on coded columns and on the category, colour and price of what was seen."""

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

CONFIG = {
    "n_estimators": 60,
    "max_depth": 6,
    "min_samples_leaf": 4,
    "seed": 0,
}

items = pd.read_csv("data/items.csv").set_index("item")
visits = pd.read_csv("data/visits_train.csv")
test = pd.read_csv("data/visits_test.csv")


def codes(values, known):
    return pd.Categorical(values, categories=sorted(known.dropna().unique())).codes


def features(visits, known):
    out = pd.DataFrame(index=visits.index)
    for name in ("region", "device", "search"):
        out[name] = codes(visits[name], known[name])
    out["hour"] = visits["hour"]
    out["weekday"] = visits["weekday"]
    out["age"] = visits["age"].fillna(-1)
    out["budget"] = visits["budget"].fillna(-1)
    seen = visits["seen"].str.split(" ")
    out["seen"] = seen.str.len()
    last = items.loc[seen.str[-1]]
    out["last_category"] = codes(last["category"], items["category"])
    out["last_colour"] = codes(last["colour"], items["colour"])
    out["last_price"] = last["price"].to_numpy()
    for item in items.index:
        out[item] = [item in row for row in seen]
    return out


def make_forest():
    return RandomForestClassifier(
        n_estimators=CONFIG["n_estimators"],
        max_depth=CONFIG["max_depth"],
        min_samples_leaf=CONFIG["min_samples_leaf"],
        random_state=CONFIG["seed"],
    )


def first_five(forest, X):
    order = np.argsort(-forest.predict_proba(X), axis=1)[:, :5]
    return forest.classes_[order]


X, y = features(visits, visits), visits["item"].to_numpy()
X_train, X_valid, y_train, y_valid = train_test_split(X, y, test_size=0.25, random_state=CONFIG["seed"])
forest = make_forest().fit(X_train, y_train)
hits = first_five(forest, X_valid) == y_valid[:, None]
print(f"validation MAP@5: {np.sum(hits / np.arange(1, 6), axis=1).mean():.4f}")

forest = make_forest().fit(X, y)
test["item"] = [" ".join(row) for row in first_five(forest, features(test, visits))]
test[["visit", "item"]].to_csv("submission.csv", index=False)
