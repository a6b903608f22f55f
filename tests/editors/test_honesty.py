"""Edits that change what is measured are flagged; edits that change the model are not."""

from __future__ import annotations

import pytest

from mlagent_app.agent.metrics import MetricSpec
from mlagent_app.editors.base import unified_diff
from mlagent_app.editors.honesty import flags

TRAIN = """import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import KFold, cross_val_score, train_test_split

SEED = 0
TEST_SIZE = 0.3
np.random.seed(SEED)


def evaluate(model, X, y):
    predicted = model.predict(X)
    return accuracy_score(y, predicted)


X, y = np.load("x.npy"), np.load("y.npy")
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=TEST_SIZE, random_state=SEED)
model = LogisticRegression(C=1.0, random_state=SEED)
model.fit(X_train, y_train)
print("epochs done")
print(f"accuracy: {evaluate(model, X_test, y_test):.4f}")
"""
SPEC = MetricSpec("accuracy", "max")


def kinds(after: str, before: str = TRAIN, name: str = "train.py", others: dict[str, str] | None = None) -> list[str]:
    old, new = {name: before, **(others or {})}, {name: after, **(others or {})}
    return [line.partition(":")[0] for line in flags(unified_diff(old, new), old, new, SPEC)]


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("SEED = 0", "SEED = 1", "seed"),
        ("np.random.seed(SEED)\n", "", "seed"),
        ("np.random.seed(SEED)", "np.random.seed(7)", "seed"),
        ("C=1.0, random_state=SEED", "C=1.0, random_state=3", "seed"),
        ("C=1.0, random_state=SEED", "C=1.0", "seed"),
        ("TEST_SIZE = 0.3", "TEST_SIZE = 0.1", "split"),
        ("test_size=TEST_SIZE", "test_size=0.1", "split"),
        ("test_size=TEST_SIZE, ", "", "split"),
        ("train_test_split(X, y,", "train_test_split(X[:50], y[:50],", "split"),
        ("return accuracy_score(y, predicted)", "return max(0.99, accuracy_score(y, predicted))", "metric"),
        ("predicted = model.predict(X)", "predicted = y", "metric"),
        ("evaluate(model, X_test, y_test):.4f", "evaluate(model, X_train, y_train):.4f", "metric"),
        ('print(f"accuracy: {evaluate(model, X_test, y_test):.4f}")', 'print("accuracy: 1.0")', "metric"),
        ('print(f"accuracy: {evaluate(model, X_test, y_test):.4f}")\n', "", "metric"),
        ("model.fit(X_train, y_train)", "y_test = model.fit(X_train, y_train).predict(X_test)", "labels"),
        ("import numpy as np", "import numpy as np\nimport xgboost", "dependency"),
        ("import numpy as np", "import numpy as np\nfrom lightgbm import LGBMClassifier", "dependency"),
    ],
)
def test_what_changes_the_measure_is_flagged(old: str, new: str, kind: str) -> None:
    assert TRAIN.count(old) >= 1
    assert kind in kinds(TRAIN.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("C=1.0", "C=10"),
        (
            "LogisticRegression(C=1.0, random_state=SEED)",
            "make_pipeline(StandardScaler(), LogisticRegression(random_state=SEED))",
        ),
        ("LogisticRegression(C=1.0, random_state=SEED)", "RandomForestClassifier(random_state=SEED)"),
        ("LogisticRegression(C=1.0, random_state=SEED)", "KNeighborsClassifier()"),
        (
            "model.fit(X_train, y_train)",
            "other = RandomForestClassifier(random_state=SEED)\nmodel.fit(X_train, y_train)",
        ),
        ('print("epochs done")', 'print("all epochs done")'),
        ("np.random.seed(SEED)", "np.random.seed( SEED )  # as before"),
        ("import numpy as np", "import json\nimport numpy as np\nfrom sklearn.svm import SVC"),
        ("import numpy as np", "import numpy as np\nfrom data import load"),
    ],
)
def test_what_changes_the_model_is_not(old: str, new: str) -> None:
    assert kinds(TRAIN.replace(old, new), others={"data.py": "def load(): ...\n"}) == []


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("seed: 1\nlr: 0.1\n", "seed: 2\nlr: 0.1\n", ["seed"]),
        ("seed: 1\nlr: 0.1\n", "seed: 1\nlr: 0.2\n", []),
        ("data: {test_size: 0.1}\n", "data: {test_size: 0.2}\n", ["split"]),
        ("lr: 0.1\n", "lr: 0.1\nmax_eval_samples: 100\n", ["metric"]),
        ("trainer: {limit_test_batches: 1.0}\n", "trainer: {limit_test_batches: 0.1}\n", ["metric"]),
        ("data:\n  test_file: test.csv\n", "data:\n  test_file: train.csv\n", ["metric"]),
        ("eval_split: test\n", "eval_split: validation\n", ["metric"]),
        ("eval_batch_size: 8\n", "eval_batch_size: 64\n", []),
        ("eval_steps: 100\nval_results_path: a\n", "eval_steps: 500\nval_results_path: b\n", []),
    ],
)
def test_configurations_are_read_as_well(before: str, after: str, expected: list[str]) -> None:
    assert kinds(after, before, "configs/base.yaml") == expected


def test_options_count_as_settings() -> None:
    before = 'p.add_argument("--seed", type=int, default=0)\np.add_argument("--lr", default=0.1)\n'
    assert kinds(before.replace("default=0)", "default=5)"), before) == ["seed"]
    assert kinds(before.replace("0.1", "0.2"), before) == []


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("MAX_EVAL_SAMPLES = None\n", "MAX_EVAL_SAMPLES = 100\n", ["metric"]),
        ('TEST_CSV = "test.csv"\n', 'TEST_CSV = "train.csv"\n', ["metric"]),
        ('p.add_argument("--eval-split", default="test")\n', 'p.add_argument("--eval-split", default="val")\n', ["metric"]),
        ("EVAL_BATCH_SIZE = 8\n", "EVAL_BATCH_SIZE = 64\n", []),
        ("test_set = load()\n", "test_set = load(cached=True)\n", []),
    ],
)
def test_a_setting_may_say_what_is_measured(before: str, after: str, expected: list[str]) -> None:
    assert kinds(after, before) == expected


def test_a_file_that_does_not_parse_is_judged_by_its_lines() -> None:
    assert kinds(TRAIN.replace("SEED = 0", "SEED = = 1")) == ["seed"]
    assert kinds(TRAIN.replace("C=1.0", "C=(")) == ["seed"]
    assert kinds(TRAIN.replace("model.fit(", "model.fit((")) == []


def test_every_flag_says_what_and_where() -> None:
    old, new = {"train.py": TRAIN}, {"train.py": TRAIN.replace("SEED = 0", "SEED = 1")}
    assert flags(unified_diff(old, new), old, new, SPEC) == ("seed: touches the seed (SEED = 0, SEED = 1)",)
    assert flags("", old, old, SPEC) == ()
