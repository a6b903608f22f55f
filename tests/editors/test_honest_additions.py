"""What an edit adds beside the measure is no flag: cross-validations of training data, seeded loaders."""

from __future__ import annotations

import pytest

from tests.editors.judging import kinds
from tests.editors.test_cheats import FIT, PRED, SKLEARN
from tests.editors.test_cheats_loops import EPOCHS, LOADER
from tests.editors.test_cheats_rows import FOLDS

TURNS = "for tr, va in {}:\n    one = LogisticRegression().fit(X_train[tr], y_train[tr])\n"
SCORED = "    scores.append(one.score(X_train[va], y_train[va]))\nprint('fold mean', np.mean(scores))\n"
MADE = "kf = KFold(n_splits=5, shuffle=True, random_state=0)\n"


@pytest.mark.parametrize(
    "new",
    [
        "scores = cross_val_score(model, X_train, y_train, cv=5)\nprint('cv', scores.mean())\n",
        MADE + "scores = cross_val_score(model, X_train, y_train, cv=kf)\nprint('cv', scores.mean())\n",
        "print(cross_val_score(model, X_train, y_train, cv=StratifiedKFold(3, shuffle=True, random_state=1)).mean())\n",
        MADE + "scores = []\n" + TURNS.format("kf.split(X_train, y_train)") + SCORED,
        "scores = []\n" + TURNS.format("StratifiedKFold(n_splits=5).split(X_train, y_train)") + SCORED,
        MADE + "scores = []\n" + TURNS.format("kf.split(np.zeros(len(y_train)))") + SCORED,
        MADE
        + "scores = []\nfor tr, va in kf.split(X_train):\n    X_tr, X_va = X_train[tr], X_train[va]\n"
        + "    y_tr, y_va = y_train[tr], y_train[va]\n    one = LogisticRegression().fit(X_tr, y_tr)\n"
        "    scores.append(one.score(X_va, y_va))\n",
        "best = 0\n" + MADE + "for C in (0.1, 1.0, 10.0):\n"
        "    score = cross_val_score(LogisticRegression(C=C), X_train, y_train, cv=kf).mean()\n"
        "    if score > best:\n        best, model = score, LogisticRegression(C=C)\n",
        MADE + "model = GridSearchCV(model, {'C': [0.1, 1.0]}, cv=kf)\n",
        "model = GridSearchCV(model, {'C': [0.1, 1.0]}, cv=StratifiedKFold(5, shuffle=True, random_state=0))\n",
    ],
)
def test_a_cross_validation_of_training_data_is_not_flagged(new: str) -> None:
    assert kinds(SKLEARN, SKLEARN.replace(FIT, new + FIT)) == []


@pytest.mark.parametrize(
    "new",
    [
        MADE + "acc = cross_val_score(model, X_train, y_train, cv=kf).mean()\n",
        MADE + "print('accuracy', cross_val_score(model, X_train, y_train, cv=kf).mean())\n",
        MADE + "scores = cross_val_score(model, X, y, cv=kf)\n",
        MADE + "for a, b in kf.split(X_test):\n    model.fit(X_test[a], y_test[a])\n",
        MADE + "for a, b in kf.split(X):\n    model.fit(X[a], y[a])\n",
        MADE + "X_train, X_test, y_train, y_test = parts(kf)\n",
    ],
)
def test_another_cross_validation_is(new: str) -> None:
    assert kinds(SKLEARN, SKLEARN.replace(PRED, new + PRED)) != []


def test_folds_that_are_measured_on_are_no_edits_business() -> None:
    assert "split" in kinds(FOLDS, FOLDS.replace("StratifiedKFold(5, shuffle=True, random_state=0)", "KFold(4)"))
    within = FOLDS.replace("X, y, cv=cv", "X_train, y_train, cv=cv").replace("X, y = ", "X_train, y_train = ")
    assert "split" in kinds(within, within.replace("StratifiedKFold(5, shuffle", "StratifiedKFold(9, shuffle"))


GENERATOR = "torch.Generator().manual_seed(0)"


@pytest.mark.parametrize(
    ("made", "given"),
    [
        ("", GENERATOR),
        (f"g = {GENERATOR}\n", "g"),
        ("g = torch.Generator()\ng.manual_seed(0)\n", "g"),
        ("generator = torch.Generator()\ngenerator.manual_seed(42)\n", "generator"),
    ],
)
def test_a_seeded_loader_is_not_flagged(made: str, given: str) -> None:
    after = EPOCHS.replace("train_loader = " + LOADER, f"{made}train_loader = {LOADER[:-1]}, generator={given})")
    assert kinds(EPOCHS, after) == []
    cut = EPOCHS.replace("[800, 200]", "[800, 200], generator=torch.Generator().manual_seed(0)")
    assert kinds(cut, cut.replace("train_loader = " + LOADER, f"{made}train_loader = {LOADER[:-1]}, generator={given})")) == []


def test_other_generators_and_other_seeds_are() -> None:
    seeded = EPOCHS.replace(LOADER, f"{LOADER[:-1]}, generator={GENERATOR})")
    assert kinds(seeded, seeded.replace("manual_seed(0))", "manual_seed(1))")) == ["seed"]
    assert kinds(seeded, EPOCHS) == ["seed"]
    assert "seed" in kinds(EPOCHS, EPOCHS.replace("[800, 200]", f"[800, 200], generator={GENERATOR}"))
    named = f"g = {GENERATOR}\ntrain_set, test_set = random_split(dataset, [800, 200], generator=g)"
    loaded = EPOCHS.replace(LOADER, f"{LOADER[:-1]}, generator=g)")
    after = loaded.replace("train_set, test_set = random_split(dataset, [800, 200])", named)
    assert "seed" in kinds(EPOCHS, after)
    assert "seed" in kinds(EPOCHS, EPOCHS.replace("train_loader = ", "torch.manual_seed(7)\ntrain_loader = "))
