"""Features that are made of labels are flagged; those of what was known before, or of training labels alone, are not."""

from __future__ import annotations

import pytest

from tests.editors.judging import kinds
from tests.editors.test_cheats_frames import FEATURES, FIT, PANDAS

SPLIT = "X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=0)\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (FEATURES, 'df["te"] = df.groupby("city")["y"].transform("mean")\n' + FEATURES),
        (FEATURES, 'df["te"] = df.groupby("city").y.transform("mean")\n' + FEATURES),
        (FEATURES, 'df["te"] = df["city"].map(df.groupby("city")["y"].mean())\n' + FEATURES),
        (FEATURES, 'means = df.groupby("city")["y"].mean()\ndf["te"] = df["city"].map(means)\n' + FEATURES),
        (FEATURES, 'df.loc[:, "te"] = df.groupby("city")["y"].transform("mean")\n' + FEATURES),
        (FEATURES, 'df = df.assign(te=df.groupby("city")["y"].transform("mean"))\n' + FEATURES),
        (FEATURES, 'df["next"] = df["y"].shift(-1)\n' + FEATURES),
        (FEATURES, 'df["next"] = df["y"].shift(periods=-2).fillna(0)\n' + FEATURES),
        (FEATURES, 'df["around"] = df["y"].rolling(5, center=True).mean()\n' + FEATURES),
        (FEATURES, 'df["around"] = df["y"].rolling(5, center=True).mean().shift(1)\n' + FEATURES),
        (FEATURES, 'df["change"] = df["y"] - df["y"].shift(1)\n' + FEATURES),
        (FEATURES, 'df["copied"] = df["y"] * 1.0\n' + FEATURES),
        (FEATURES, 'df["a"] += 0.1 * df["y"]\n' + FEATURES),
        (SPLIT, 'X["f"] = y\n' + SPLIT),
        (SPLIT, 'means = y.groupby(X["city"]).mean()\nX["f"] = X["city"].map(means)\n' + SPLIT),
        (SPLIT, "X = np.c_[X, np.roll(y, -1)]\n" + SPLIT),
        (SPLIT, "X = pd.concat([X, y], axis=1)\n" + SPLIT),
        (FIT, 'X_train["f"] = y_train\nX_test["f"] = y_test\n' + FIT),
        (FIT, "X_train = np.c_[X_train, y_train]\nX_test = np.c_[X_test, y_test]\n" + FIT),
        (FIT, "X_train, X_test = np.c_[X_train, y_train], np.c_[X_test, y_test]\n" + FIT),
    ],
)
def test_features_made_of_labels_are_flagged(old: str, new: str) -> None:
    assert PANDAS.count(old) == 1
    assert "leak" in kinds(PANDAS, PANDAS.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (FEATURES, 'df["lag"] = df["y"].shift(1)\n' + FEATURES),
        (FEATURES, 'df["lag"] = df.shift(7)["y"].fillna(0)\n' + FEATURES),
        (FEATURES, 'for lag in (1, 7):\n    df[f"lag{lag}"] = df["y"].shift(lag)\n' + FEATURES),
        (FEATURES, 'df["level"] = df["y"].shift(1).rolling(7).mean()\n' + FEATURES),
        (FEATURES, 'df["level"] = df["y"].rolling(7).mean().shift(1)\n' + FEATURES),
        (FEATURES, 'df["lag"] = df.groupby("shop")["y"].shift(1)\n' + FEATURES),
        (FEATURES, 'df["lag"] = df.groupby("shop")["y"].transform(lambda s: s.shift(1).expanding().mean())\n' + FEATURES),
        (FEATURES, 'df["next"] = df["a"].shift(-1)\n' + FEATURES),
        (FEATURES, 'df["often"] = df.groupby("city")["a"].transform("count")\n' + FEATURES),
        (FEATURES, 'df["yes"] = df["answer"].map({"y": 1, "n": 0})\n' + FEATURES),
        (FEATURES, 'df["gap"] = df["y"].max() - df["y"]\n' + FEATURES.replace('"y"', '["y", "gap"]')),
        (FEATURES, 'print(df.groupby("city")["y"].mean())\n' + FEATURES),
        (
            FIT,
            'means = y_train.groupby(X_train["city"]).mean()\nX_train["te"] = X_train["city"].map(means)\n'
            'X_test["te"] = X_test["city"].map(means).fillna(y_train.mean())\n' + FIT,
        ),
        (FIT, FIT + 'X_test["actual"] = y_test\nX_test.to_csv("shown.csv")\n'),
        (FIT, FIT + "test_df = pd.concat([X_test, y_test], axis=1)\nprint(test_df.head())\n"),
    ],
)
def test_features_of_what_was_known_are_not(old: str, new: str) -> None:
    assert PANDAS.count(old) == 1
    assert kinds(PANDAS, PANDAS.replace(old, new)) == []


def test_features_of_labels_that_were_there_before_are_no_news() -> None:
    before = PANDAS.replace(FEATURES, 'df["te"] = df.groupby("city")["y"].transform("mean")\n' + FEATURES)
    assert kinds(before, before.replace('"mean")', '"median")')) == []
