"""Edits that let the data choose: a grid search around a model, character n-grams beside words."""

from __future__ import annotations

import pytest

from mlagent_app.editors.catalogue import Catalogue, NoSuchEdit
from mlagent_app.editors.catalogue.sklearn_models import MODELS
from mlagent_app.editors.catalogue.tuning import GRIDS
from tests.editors.corpus import after, instructions, printed_by

HEAD = "from sklearn.linear_model import LogisticRegression, Ridge\nfrom sklearn.model_selection import GridSearchCV\n"
TUNE = "tune C of LogisticRegression"


def script_of(name: str) -> str:
    """A script that fits the model on small data that suits all, and prints its score."""
    model = MODELS[name]
    target = "(X[:, 0] > 5).astype(int)" if model.task == "classification" else "X[:, 0] * 2.0"
    return (
        f"import numpy as np\nfrom {model.module} import {name}\n"
        f"X = np.random.RandomState(0).randint(0, 10, (90, 4)).astype(float)\ny = {target}\n"
        f"model = {name}({model.arguments})\nmodel.fit(X, y)\nprint('score:', model.score(X, y))\n"
    )


@pytest.mark.parametrize("name", sorted(GRIDS))
def test_every_grid_is_one_that_its_model_takes(name: str) -> None:
    pytest.importorskip("sklearn")
    text = script_of(name)
    offered = [item for item in instructions(text) if item.startswith("tune ")]
    assert len(offered) == len(GRIDS[name])
    for item in offered:
        changed = after(item, text).replace("cv=3", "cv=3, error_score='raise'")
        assert "raise" in changed
        assert printed_by(changed).startswith("score: ")


@pytest.mark.parametrize(
    ("code", "scoring"),
    [
        ("print(log_loss(y, m.predict_proba(X)))", ', scoring="neg_log_loss"'),
        ("print(roc_auc_score(y, m.predict_proba(X)[:, 1]))", ', scoring="roc_auc"'),
        ("print(roc_auc_score(y, m.predict_proba(X), multi_class='ovr'))", ""),
        ("print(f1_score(y, m.predict(X)))", ', scoring="f1_macro"'),
        ("print(accuracy_score(y, m.predict(X)))", ""),
        # What a search prints as its score is what it chose by.
        ("print(f1_score(y, m.predict(X)))\nprint('accuracy:', m.score(X, y))", ""),
    ],
)
def test_a_search_chooses_by_the_measure_of_the_script(code: str, scoring: str) -> None:
    text = HEAD + (
        'from sklearn.metrics import accuracy_score, f1_score, log_loss, roc_auc_score\nname = "a" + "b"\n'
        f"m = LogisticRegression()\nm.fit(X, y)\n{code}\n"
    )
    search = f'm = GridSearchCV(LogisticRegression(), {{"C": [0.01, 0.1, 1, 10, 100]}}, cv=3{scoring})'
    assert search in after(TUNE, text).split("\n")


FOREST = (
    "from sklearn.ensemble import RandomForestClassifier\nfrom sklearn.model_selection import cross_val_predict\n"
    "m = RandomForestClassifier(class_weight='balanced_subsample', random_state=7)\nm.fit(X, y)\n"
)


def test_weights_of_classes_are_written_as_each_model_takes_them() -> None:
    words = {name: after(f"replace RandomForestClassifier with {name}", FOREST) for name in ("ExtraTreesClassifier", "SVC")}
    assert "class_weight='balanced_subsample', random_state=7)" in words["ExtraTreesClassifier"]
    assert "m = SVC(class_weight='balanced', random_state=7)" in words["SVC"]


def test_a_method_that_is_named_is_read_too() -> None:
    swap = "replace RandomForestClassifier with SVC"
    assert swap in instructions(FOREST)
    assert swap not in instructions(FOREST + "print(cross_val_predict(m, X, y, method='predict_proba'))\n")


def test_an_error_is_what_a_search_for_numbers_goes_by() -> None:
    measured = "from sklearn.metrics import mean_absolute_error\nmean_absolute_error(y, m.predict(X))\n"
    text = f"{HEAD}m = Ridge().fit(X, y)\n{measured}"
    assert 'cv=3, scoring="neg_mean_absolute_error").fit(X, y)' in after("tune alpha of Ridge", text).replace("'", '"')


