"""Rows left out, and fits on all rows, wherever the data is split: by slices, by a cross-validation, in another function."""

from __future__ import annotations

import pytest

from tests.editors.judging import kinds
from tests.editors.test_cheats_frames import FEATURES, FIT, PANDAS, PRED

SLICES = """import numpy as np
from sklearn.linear_model import LogisticRegression
X, y = np.load("X.npy"), np.load("y.npy")
n = int(0.8 * len(X))
X_train, X_test = X[:n], X[n:]
y_train, y_test = y[:n], y[n:]
model = LogisticRegression()
model.fit(X_train, y_train)
print(f"accuracy: {model.score(X_test, y_test):.4f}")
"""
FOLDS = """import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
X, y = np.load("X.npy"), np.load("y.npy")
model = LogisticRegression(C=1.0)
cv = StratifiedKFold(5, shuffle=True, random_state=0)
scores = cross_val_score(model, X, y, cv=cv)
print(f"accuracy: {scores.mean():.4f}")
"""
TURNS = """import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
X, y = np.load("X.npy"), np.load("y.npy")
scores = []
for train, test in StratifiedKFold(5).split(X, y):
    X_train, X_test = X[train], X[test]
    model = LogisticRegression().fit(X_train, y[train])
    scores.append(model.score(X_test, y[test]))
print(f"accuracy: {np.mean(scores):.4f}")
"""
LOADED = """import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split


def load_data(path):
    df = pd.read_csv(path)
    return df.drop(columns=["y"]), df["y"]


def main():
    X, y = load_data("d.csv")
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=0)
    model = RandomForestClassifier(random_state=0)
    model.fit(X_train, y_train)
    print(f"accuracy: {model.score(X_test, y_test):.4f}")


main()
"""
READ = "    df = pd.read_csv(path)\n"
RESULT = '    return df.drop(columns=["y"]), df["y"]\n'


@pytest.mark.parametrize("before", [SLICES, FOLDS, TURNS], ids=["slices", "folds", "turns"])
@pytest.mark.parametrize(
    ("new", "kind"),
    [
        ("X = X[X[:, 0] > 0]\n", "split"),
        ("close = np.abs(X).max(1) < 3\nX, y = X[close], y[close]\n", "split"),
        ("rows = np.where(y != 3)[0]\nX, y = X[rows], y[rows]\n", "split"),
        ("order = np.random.permutation(len(X))\nX, y = X[order], y[order]\n", "split"),
        ("X = StandardScaler().fit_transform(X)\n", "leak"),
        ("scaler = StandardScaler().fit(X)\nX = scaler.transform(X)\n", "leak"),
        ("X = SelectKBest(k=10).fit_transform(X, y)\n", "leak"),
        ("X, y = SMOTE(random_state=0).fit_resample(X, y)\n", "leak"),
    ],
)
def test_rows_and_fits_before_any_kind_of_split_are_flagged(before: str, new: str, kind: str) -> None:
    load = 'X, y = np.load("X.npy"), np.load("y.npy")\n'
    after = before.replace(load, load + new)
    assert kind in kinds(before, after)
    assert kinds(after, after.replace("LogisticRegression(", "RidgeClassifier(")) == []


def test_training_data_made_of_all_data_is_flagged() -> None:
    boosted = SLICES.replace("model = ", "dtrain = xgb.DMatrix(X_train, label=y_train)\nmodel = ")
    assert "leak" in kinds(boosted, boosted.replace("xgb.DMatrix(X_train, label=y_train)", "xgb.DMatrix(X, label=y)"))


@pytest.mark.parametrize("new", ["model.fit(X, y)\n", "final = LogisticRegression().fit(X, y)\n"])
def test_a_model_for_use_is_fitted_on_all_data_after_a_cross_validation(new: str) -> None:
    assert kinds(FOLDS, FOLDS.replace("print(", new + "print(")) == []
    assert kinds(TURNS, TURNS.replace("print(", new + "print(")) == []
    assert "leak" in kinds(SLICES, SLICES.replace("print(", new + "print("))


