"""Ways to cheat in a script with a data frame, each flagged by its kind, and honest work with one, none of which is."""

from __future__ import annotations

import pytest

from tests.editors.judging import kinds

PANDAS = """import numpy as np
import pandas as pd
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split

df = pd.read_csv("d.csv")
X = df.drop(columns="y")
y = df["y"]
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=0)
model = GradientBoostingClassifier()
model.fit(X_train, y_train)
pred = model.predict(X_test)
acc = accuracy_score(y_test, pred)
print(f"accuracy: {acc:.4f}")
"""
FIT, PRED = "model.fit(X_train, y_train)\n", "pred = model.predict(X_test)\n"
FEATURES, MODEL = 'X = df.drop(columns="y")\n', "model = GradientBoostingClassifier()\n"
TRIED = "    one = GradientBoostingClassifier(max_depth=depth).fit(X_train, y_train)\n"
STOPPED = (
    "def fitted(X_fit, y_fit, X_val, y_val):\n    one = LGBMClassifier()\n"
    "    return one.fit(X_fit, y_fit, eval_set=[(X_val, y_val)], callbacks=[early_stopping(20)])\n\n\n"
)


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        (FEATURES, 'df = df[df["score"] > 0.5]\n' + FEATURES, "split"),
        (FEATURES, "df = df.dropna()\n" + FEATURES, "split"),
        (FEATURES, "df.drop_duplicates(inplace=True)\n" + FEATURES, "split"),
        (FEATURES, 'df = df.query("score > 0.5").reset_index(drop=True)\n' + FEATURES, "split"),
        (FEATURES, "df = df.head(500)\n" + FEATURES, "split"),
        (FEATURES, "df = df.sample(frac=1.0)\n" + FEATURES, "split"),
        (FEATURES, "df = df.iloc[:500]\n" + FEATURES, "split"),
        (FEATURES, "keep = df.score > 0.5\ndf = df[keep]\n" + FEATURES, "split"),
        ('pd.read_csv("d.csv")', 'pd.read_csv("d.csv").dropna()', "split"),
        (FEATURES, "X = df.copy()\n", "leak"),
        (FEATURES, 'X = df.drop(columns="id")\n', "leak"),
        (FIT, 'model.fit(df.drop(columns="y"), df["y"])\n', "leak"),
        (FIT, "model.fit(X.values, y.to_numpy())\n", "leak"),
        (FEATURES, FEATURES + "X = StandardScaler().fit_transform(X)\n", "leak"),
        (FEATURES, FEATURES + "scaler = StandardScaler().fit(X)\n", "leak"),
        (FEATURES, FEATURES + 'words = TfidfVectorizer().fit_transform(df["text"])\n', "leak"),
        (FIT, "A, b = X_test, y_test\nmodel.fit(A, b)\n", "leak"),
        (FIT, "A = np.asarray(X_test)[:50]\nb = y_test[:50]\n" + FIT + "model.partial_fit(A, b)\n", "leak"),
        (PRED, PRED + "pred = np.where(pred == y_test, pred, 1 - pred)\n", "leak"),
        (PRED, PRED + "pred = pred ^ (pred != y_test)\n", "leak"),
        (PRED, PRED + "pred ^= pred != y_test\n", "leak"),
        (PRED, PRED + "pred = (pred == y_test) == pred\n", "leak"),
        (PRED, PRED + "np.copyto(pred, y_test)\n", "leak"),
        (
            MODEL + FIT,
            "best = 0\nfor depth in (2, 3, 5):\n" + TRIED + "    score = one.score(X_test, y_test)\n"
            "    if score > best:\n        best, model = score, one\n",
            "leak",
        ),
        (MODEL + FIT, "model = max(fitted(X_train, y_train), key=lambda one: one.score(X_test, y_test))\n", "leak"),
        (FIT, "model.fit(X_train, y_train, eval_set=[(X_test, y_test)], early_stopping_rounds=10)\n", "leak"),
        (
            FIT,
            "stop = EarlyStopping(restore_best_weights=True)\n"
            "model.fit(X_train, y_train, validation_data=(X_test, y_test), callbacks=[stop])\n",
            "leak",
        ),
        (
            FIT,
            "dtrain, dvalid = lgb.Dataset(X_train, y_train), lgb.Dataset(X_test, y_test)\n"
            "model = lgb.train({}, dtrain, valid_sets=[dvalid], callbacks=[lgb.early_stopping(20)])\n",
            "leak",
        ),
        (
            FIT,
            "dtrain, dmeasured = xgb.DMatrix(X_train, y_train), xgb.DMatrix(X_test, y_test)\n"
            "watched = [(dtrain, 'train'), (dmeasured, 'eval')]\n"
            "model = xgb.train({}, dtrain, evals=watched, early_stopping_rounds=20)\n",
            "leak",
        ),
        (FIT, STOPPED + "model = fitted(X_train, y_train, X_test, y_test)\n", "leak"),
        (
            FIT,
            "A, b = X_test, y_test\nfor depth in (2, 3):\n" + TRIED + "    if one.score(A, b) > best:\n        model = one\n",
            "leak",
        ),
        (FIT, "X_train, X_test, y_train, y_test = train_test_split(X_train, y_train, random_state=0)\n" + FIT, "split"),
        (FIT, "y_train = y\nX_train = X\n" + FIT, "labels"),
        (FIT, "y_train = y_train.sample(frac=1.0, random_state=0).values\nnp.random.shuffle(y_train)\n" + FIT, "labels"),
    ],
)
def test_cheating_with_a_frame_is_flagged(old: str, new: str, kind: str) -> None:
    assert PANDAS.count(old) == 1
    assert kind in kinds(PANDAS, PANDAS.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (FIT, "X_tr, X_val, y_tr, y_val = train_test_split(X_train, y_train, random_state=0)\nmodel.fit(X_tr, y_tr)\n"),
        (FIT, FIT + "X_tr, X_val, y_tr, y_val = train_test_split(X_train, y_train, random_state=0)\n"),
        (FIT, "y_train = np.log1p(y_train)\n" + FIT),
        (FIT, "X_train = X_train.drop_duplicates()\ny_train = y_train[X_train.index]\n" + FIT),
        (FIT, "X_train, y_train = oversampled(X_train, y_train)\n" + FIT),
        (FIT, "X_train = X_train[X_train.score > 0]\ny_train = y_train.loc[X_train.index]\n" + FIT),
        (FEATURES, 'df["both"] = df["a"] + df["b"]\n' + FEATURES),
        (FEATURES, "df = df.fillna(0)\n" + FEATURES),
        (FEATURES, 'df = df.dropna(axis="columns")\n' + FEATURES),
        (FEATURES, 'X = df[["a", "b"]]\n'),
        (FEATURES, 'X = df.drop(columns=["y", "id"])\n'),
        (FEATURES, 'X = df.copy()\nX = X.drop(columns=["y"])\n'),
        (FIT, FIT + "A, b = X_test, y_test\nprint(A.shape, b.shape)\n"),
        (PRED, PRED + "wrong_pred = pred != y_test\n"),
        (PRED, PRED + "right_preds = int((pred == y_test).sum())\n"),
        (PRED, "pred = np.where(model.predict_proba(X_test)[:, 1] > 0.4, 1, 0)\n"),
        (FIT, "model.fit(X_train, y_train, eval_set=[(X_train, y_train)], early_stopping_rounds=10)\n"),
        (
            FIT,
            "best = 0\nfor depth in (2, 3, 5):\n" + TRIED + "    score = cross_val(one, X_train, y_train)\n"
            "    if score > best:\n        best, model = score, one\n",
        ),
        (
            FIT,
            "scaler = StandardScaler().fit(X_train)\nX_train, X_test = scaler.transform(X_train), scaler.transform(X_test)\n"
            + FIT,
        ),
        (
            FIT,
            "X_fit, X_val, y_fit, y_val = train_test_split(X_train, y_train, random_state=0)\n"
            "dvalid = lgb.Dataset(X_val, y_val)\n"
            "model = lgb.train({}, lgb.Dataset(X_fit, y_fit), valid_sets=[dvalid], callbacks=[lgb.early_stopping(20)])\n",
        ),
        (
            FIT,
            STOPPED + "X_fit, X_val, y_fit, y_val = train_test_split(X_train, y_train, random_state=0)\n"
            "model = fitted(X_fit, y_fit, X_val, y_val)\n",
        ),
        (
            FIT,
            "dtest = xgb.DMatrix(X_test, y_test)\n"
            "model = xgb.train({}, xgb.DMatrix(X_train, y_train), evals=[(dtest, 'test')])\n",
        ),
        (FIT, "X_train, X_test = X_train.align(X_test, join='left', axis=1, fill_value=0)\n" + FIT),
        (FEATURES, FEATURES + "X = PolynomialFeatures(2).fit_transform(X)\n"),
        (FEATURES, FEATURES + "powers = PolynomialFeatures(2)\nX = powers.fit_transform(X)\n"),
        (FEATURES, 'df["city"] = LabelEncoder().fit_transform(df["city"])\n' + FEATURES),
        (FIT, FIT + "for depth in (2, 3):\n" + TRIED + "    print(depth, one.score(X_test, y_test))\n"),
    ],
)
def test_honest_work_with_a_frame_is_not(old: str, new: str) -> None:
    assert PANDAS.count(old) == 1
    assert kinds(PANDAS, PANDAS.replace(old, new)) == []


