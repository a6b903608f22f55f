"""`choose the model by cross-validation`: a search over kinds of models around the standing one."""

from __future__ import annotations

import pytest

from mlagent_app.editors.catalogue.sklearn_models import MODELS
from tests.editors.corpus import after, instructions, printed_by
from tests.editors.test_tuning import script_of

CHOOSE = "choose the model by cross-validation"
HEAD = (
    "from sklearn.ensemble import RandomForestClassifier\nfrom sklearn.linear_model import LogisticRegression\n"
    "from sklearn.model_selection import GridSearchCV\n"
)
FOREST = HEAD + "m = RandomForestClassifier(max_depth=2, random_state=7)\nm.fit(X, y)\n"
DIGITS = """from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
X, y = load_digits(return_X_y=True)
model = RandomForestClassifier(max_depth=2, random_state=7)
model.fit(X[:900], y[:900])
print("score:", model.score(X[900:], y[900:]))
"""


@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_model_can_be_one_of_those_to_choose_among(name: str) -> None:
    pytest.importorskip("sklearn")
    changed = after(CHOOSE, script_of(name)).replace("cv=2", "cv=2, error_score='raise'")
    assert "raise" in changed
    assert printed_by(changed).startswith("score: ")


def test_the_standing_model_keeps_its_place_and_the_others_its_seed() -> None:
    changed = after(CHOOSE, FOREST)
    assert changed[changed.index("m = ") :] == (
        """m = GridSearchCV(
    Pipeline([("model", RandomForestClassifier(max_depth=2, random_state=7))]),
    [{}, {"model": [
        ExtraTreesClassifier(n_estimators=100, random_state=7),
        make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, random_state=7)),
        make_pipeline(StandardScaler(), SVC(C=10, random_state=7)),
        make_pipeline(StandardScaler(), KNeighborsClassifier()),
    ]}],
    cv=2,
)
m.fit(X, y)
"""
    )


def test_what_suits_the_data_is_found() -> None:
    pytest.importorskip("sklearn")
    before, chosen = (float(printed_by(text).split()[1]) for text in (DIGITS, after(CHOOSE, DIGITS)))
    assert chosen > before + 0.1


def test_inputs_are_put_on_one_scale_once() -> None:
    text = FOREST.replace(
        "m = Random", "from sklearn.preprocessing import MinMaxScaler\nX = MinMaxScaler().fit_transform(X)\nm = Random"
    )
    assert "StandardScaler" not in after(CHOOSE, text)


def test_words_are_for_models_of_words() -> None:
    text = FOREST.replace(
        "m = R", "from sklearn.feature_extraction.text import TfidfVectorizer\nX = TfidfVectorizer().fit_transform(X)\nm = R"
    )
    changed = after(CHOOSE, text)
    assert (
        """        LinearSVC(random_state=7),
        LogisticRegression(C=10, max_iter=1000, random_state=7),
        ComplementNB(),
"""
        in changed
    )
    assert "StandardScaler" not in changed


def test_only_models_that_give_what_the_script_reads() -> None:
    changed = after(CHOOSE, FOREST + "print(m.predict_proba(X))\n")
    assert "SVC" not in changed
    assert "KNeighborsClassifier" in changed


def test_a_method_that_is_named_is_read_too() -> None:
    read = "from sklearn.model_selection import cross_val_predict\nprint(cross_val_predict(m, X, y, method='predict_proba'))\n"
    assert "SVC" not in after(CHOOSE, FOREST + read)


def test_weights_of_classes_are_written_as_each_model_takes_them() -> None:
    changed = after(CHOOSE, FOREST.replace("max_depth=2", "class_weight='balanced_subsample'"))
    assert "ExtraTreesClassifier(n_estimators=100, class_weight='balanced_subsample', random_state=7)" in changed
    assert "SVC(C=10, class_weight='balanced', random_state=7)" in changed


def test_the_measure_of_the_script_decides() -> None:
    text = FOREST + "from sklearn.metrics import balanced_accuracy_score\nprint(balanced_accuracy_score(y, m.predict(X)))\n"
    assert 'cv=2, scoring="balanced_accuracy",\n)' in after(CHOOSE, text)


def test_what_the_data_chooses_among_is_not_edited() -> None:
    left = instructions(after(CHOOSE, FOREST))
    assert CHOOSE not in left
    assert "vote with ExtraTreesClassifier" in left
    assert not [item for item in left if item.startswith(("set ", "tune ", "remove ", "bag ", "replace StandardScaler"))]


def test_another_model_takes_the_place_of_the_whole_or_votes_with_it() -> None:
    text = after(CHOOSE, FOREST)
    replaced = after("replace RandomForestClassifier with HistGradientBoostingClassifier", text)
    assert "m = HistGradientBoostingClassifier(random_state=7)" in replaced.split("\n")
    voted = after("vote with ExtraTreesClassifier", text)
    assert '("first", GridSearchCV(\n    Pipeline([("model", RandomForestClassifier(' in voted
    assert "voting=" not in voted  # a support vector machine may be chosen, which has no probabilities
    soft = after("vote with ExtraTreesClassifier", after(CHOOSE, FOREST + "print(m.predict_proba(X))\n"))
    assert 'voting="soft"' in soft


@pytest.mark.parametrize(
    "code",
    [
        "m = LogisticRegression()\nm.fit(X, y)\nprint(m.coef_)",
        "m = LogisticRegression()\nm.fit(X, y, sample_weight=w)",
        "m = GridSearchCV(LogisticRegression(), {'C': [1, 2]})\nm.fit(X, y)",
        "m = GridSearchCV(LogisticRegression(), {'C': [1, 2]})\nm.fit(X, y)\nprint(m.best_params_)",
        "m = LogisticRegression()\nm.fit(kernel('precomputed'), y)",
        "ms = [LogisticRegression(), LogisticRegression(), LogisticRegression(), LogisticRegression()]",
        "from sklearn.pipeline import Pipeline\n"
        "m = GridSearchCV(Pipeline([('model', LogisticRegression())]), {'model__C': [1, 2]})\nm.fit(X, y)",
    ],
)
def test_no_choice_where_one_is_made_already_or_the_model_is_read(code: str) -> None:
    assert CHOOSE not in instructions(f"{HEAD}{code}\n")