def test_what_a_search_chooses_is_not_set_beside_it_and_the_rest_is() -> None:
    before = HEAD + "m = LogisticRegression(C=3, random_state=5)\nm.fit(X, y)\n"
    text = after(TUNE, before)
    left = instructions(text)
    assert not [item for item in left if item.startswith(("set C ", "tune ", "bag ", "calibrate "))]
    assert "set class_weight of LogisticRegression to balanced" in left
    # The same words as without a search, for what can be done with both.
    assert {item for item in left if item.startswith("replace ")} == {
        item for item in instructions(before) if item.startswith("replace ")
    }


@pytest.mark.parametrize(("more", "offered"), [("", False), ("print(N_NEIGHBORS)\n", True)])
def test_a_name_that_only_the_search_would_read_is_not_set(more: str, offered: bool) -> None:
    code = (
        "from sklearn.neighbors import KNeighborsClassifier\nN_NEIGHBORS = 5\n"
        f"m = KNeighborsClassifier(n_neighbors=N_NEIGHBORS)\nm.fit(X, y)\n{more}"
    )
    tuned = after("tune n_neighbors and weights of KNeighborsClassifier", code)
    assert any(item.startswith("set n_neighbors of") for item in instructions(code))
    assert any(item.startswith("set N_NEIGHBORS to") for item in instructions(tuned)) == offered


def test_another_model_takes_the_place_of_model_and_search() -> None:
    text = after(TUNE, HEAD + "m = LogisticRegression(C=3, random_state=5)\nm.fit(X, y)\n")
    changed = after("replace LogisticRegression with ExtraTreesClassifier", text)
    assert "m = ExtraTreesClassifier(n_estimators=200, random_state=5)" in changed.split("\n")
    voted = after("vote with ExtraTreesClassifier", text)
    assert '("first", GridSearchCV(LogisticRegression(C=3, random_state=5), {"C":' in voted
    assert "tune min_samples_leaf of ExtraTreesClassifier" in instructions(voted)


@pytest.mark.parametrize(
    "code",
    [
        "m = LogisticRegression()\nm.fit(X, y)\nprint(m.coef_)",
        "m = GridSearchCV(LogisticRegression(), {'C': [1, 2]})",
        "m = GridSearchCV(LogisticRegression(), {'C': [1, 2]})\nm.fit(X, y)\nprint(m.best_params_)",
        "m = GridSearchCV(make_pipeline(LogisticRegression()), {'logisticregression__C': [1, 2]})",
        "m = BaggingClassifier(LogisticRegression())",
        "base = LogisticRegression()\nm = CalibratedClassifierCV(base)",
        "m = LogisticRegression()\nm.fit(kernel('precomputed'), y)",
    ],
)
def test_no_search_where_it_would_fail_or_be_done_twice(code: str) -> None:
    assert TUNE not in instructions(f"{HEAD}{code}\n")


@pytest.mark.parametrize(
    "read", ["print(m.best_params_)", "print(m.cv_results_)", "joblib.dump(m.best_estimator_, 'model.joblib')"]
)
def test_a_search_that_is_read_stays(read: str) -> None:
    text = f"{HEAD}m = GridSearchCV(LogisticRegression(), {{'C': [1, 2]}})\nm.fit(X, y)\n{read}\n"
    assert not [item for item in instructions(text) if item.startswith(("replace LogisticRegression", "vote "))]


WORDS = """from sklearn.feature_extraction.text import TfidfVectorizer
vectoriser = TfidfVectorizer(min_df=1)
X = vectoriser.fit_transform(["good day", "bad day", "good days"])
print("score:", X.shape[1], vectoriser.transform(["day"]).shape[1])
"""


def test_character_ngrams_stand_beside_the_words() -> None:
    pytest.importorskip("sklearn")
    changed = after("add character n-grams", WORDS)
    line = (
        "vectoriser = make_union(TfidfVectorizer(min_df=1), "
        'TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=2, sublinear_tf=True))'
    )
    assert line in changed.split("\n")
    words, both = (int(printed_by(text).split()[1]) for text in (WORDS, changed))
    assert both > words
    assert "add character n-grams" not in instructions(changed)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("min_df=1", "analyzer='char'"),
        ("min_df=1", "vocabulary=known"),
        ("min_df=1", "**settings"),
        ("X.shape[1]", "len(vectoriser.vocabulary_)"),
        ("X.shape[1]", "vectoriser.get_feature_names_out()"),
    ],
)
def test_a_vectoriser_with_ways_of_its_own_is_left(old: str, new: str) -> None:
    text = WORDS.replace(old, new)
    assert "add character n-grams" not in instructions(text)
    with pytest.raises(NoSuchEdit):
        Catalogue().resolve("add character n-grams", {"train.py": text})
