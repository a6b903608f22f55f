"""Which classes are models, what each can do, and where a script's models stand."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from mlagent_app.editors.catalogue.following import keyword
from mlagent_app.editors.catalogue.places import place_of
from mlagent_app.editors.catalogue.source import Call, Source

Task = Literal["classification", "regression"]
SEARCH = "sklearn.model_selection.GridSearchCV"


@dataclass(frozen=True, slots=True)
class Model:
    """A model class: where it is imported from, the arguments it is introduced with, and its traits.

    Traits: `seed`, `jobs`, `balance` (takes random_state, n_jobs, class_weight), `weights` (fit takes sample_weight), `chance`
    (predict_proba), `margin` (decision_function), `coef` and `share` (has coef_, feature_importances_), `sparse` (takes sparse
    input), `scaled` (wants inputs on one scale), `linear`.
    """

    module: str
    task: Task
    traits: frozenset[str]
    arguments: str = ""


def _models(task: Task, *lines: str) -> dict[str, Model]:
    """`name | module | traits | arguments`, one a line."""
    found: dict[str, Model] = {}
    for line in lines:
        name, module, traits, arguments = (part.strip() for part in line.split("|"))
        found[name] = Model(f"sklearn.{module}", task, frozenset(traits.split()), arguments)
    return found


MODELS: dict[str, Model] = {
    **_models(
        "classification",
        "LogisticRegression | linear_model | seed jobs balance weights chance margin coef sparse scaled linear | max_iter=1000",
        "RidgeClassifier | linear_model | seed balance weights margin coef sparse scaled linear |",
        "SGDClassifier | linear_model | seed jobs balance weights chance margin coef sparse scaled linear | "
        'loss="modified_huber"',
        "Perceptron | linear_model | seed jobs balance weights margin coef sparse scaled linear |",
        "LinearSVC | svm | seed balance weights margin coef sparse scaled linear |",
        "SVC | svm | seed balance weights margin sparse scaled |",
        "KNeighborsClassifier | neighbors | jobs chance sparse scaled |",
        "GaussianNB | naive_bayes | weights chance |",
        "MultinomialNB | naive_bayes | weights chance sparse |",
        "ComplementNB | naive_bayes | weights chance sparse |",
        "BernoulliNB | naive_bayes | weights chance sparse |",
        "DecisionTreeClassifier | tree | seed balance weights chance share sparse |",
        "RandomForestClassifier | ensemble | seed jobs balance weights chance share sparse | n_estimators=200",
        "ExtraTreesClassifier | ensemble | seed jobs balance weights chance share sparse | n_estimators=200",
        "GradientBoostingClassifier | ensemble | seed weights chance margin share sparse |",
        "HistGradientBoostingClassifier | ensemble | seed balance weights chance margin |",
        "AdaBoostClassifier | ensemble | seed weights chance margin share sparse |",
        "MLPClassifier | neural_network | seed chance sparse scaled | max_iter=300",
        "LinearDiscriminantAnalysis | discriminant_analysis | chance margin coef linear |",
        "QuadraticDiscriminantAnalysis | discriminant_analysis | chance margin |",
    ),
    **_models(
        "regression",
        "LinearRegression | linear_model | jobs weights coef sparse linear |",
        "Ridge | linear_model | seed weights coef sparse scaled linear |",
        "Lasso | linear_model | seed weights coef sparse scaled linear | alpha=0.01",
        "ElasticNet | linear_model | seed weights coef sparse scaled linear | alpha=0.01",
        "HuberRegressor | linear_model | weights coef sparse scaled linear |",
        "SGDRegressor | linear_model | seed weights coef sparse scaled linear |",
        "SVR | svm | weights sparse scaled |",
        "LinearSVR | svm | seed weights coef sparse scaled linear |",
        "KNeighborsRegressor | neighbors | jobs sparse scaled |",
        "DecisionTreeRegressor | tree | seed weights share sparse |",
        "RandomForestRegressor | ensemble | seed jobs weights share sparse | n_estimators=200",
        "ExtraTreesRegressor | ensemble | seed jobs weights share sparse | n_estimators=200",
        "GradientBoostingRegressor | ensemble | seed weights share sparse |",
        "HistGradientBoostingRegressor | ensemble | seed weights |",
        "AdaBoostRegressor | ensemble | seed weights share sparse |",
        "MLPRegressor | neural_network | seed sparse scaled | max_iter=500",
        "KernelRidge | kernel_ridge | weights sparse scaled |",
    ),
}
# Models of other libraries are replaced and wrapped, not introduced.
_FOREIGN: dict[str, Task] = {
    "XGBClassifier": "classification",
    "XGBRegressor": "regression",
    "LGBMClassifier": "classification",
    "LGBMRegressor": "regression",
}
_FOREIGN_TRAITS = frozenset("seed jobs weights chance share sparse".split())
# Estimators around other estimators; only the outermost model of a nest is replaced or wrapped.
ENSEMBLES: dict[str, Task] = {
    "VotingClassifier": "classification",
    "StackingClassifier": "classification",
    "BaggingClassifier": "classification",
    "CalibratedClassifierCV": "classification",
    "OneVsRestClassifier": "classification",
    "OneVsOneClassifier": "classification",
    "VotingRegressor": "regression",
    "StackingRegressor": "regression",
    "BaggingRegressor": "regression",
    "TransformedTargetRegressor": "regression",
    "MultiOutputRegressor": "regression",
    "MultiOutputClassifier": "classification",
    "RegressorChain": "regression",
    "ClassifierChain": "classification",
}
# Those that fit each member once, on the data as it is.
_PLAIN_ENSEMBLES = frozenset({"VotingClassifier", "VotingRegressor", "TransformedTargetRegressor"})
# Those that can weigh the classes of each sample of rows by itself.
_BAGGED = frozenset({"RandomForestClassifier", "ExtraTreesClassifier"})
# Transformers that read the coefficients or importances of a model they are given.
_SELECTORS = frozenset("RFE RFECV SelectFromModel SequentialFeatureSelector IterativeImputer".split())
SCALERS = frozenset(
    "StandardScaler MinMaxScaler RobustScaler MaxAbsScaler QuantileTransformer PowerTransformer Normalizer".split()
)
_SPARSE_SOURCES = frozenset(
    "TfidfVectorizer CountVectorizer HashingVectorizer DictVectorizer FeatureHasher OneHotEncoder ColumnTransformer "
    "make_column_transformer TfidfTransformer".split()
)
_TEXT = frozenset({"TfidfVectorizer", "CountVectorizer", "HashingVectorizer", "TfidfTransformer"})
# What scripts read off a fitted model, and the trait that it takes.
_READS = {
    "predict_proba": "chance",
    "predict_log_proba": "chance",
    "decision_function": "margin",
    "coef_": "coef",
    "intercept_": "coef",
    "feature_importances_": "share",
}
# Fitted attributes that models share, or that belong to transformers and searches.
_HARMLESS = frozenset(
    "classes_ n_features_in_ feature_names_in_ best_params_ best_score_ best_estimator_ cv_results_ vocabulary_ idf_ "
    "components_ statistics_ explained_variance_ratio_ explained_variance_ mean_ scale_ var_ categories_ steps named_steps "
    "data_min_ data_max_".split()
)
_BLOCKING = frozenset(
    "partial_fit staged_predict staged_predict_proba staged_score kneighbors decision_path apply get_booster set_params "
    "get_params named_estimators booster_ evals_result save_model get_depth get_n_leaves".split()
)
# What a script reads off a search, which a model has not.
_OF_SEARCH = frozenset("best_params_ best_score_ best_estimator_ best_index_ cv_results_ n_splits_ refit_time_".split())
_BLOCKING_CALLS = frozenset("plot_tree export_text export_graphviz study.optimize".split())


@dataclass(frozen=True, slots=True)
class Standing:
    """A model call of a script, with what is known of its class.

    `call` is the whole that an edit replaces or wraps: the model, or the grid search around it. `own` is the model's own
    call, which has its seed and its jobs.
    """

    call: Call
    name: str
    task: Task
    traits: frozenset[str]
    known: bool
    own: Call

    @property
    def searched(self) -> bool:
        """Whether it is a grid search that stands there."""
        return self.own is not self.call


class Script:
    """What a script does with its scikit-learn models, as far as edits of whole models need to know."""

    def __init__(self, source: Source) -> None:
        self.source = source

    @cached_property
    def classes(self) -> frozenset[str]:
        """The short names of everything called."""
        return frozenset(call.short for call in self.source.calls)

    @cached_property
    def is_sparse(self) -> bool:
        """Whether the model's input may be a sparse matrix."""
        return bool(self.classes & _SPARSE_SOURCES)

    @cached_property
    def is_text(self) -> bool:
        return bool(self.classes & _TEXT)

    @cached_property
    def needs(self) -> frozenset[str]:
        """The traits that the script reads off its model."""
        read = {*self.source.attribute_names, *self._methods}
        needed = {trait for name, trait in _READS.items() if name in read}
        if "sample_weight" in self._fit_words:
            needed.add("weights")
        return frozenset(needed)

    @cached_property
    def _methods(self) -> frozenset[object]:
        """What is named as `method=`, as in `cross_val_predict(model, X, y, method="predict_proba")`."""
        named = (keyword(call.node, "method") for call in self.source.calls)
        return frozenset(node.value for node in named if isinstance(node, ast.Constant))

    @cached_property
    def _fit_words(self) -> frozenset[str]:
        """The keyword arguments of all calls of `fit`, `**` for those that are spread."""
        fits = [call for call in self.source.calls if call.short in ("fit", "fit_predict")]
        return frozenset(word.arg or "**" for call in fits for word in call.node.keywords) - {"X", "y"}

    @cached_property
    def is_open(self) -> bool:
        """Whether models can be exchanged at all: no search over named parameters, nothing that only one class knows."""
        read = self.source.attribute_names
        private = {n for n in read if n.endswith("_") and not n.startswith("_")} - _HARMLESS - _READS.keys()
        odd_fit = self._fit_words - {"sample_weight"}
        return not (private or self._is_searching or odd_fit or read & _BLOCKING or self.classes & _BLOCKING_CALLS)

    @cached_property
    def _is_searching(self) -> bool:
        """Whether a search names settings of a model that would have to stay, or the script reads what one has found."""
        searches = [call.node for call in self.source.calls if call.short.endswith(("SearchCV", "SearchCrossVal"))]
        known = all(node in self._searches for node in searches)
        return not known or self.source.imported("optuna") or bool(searches and self.source.attribute_names & _OF_SEARCH)

    @cached_property
    def can_wrap(self) -> bool:
        """Whether a model may also become part of a pipeline or an ensemble: nothing of its own is read or passed."""
        return self.is_open and not self.needs & {"coef", "share", "weights"}

    @cached_property
    def models(self) -> list[Standing]:
        """The outermost model calls, in the order of the text."""
        found: list[Standing] = []
        for call in self.source.calls:
            standing = self._searches.get(call.node) or _standing(call)
            if standing is not None and not self._is_inner(call):
                found.append(standing)
        return found

    @cached_property
    def _searches(self) -> dict[ast.Call, Standing]:
        """The grid searches over plain settings of one known model, as the catalogue writes them, by their calls."""
        found: dict[ast.Call, Standing] = {}
        for call in self.source.calls:
            model = self.source.call_at.get(call.node.args[0]) if searched_names(call) else None
            inner = _standing(model) if model is not None else None
            if inner is not None and inner.known:
                traits = inner.traits - {"coef", "share", "weights"}
                found[call.node] = Standing(call, inner.name, inner.task, traits, known=True, own=inner.own)
        return found

    def _is_inner(self, call: Call) -> bool:
        """Whether the call stands inside another model, is handed to one by a name, or is a step before one."""
        place = place_of(self.source, call.node)
        is_step = place is not None and (place.in_union or not place.is_last)
        return is_step or self._is_handed(call.node) or any(self._takers(call.node))

    @cached_property
    def tunable(self) -> list[Standing]:
        """The model calls that a grid search can be put around: those of `models`, and those inside an average of several."""
        found: list[Standing] = []
        for call in self.source.calls:
            standing = _standing(call)
            if standing is not None and standing.known and not self._is_handed(call.node) and not self._is_searched(call.node):
                found.append(standing)
        return found

    def _is_searched(self, node: ast.AST) -> bool:
        """Whether something around the model fits it many times already, or needs the model itself."""
        shorts = (self.source.qualified(around.func).rpartition(".")[2] for around in self._takers(node))
        return any(short not in _PLAIN_ENSEMBLES for short in shorts)

    def _takers(self, node: ast.AST) -> Iterator[ast.Call]:
        """The calls around a node, in its own expression, that take models."""
        around = self.source.parents.get(node)
        while isinstance(around, (ast.expr, ast.keyword)):
            if isinstance(around, ast.Call) and self._takes_models(around):
                yield around
            around = self.source.parents.get(around)

    def _is_handed(self, node: ast.Call) -> bool:
        parent = self.source.parents.get(node)
        targets = parent.targets if isinstance(parent, ast.Assign) else []
        return any(isinstance(target, ast.Name) and target.id in self._handed for target in targets)

    @cached_property
    def _handed(self) -> frozenset[str]:
        """The names that occur in the arguments of calls that take models."""
        takers = [call.node for call in self.source.calls if self._takes_models(call.node)]
        arguments = [item for node in takers for item in (*node.args, *node.keywords)]
        return frozenset(n.id for argument in arguments for n in ast.walk(argument) if isinstance(n, ast.Name))

    def _takes_models(self, node: ast.Call) -> bool:
        short = self.source.qualified(node.func).rpartition(".")[2]
        return short in MODELS or short in ENSEMBLES or short in _FOREIGN or short in _SELECTORS or node in self._searches

    def text_of(self, call: Call, name: str) -> str | None:
        """The text of a keyword argument."""
        value = keyword(call.node, name)
        return self.source.segment(value) if value is not None else None