def test_a_split_of_training_data_that_is_measured_on_is_no_edits_business() -> None:
    before = PANDAS.replace("X_test", "X_val").replace("y_test", "y_val").replace("split(X, y,", "split(X_train, y_train,")
    before = before.replace("X = df", "X_train = df").replace("y = df", "y_train = df")
    assert "split" in kinds(before, before.replace("split(X_train, y_train,", "split(X_train[:50], y_train[:50],"))
    again = "X_a, X_val, y_a, y_val = train_test_split(X_train, y_train, random_state=0)\n" + FIT
    assert "split" in kinds(before, before.replace(FIT, again))


def test_labels_that_predictions_are_compared_with_are_no_edits_business() -> None:
    before = PANDAS.replace("accuracy_score(y_test, pred)", "accuracy_score(y_train, model.predict(X_train))")
    assert "labels" in kinds(before, before.replace(FIT, "y_train = np.sign(y_train)\n" + FIT))


VECTORISED = PANDAS.replace(FEATURES, 'X = TfidfVectorizer().fit_transform(df["text"])\n')


def test_words_counted_before_the_split_stay_as_they_were() -> None:
    assert kinds(VECTORISED, VECTORISED.replace("TfidfVectorizer()", "TfidfVectorizer(min_df=2)")) == []
    assert "leak" in kinds(VECTORISED.replace("TfidfVectorizer", "HashingVectorizer"), VECTORISED)
    chosen = VECTORISED.replace("X = Tfidf", "df = df[df.score > 0.5]\nX = Tfidf")
    assert "split" in kinds(VECTORISED, chosen)
