"""Several models in place of one, columns beside the inputs, and targets transformed."""

from __future__ import annotations

import pytest

from tests.editors.corpus import after, instructions, printed_by

DATA = "import numpy as np\nX = np.random.RandomState(0).rand(90, 4)\n"
CLASSES = (
    f"{DATA}from sklearn.linear_model import LogisticRegression\ny = (X[:, 0] * X[:, 1] > 0.2).astype(int)\n"
    "model = LogisticRegression(random_state=7)\nmodel.fit(X, y)\nprint('score:', model.score(X, y))\n"
)
NUMBERS = (
    f"{DATA}from sklearn.linear_model import Ridge\ny = X[:, 0] * X[:, 1]\n"
    "model = Ridge(alpha=0.1)\nmodel.fit(X, y)\nprint('score:', model.score(X, y))\n"
)


@pytest.mark.parametrize(
    ("text", "instruction", "line"),
    [
        (
            CLASSES,
            "stack with SVC",
            'model = StackingClassifier([("first", LogisticRegression(random_state=7)), '
            '("second", SVC(random_state=7))], cv=3)',
        ),
        (
            NUMBERS,
            "stack with SVR",
            'model = StackingRegressor([("first", Ridge(alpha=0.1)), ("second", SVR())], cv=3)',
        ),
        (
            CLASSES,
            "add KMeans beside the inputs",
            'model = make_pipeline(make_union("passthrough", KMeans(n_clusters=16, n_init=1, random_state=7)), '
            "LogisticRegression(random_state=7))",
        ),
        (
            NUMBERS,
            "add PCA beside the inputs",
            'model = make_pipeline(make_union("passthrough", PCA(n_components=0.9)), Ridge(alpha=0.1))',
        ),
        (
            NUMBERS,
            "add Nystroem before the model",
            "model = make_pipeline(Nystroem(n_components=200, random_state=0), Ridge(alpha=0.1))",
        ),
        (
            NUMBERS,
            "fit a normal score of the target",
            "model = TransformedTargetRegressor(Ridge(alpha=0.1), "
            'transformer=QuantileTransformer(n_quantiles=100, output_distribution="normal"))',
        ),
    ],
)
def test_the_model_is_wrapped_and_runs(text: str, instruction: str, line: str) -> None:
    pytest.importorskip("sklearn")
    quoted = line.replace('"', "'")
    changed = after(instruction, text)
    assert quoted in changed.split("\n")
    assert printed_by(changed).startswith("score: ")


@pytest.mark.parametrize(
    ("first", "then", "line"),
    [
        (
            "stack with SVC",
            "stack with ExtraTreesClassifier",
            'model = StackingClassifier([("first", LogisticRegression(random_state=7)), ("second", SVC(random_state=7)), '
            '("third", ExtraTreesClassifier(n_estimators=200, random_state=7))], cv=3)',
        ),
        (
            "vote with ExtraTreesClassifier",
            "vote with KNeighborsClassifier",
            'model = VotingClassifier([("first", LogisticRegression(random_state=7)), ("second", '
            'ExtraTreesClassifier(n_estimators=200, random_state=7)), ("third", KNeighborsClassifier())], voting="soft")',
        ),
        (
            "stack with SVC",
            "replace SVC with KNeighborsClassifier",
            'model = StackingClassifier([("first", LogisticRegression(random_state=7)), '
            '("second", KNeighborsClassifier())], cv=3)',
        ),
        (
            "bag the model",
            "replace LogisticRegression with KNeighborsClassifier",
            "model = BaggingClassifier(KNeighborsClassifier(), n_estimators=10, random_state=7)",
        ),
        (
            "stack with SVC",
            "add StandardScaler before the model",
            'model = make_pipeline(StandardScaler(), StackingClassifier([("first", LogisticRegression(random_state=7)), '
            '("second", SVC(random_state=7))], cv=3))',
        ),
    ],
)
def test_an_ensemble_is_no_end(first: str, then: str, line: str) -> None:
    """What could be done to its members alone can be done to them in it."""
    pytest.importorskip("sklearn")
    changed = after(then, after(first, CLASSES))
    assert line.replace('"', "'") in changed.split("\n")
    assert printed_by(changed).startswith("score: ")


@pytest.mark.parametrize(
    ("voting", "offered"), [(", voting='soft'", False), (", voting=how", False), ("", True), (", voting='hard'", True)]
)
def test_an_average_of_chances_takes_models_that_have_them(voting: str, offered: bool) -> None:
    text = (
        "from sklearn.ensemble import VotingClassifier\nfrom sklearn.linear_model import LogisticRegression\n"
        "from sklearn.naive_bayes import GaussianNB\n"
        f"m = VotingClassifier([('a', LogisticRegression()), ('b', GaussianNB())]{voting})\n"
        "m.fit(X, y)\n"
    )
    found = instructions(text)
    assert ("vote with SVC" in found, "replace GaussianNB with SVC" in found) == (offered, offered)
    assert "vote with ExtraTreesClassifier" in found


@pytest.mark.parametrize("weights", [", weights=[1, 2]", ", weights=w"])
def test_a_weighed_average_keeps_its_members(weights: str) -> None:
    text = (
        "from sklearn.ensemble import VotingRegressor\nfrom sklearn.linear_model import Lasso, Ridge\n"
        f"m = VotingRegressor([('a', Ridge()), ('b', Lasso())]{weights})\nm.fit(X, y)\n"
    )
    assert not [item for item in instructions(text) if item.startswith("vote ")]


def test_a_class_that_projects_is_not_the_model() -> None:
    """Linear discriminants are a classifier; as a step before another one they are what goes, not what is replaced."""
    pytest.importorskip("sklearn")
    text = after("add LinearDiscriminantAnalysis before the model", CLASSES)
    assert printed_by(text).startswith("score: ")
    offered = instructions(text)
    assert not [item for item in offered if item.startswith("replace LinearDiscriminantAnalysis") or "#" in item]
    assert "remove LinearDiscriminantAnalysis" in offered
    assert "replace LogisticRegression with SVC" in offered


def test_a_model_at_the_end_of_its_pipeline_is_the_model() -> None:
    text = (
        "from sklearn.discriminant_analysis import LinearDiscriminantAnalysis\nfrom sklearn.pipeline import Pipeline\n"
        "from sklearn.preprocessing import StandardScaler\n"
        "m = Pipeline(steps=[('scale', StandardScaler()), ('lda', LinearDiscriminantAnalysis())])\nm.fit(X, y)\n"
    )
    assert "replace LinearDiscriminantAnalysis with SVC" in instructions(text)
    assert "remove LinearDiscriminantAnalysis" not in instructions(text)


@pytest.mark.parametrize(
    ("model", "offered"),
    [("Ridge()", False), ("Ridge(fit_intercept=False)", True), ("KNeighborsRegressor()", False), ("SVR()", True)],
)
def test_a_target_is_standardised_where_that_changes_anything(model: str, offered: bool) -> None:
    text = (
        "from sklearn.linear_model import Ridge\nfrom sklearn.neighbors import KNeighborsRegressor\n"
        f"from sklearn.svm import SVR\nm = {model}\nm.fit(X, y)\nprint(m.score(X, y))\n"
    )
    assert ("standardise the target" in instructions(text)) == offered