@pytest.mark.parametrize(
    ("before", "old", "new"),
    [
        (FOLDS, "LogisticRegression(C=1.0)", "make_pipeline(StandardScaler(), SelectKBest(k=10), LogisticRegression(C=1.0))"),
        (FOLDS, "model = Log", "X = np.c_[X, X[:, 0] / (1 + X[:, 1])]\nmodel = Log"),
        (FOLDS, "model = Log", "X = X[:, X.var(0) > 0]\nmodel = Log"),
        (SLICES, "model.fit(", "scaler = StandardScaler().fit(X_train)\nmodel.fit("),
        (SLICES, "model.fit(", "few = X_train[:, 0] < 3\nX_train, y_train = X_train[few], y_train[few]\nmodel.fit("),
        (SLICES, "n = int", "X = X.astype(float)\nn = int"),
        (TURNS, "    model =", "    X_train, X_test = scaled(X_train, X_test)\n    model ="),
        (LOADED, RESULT, '    df["ratio"] = df["a"] / (df["b"] + 1)\n' + RESULT),
        (LOADED, RESULT, '    X = pd.get_dummies(df.drop(columns=["y"]))\n    return X, df["y"]\n'),
    ],
)
def test_honest_work_beside_any_kind_of_split_is_not(before: str, old: str, new: str) -> None:
    assert before.count(old) == 1
    assert kinds(before, before.replace(old, new)) == []


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        (READ, READ + "    df = df.dropna()\n", "split"),
        (READ, READ.replace("\n", ".drop_duplicates()\n"), "split"),
        (READ, READ + '    df = df[df["y"] < 3]\n', "split"),
        (RESULT, '    df["te"] = df.groupby("city")["y"].transform("mean")\n' + RESULT, "leak"),
        (RESULT, '    X = df.drop(columns=["y"])\n    X = StandardScaler().fit_transform(X)\n    return X, df["y"]\n', "leak"),
    ],
)
def test_what_a_function_does_to_all_rows_is_flagged(old: str, new: str, kind: str) -> None:
    assert LOADED.count(old) == 1
    after = LOADED.replace(old, new)
    assert kind in kinds(LOADED, after)
    assert kinds(after, after.replace("ForestClassifier(", "ForestClassifier(n_estimators=300, ")) == []


@pytest.mark.parametrize(
    "new",
    [
        'df = df.drop(df[df["a"] > 3].index)\n',
        'df.drop(df[df["a"] > 3].index, inplace=True)\n',
        'df = df.drop(index=df.index[df["a"] > 3])\n',
        'df = df.groupby("y").filter(lambda rows: len(rows) > 50)\n',
        'common = df["y"].map(df["y"].value_counts()) > 50\ndf = df[common]\n',
        'common = df["city"].isin(["a", "b"])\ndf = df.loc[common]\n',
    ],
)
def test_rows_dropped_in_other_ways_are_flagged(new: str) -> None:
    assert "split" in kinds(PANDAS, PANDAS.replace(FEATURES, new + FEATURES))


@pytest.mark.parametrize(
    "new",
    [
        'df = df.drop(columns=["id"])\n',
        'df = df.drop(["id"], axis=1)\n',
        'df = df.drop("id", axis="columns")\n',
        'df = df.filter(["a", "b", "y"])\n',
        'high = df["a"] > 3\ndf["high"] = high\n',
        "numbers = df.columns[df.dtypes != object]\ndf = df[[*numbers]]\n",
        "filled = df.notna().mean() > 0.5\ndf = df.loc[:, filled]\n",
    ],
)
def test_columns_dropped_are_not(new: str) -> None:
    assert kinds(PANDAS, PANDAS.replace(FEATURES, new + FEATURES)) == []


@pytest.mark.parametrize(
    "new",
    [
        "best = max((1, 5), key=lambda n: cross_val_score(made(n), X_train, y_train, cv=5).mean())\n" + FIT,
        "scores = cross_val_score(model, X_train, y_train)\nprint('folds', scores)\n" + FIT,
        "oof = cross_val_predict(model, X_train, y_train, cv=5)\nX_train = X_train[oof == y_train]\n" + FIT,
        "known = cross_val_predict(model, X=X_train.values, y=y_train)\n" + FIT,
    ],
)
def test_a_cross_validation_of_training_data_is_not(new: str) -> None:
    assert kinds(PANDAS, PANDAS.replace(FIT, new)) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (PRED, "scores = cross_val_score(model, X, y)\n" + PRED),
        (PRED, "pred = cross_val_predict(model, X_test, y_test)\n"),
        ("acc = accuracy_score(y_test, pred)\n", "acc = cross_val_score(model, X_train, y_train).mean()\n"),
    ],
)
def test_a_cross_validation_of_other_data_or_for_the_metric_is_flagged(old: str, new: str) -> None:
    assert "metric" in kinds(PANDAS, PANDAS.replace(old, new))


def test_a_cross_validation_of_training_data_may_be_the_metric() -> None:
    before = FOLDS.replace("X, y", "X_train, y_train")
    assert "metric" in kinds(before, before.replace("cv=cv)", "cv=cv, scoring='roc_auc')"))
    assert "metric" in kinds(before, before.replace("X_train, y_train, cv=cv)", "X_train[:50], y_train[:50], cv=cv)"))
    assert kinds(before, before.replace("cv=cv)", "cv=cv, n_jobs=-1)")) == []
    gathered = before.replace("scores = cross", "scores = []\nscores.append(cross").replace("cv=cv)", "cv=cv))")
    gathered = gathered.replace("scores.mean()", "np.mean(scores)")
    assert "metric" in kinds(gathered, gathered.replace("cv=cv)", "cv=cv, scoring='roc_auc')"))