def searched_names(call: Call) -> frozenset[str]:
    """The settings of `GridSearchCV(model, {"C": [...]}, ...)`; empty for anything else, also when it reaches into steps."""
    arguments = call.node.args
    if call.name != SEARCH or len(arguments) != 2 or not isinstance(arguments[1], ast.Dict):
        return frozenset()
    keys = [key.value if isinstance(key, ast.Constant) else None for key in arguments[1].keys]
    plain = all(isinstance(key, str) and "__" not in key for key in keys)
    return frozenset(str(key) for key in keys) if plain else frozenset()


def tuned_names(source: Source, call: Call) -> frozenset[str]:
    """The arguments that a grid search around the call chooses: setting them changes nothing."""
    around = source.parents.get(call.node)
    outer = source.call_at.get(around) if around is not None else None
    return searched_names(outer) if outer is not None else frozenset()


def _standing(call: Call) -> Standing | None:
    if call.root == "sklearn" and call.short in MODELS:
        model = MODELS[call.short]
        return Standing(call, call.short, model.task, model.traits, known=True, own=call)
    if call.root == "sklearn" and call.short in ENSEMBLES:
        return Standing(call, call.short, ENSEMBLES[call.short], frozenset(), known=False, own=call)
    if call.root in ("xgboost", "lightgbm") and call.short in _FOREIGN:
        return Standing(call, call.short, _FOREIGN[call.short], _FOREIGN_TRAITS, known=True, own=call)
    return None


def introduced(script: Script, standing: Standing, name: str, local: str) -> str:
    """The call that introduces the model `name` in place of, or beside, a standing one: its seed, jobs and weights are kept."""
    model = MODELS[name]
    words = [model.arguments] if model.arguments else []
    for argument, trait in (("class_weight", "balance"), ("random_state", "seed"), ("n_jobs", "jobs")):
        text = script.text_of(standing.own, argument) if trait in model.traits else None
        if text is not None and text.strip("\"'") == "balanced_subsample" and name not in _BAGGED:
            text = text.replace("_subsample", "")
        if text is not None and "\n" not in text:
            words.append(f"{argument}={text}")
    quoted = ", ".join(words).replace('"', script.source.quote)
    return f"{local}({quoted})"
