"""Which parameters of scikit-learn's classes are worth setting, over which values. Data only."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mlagent_app.editors.catalogue.values import Domain, Value, flag, floats, ints, shares, words


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter: its values, its default, whether it is also offered where the call does not write it.

    `position` is its place among the positional arguments, None where it is keyword-only.
    """

    name: str
    domain: Domain
    default: Value
    absent: bool = True
    position: int | None = None


P = Parameter


def _written(parameter: Parameter) -> Parameter:
    """The same, offered only where the call writes it."""
    return replace(parameter, absent=False)


def _default(parameter: Parameter, default: Value) -> Parameter:
    return replace(parameter, default=default)


_C = P("C", floats(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, low=1e-4, high=1e4), 1.0)
_ALPHA = P("alpha", floats(1e-4, 1e-3, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, low=0, high=1e4), 1.0, position=0)
_SMALL_ALPHA = P("alpha", floats(1e-6, 1e-5, 1e-4, 3e-4, 1e-3, 1e-2, 0.1, low=1e-8, high=10), 0.0001)
_L1_RATIO = P("l1_ratio", floats(0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0, width=3), 0.5)
_BALANCED = P("class_weight", words("balanced", None), None)
_ITERATIONS = P("max_iter", ints(100, 200, 500, 1000, 2000, 5000, low=10, high=10000, width=2), 100)
_INTERCEPT = P("fit_intercept", flag(), True)
_GAMMA = P("gamma", floats(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, low=1e-6, high=100, width=3), "scale")
_SCALED_GAMMA = replace(
    _GAMMA, domain=replace(_GAMMA.domain, grid=(*_GAMMA.domain.grid, "scale", "auto"), kinds=_GAMMA.domain.kinds | {"word"})
)
_KERNEL = P("kernel", words("rbf", "linear", "poly"), "rbf")
_EPSILON = P("epsilon", floats(0.01, 0.03, 0.1, 0.3, 1, low=0, high=100, width=3), 0.1)

_TREES = P("n_estimators", ints(50, 100, 200, 300, 500, 800, low=1, width=3), 100, position=0)
_DEPTH = P("max_depth", ints(None, 3, 5, 8, 12, 20, low=1, high=64), None)
_LEAF = P("min_samples_leaf", ints(1, 2, 4, 8, 16, 32, low=1, high=500, width=3), 1)
_SPLIT = P("min_samples_split", ints(2, 5, 10, 20, 50, low=2, high=500, width=2), 2)
_SHARE = Domain(("sqrt", "log2", None, 0.3, 0.5, 0.8), frozenset({"word", "float", "none"}), 0.05, 1.0, width=2)
_MAX_FEATURES = P("max_features", _SHARE, None)
_CRITERION = P("criterion", words("gini", "entropy"), "gini")
_BOOTSTRAP = P("bootstrap", flag(), True)
_PRUNING = P("ccp_alpha", floats(0.0, 1e-4, 1e-3, 1e-2, low=0, high=1, width=3), 0.0)
_BAGS = P("n_estimators", ints(10, 20, 50, 100, 200, low=1, high=800, width=3), 10)
_BAG_FEATURES = P("max_features", shares(0.3, 0.5, 0.7, 1.0, width=2), 1.0)
_LEAVES = P("max_leaf_nodes", ints(7, 15, 31, 63, 127, 255, low=2, high=1024, width=3), 31)
_LEARNING_RATE = P("learning_rate", floats(0.01, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, low=1e-4, high=2), 0.1)
_ROW_SHARE = P("subsample", floats(0.5, 0.7, 0.8, 0.9, 1.0, low=0.05, high=1, width=3), 1.0)
_SAMPLES = P("max_samples", shares(0.3, 0.5, 0.7, 0.9, width=2), 1.0, absent=False)

_FOREST = (_TREES, _DEPTH, _LEAF, _MAX_FEATURES, _written(_SPLIT), _BOOTSTRAP, _written(_PRUNING), _written(_LEAVES), _SAMPLES)
_FOREST_CLASSIFIER = (*(_default(p, "sqrt") if p is _MAX_FEATURES else p for p in _FOREST), _CRITERION, _BALANCED)
_FOREST_REGRESSOR = tuple(_default(p, 1.0) if p is _MAX_FEATURES else p for p in _FOREST)
_EXTRA = tuple(_default(p, False) if p is _BOOTSTRAP else p for p in _FOREST_CLASSIFIER)
_EXTRA_REGRESSOR = tuple(_default(p, False) if p is _BOOTSTRAP else p for p in _FOREST_REGRESSOR)
_TREE = (_DEPTH, _LEAF, _SPLIT, _PRUNING, _written(_MAX_FEATURES), _written(_LEAVES))
_BOOSTING = (
    _LEARNING_RATE,
    replace(_TREES, position=None),
    P("max_depth", ints(2, 3, 4, 5, 6, 8, low=1, high=16), 3),
    _ROW_SHARE,
    _LEAF,
    _MAX_FEATURES,
    _written(_SPLIT),
)
_HISTOGRAM = (
    _LEARNING_RATE,
    P("max_iter", ints(50, 100, 200, 300, 500, 800, low=1, width=3), 100),
    _LEAVES,
    P("min_samples_leaf", ints(5, 10, 20, 40, 80, low=1, high=500, width=3), 20),
    P("l2_regularization", floats(0.0, 0.1, 1.0, 10.0, low=0, high=1000, width=3), 0.0),
    P("max_features", shares(0.3, 0.5, 0.7, 1.0, width=2), 1.0),
    _written(_DEPTH),
    P("early_stopping", flag(), "auto", absent=False),
)
_NEIGHBOURS = (
    P("n_neighbors", ints(1, 3, 5, 7, 9, 11, 15, 21, 31, low=1, high=200), 5, position=0),
    P("weights", words("distance", "uniform"), "uniform"),
    P("p", words(1, 2), 2),
    P("metric", words("cosine", "manhattan", "euclidean", "minkowski"), "minkowski", absent=False),
)
_PERCEPTRON = (
    P(
        "hidden_layer_sizes",
        words((64,), (128,), (256,), (64, 32), (128, 64), (256, 128)),
        (100,),
        position=0,
    ),
    _SMALL_ALPHA,
    P("learning_rate_init", floats(1e-4, 3e-4, 1e-3, 3e-3, 1e-2, low=1e-6, high=1, width=3), 0.001),
    P("max_iter", ints(100, 200, 300, 500, 1000, low=1, high=2000, width=2), 200),
    P("activation", words("relu", "tanh", "logistic"), "relu"),
    P("early_stopping", flag(), False),
    P("batch_size", ints(32, 64, 128, 200, 256, 512, low=1, high=4096, width=2), "auto", absent=False),
    P("solver", words("adam", "lbfgs", "sgd"), "adam", absent=False),
)
_SVM = (
    _C,
    _SCALED_GAMMA,
    _KERNEL,
    P("degree", ints(2, 3, 4, low=1, high=6), 3, absent=False),
    P("coef0", floats(0.0, 0.5, 1.0, low=-10, high=10), 0.0, absent=False),
)
_STOCHASTIC = (
    _SMALL_ALPHA,
    P("penalty", words("l2", "l1", "elasticnet"), "l2"),
    P("average", flag(), False),
    _default(_written(_L1_RATIO), 0.15),
    _default(_ITERATIONS, 1000),
    P("eta0", floats(1e-4, 1e-3, 1e-2, 0.1, 1, low=1e-6, high=10, width=3), 0.01, absent=False),
)
_SMOOTHING = (
    P("alpha", floats(0.001, 0.01, 0.05, 0.1, 0.3, 0.5, 1.0, 2.0, low=0, high=100), 1.0),
    P("fit_prior", flag(), True),
)
_LASSO = replace(_ALPHA, domain=floats(1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1, 3, 10, low=1e-8, high=1e4))

_COUNTS = (
    P("ngram_range", words((1, 2), (1, 3), (1, 1)), (1, 1)),
    P("min_df", ints(1, 2, 3, 5, 10, low=1, high=100, width=2), 1),
    P("max_df", shares(0.5, 0.7, 0.9, 0.95, 1.0, width=2), 1.0),
    P("max_features", ints(None, 2000, 5000, 10000, 20000, 50000, low=10, high=500000, width=2), None),
    P("stop_words", words("english", None), None),
    P("binary", flag(), False),
    P("lowercase", flag(), True, absent=False),
    P("strip_accents", words("unicode", "ascii", None), None, absent=False),
)
_WEIGHTING = (
    P("sublinear_tf", flag(), False),
    P("use_idf", flag(), True, absent=False),
    P("norm", words("l2", "l1", None), "l2", absent=False),
)

PARAMETERS: dict[str, tuple[Parameter, ...]] = {
    # Linear models
    "LogisticRegression": (_C, _BALANCED, _ITERATIONS, P("solver", words("lbfgs", "newton-cg", "saga"), "lbfgs"), _INTERCEPT),
    "RidgeClassifier": (_ALPHA, _BALANCED, _INTERCEPT),
    "Ridge": (_ALPHA, _INTERCEPT, P("positive", flag(), False, absent=False)),
    "Lasso": (_LASSO, _default(_ITERATIONS, 1000), _INTERCEPT),
    "ElasticNet": (_LASSO, _L1_RATIO, _default(_ITERATIONS, 1000), _INTERCEPT),
    "LinearRegression": (_INTERCEPT, P("positive", flag(), False)),
    "SGDClassifier": (*_STOCHASTIC, _BALANCED, P("loss", words("hinge", "log_loss", "modified_huber"), "hinge")),
    "SGDRegressor": (*_STOCHASTIC, P("loss", words("squared_error", "huber"), "squared_error")),
    "Perceptron": (_SMALL_ALPHA, P("penalty", words("l2", "l1", None), None), _BALANCED),
    "PassiveAggressiveClassifier": (_C, _BALANCED),
    "HuberRegressor": (
        P("epsilon", floats(1.1, 1.35, 1.5, 2, 3, low=1, high=10), 1.35),
        replace(_SMALL_ALPHA, domain=floats(1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, low=0, high=100)),
        _INTERCEPT,
    ),
    "KernelRidge": (_ALPHA, _written(_GAMMA), P("kernel", words("rbf", "linear", "laplacian"), "linear")),
    "GammaRegressor": (replace(_ALPHA, position=None), _ITERATIONS),
    "PoissonRegressor": (replace(_ALPHA, position=None), _ITERATIONS),
    "TweedieRegressor": (replace(_ALPHA, position=None), _ITERATIONS),
    # Vector machines
    "SVC": (*_SVM, _BALANCED),
    "SVR": (*_SVM, _EPSILON),
    "NuSVC": (P("nu", floats(0.1, 0.2, 0.3, 0.5, low=0.01, high=0.9), 0.5, absent=False), _SCALED_GAMMA, _KERNEL),
    "LinearSVC": (_C, _BALANCED, _default(_ITERATIONS, 1000)),
    "LinearSVR": (_C, _default(_EPSILON, 0.0), _default(_ITERATIONS, 1000)),
    # Trees and ensembles
    "DecisionTreeClassifier": (*_TREE, _CRITERION, _BALANCED),
    "DecisionTreeRegressor": _TREE,
    "ExtraTreeClassifier": (*_TREE, _CRITERION, _BALANCED),
    "RandomForestClassifier": _FOREST_CLASSIFIER,
    "RandomForestRegressor": _FOREST_REGRESSOR,
    "ExtraTreesClassifier": _EXTRA,
    "ExtraTreesRegressor": _EXTRA_REGRESSOR,
    "GradientBoostingClassifier": _BOOSTING,
    "GradientBoostingRegressor": (*_BOOSTING, P("loss", words("squared_error", "huber", "absolute_error"), "squared_error")),
    "HistGradientBoostingClassifier": (*_HISTOGRAM, _BALANCED),
    "HistGradientBoostingRegressor": (*_HISTOGRAM, P("loss", words("squared_error", "absolute_error"), "squared_error")),
    "AdaBoostClassifier": (_default(replace(_TREES, position=None), 50), _default(_LEARNING_RATE, 1.0)),
    "AdaBoostRegressor": (
        _default(replace(_TREES, position=None), 50),
        _default(_LEARNING_RATE, 1.0),
        P("loss", words("linear", "square", "exponential"), "linear"),
    ),
    "BaggingClassifier": (_BAGS, replace(_SAMPLES, absent=True), _BAG_FEATURES),
    "BaggingRegressor": (_BAGS, replace(_SAMPLES, absent=True), _BAG_FEATURES),
    "IsolationForest": (replace(_TREES, position=None), _BAG_FEATURES),
    "StackingClassifier": (P("passthrough", flag(), False),),
    "StackingRegressor": (P("passthrough", flag(), False),),
    "VotingClassifier": (P("voting", words("soft", "hard"), "hard"),),
    "CalibratedClassifierCV": (P("method", words("sigmoid", "isotonic"), "sigmoid"),),
    # Neighbours, Bayes, discriminants, networks
    "KNeighborsClassifier": _NEIGHBOURS,
    "KNeighborsRegressor": _NEIGHBOURS,
    "GaussianNB": (P("var_smoothing", floats(1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, low=1e-12, high=1), 1e-9),),
    "MultinomialNB": _SMOOTHING,
    "ComplementNB": (*_SMOOTHING, P("norm", flag(), False)),
    "BernoulliNB": _SMOOTHING,
    "QuadraticDiscriminantAnalysis": (P("reg_param", floats(0.0, 0.01, 0.05, 0.1, 0.3, 0.5, low=0, high=1), 0.0),),
    "MLPClassifier": _PERCEPTRON,
    "MLPRegressor": _PERCEPTRON,
    # Clusters and densities
    "KMeans": (
        P("n_init", ints(1, 5, 10, 20, low=1, high=50, width=2), "auto"),
        P("init", words("k-means++", "random"), "k-means++"),
    ),
    "GaussianMixture": (
        P("covariance_type", words("full", "tied", "diag", "spherical"), "full"),
        P("reg_covar", floats(1e-6, 1e-5, 1e-4, 1e-3, 1e-2, low=0, high=1, width=3), 1e-6),
    ),
    # Text
    "TfidfVectorizer": (*_COUNTS, *_WEIGHTING),
    "CountVectorizer": _COUNTS,
    "HashingVectorizer": (
        _COUNTS[0],
        P("n_features", words(2**16, 2**18, 2**20), 2**20, absent=False),
        P("stop_words", words("english", None), None),
        P("alternate_sign", flag(), True),
        P("norm", words("l2", "l1"), "l2"),
    ),
    "TfidfTransformer": _WEIGHTING,
    # Preprocessing and features
    "PCA": (
        P(
            "n_components",
            floats(0.9, 0.95, 0.99, 2, 5, 10, 20, 30, 50, 100, low=0.1, high=1000),
            None,
            absent=False,
            position=0,
        ),
        P("whiten", flag(), False),
    ),
    "TruncatedSVD": (
        P("n_components", ints(20, 50, 100, 200, 300, low=1, high=1000, width=3), 2, absent=False, position=0),
        P("algorithm", words("randomized", "arpack"), "randomized", absent=False),
    ),
    "PolynomialFeatures": (
        P("degree", ints(1, 2, 3, low=1, high=4), 2, position=0),
        P("interaction_only", flag(), False),
    ),
    "SplineTransformer": (
        P("n_knots", ints(3, 5, 7, 10, 15, low=2, high=50), 5, position=0),
        P("degree", ints(1, 2, 3, low=0, high=5), 3),
    ),
    "SelectKBest": (P("k", ints(5, 10, 20, 30, 50, 100, 500, 1000, 5000, 10000, low=1), 10),),
    "SelectPercentile": (P("percentile", ints(10, 20, 30, 50, 70, 90, low=1, high=100), 10),),
    "SimpleImputer": (P("strategy", words("median", "mean", "most_frequent"), "mean"), P("add_indicator", flag(), False)),
    "KNNImputer": (
        P("n_neighbors", ints(2, 5, 10, 20, low=1, high=100, width=2), 5),
        P("weights", words("distance", "uniform"), "uniform"),
    ),
    "KBinsDiscretizer": (
        P("n_bins", ints(3, 5, 8, 10, 20, low=2, high=256), 5, position=0),
        P("strategy", words("quantile", "uniform", "kmeans"), "quantile"),
    ),
    "QuantileTransformer": (
        P("output_distribution", words("normal", "uniform"), "uniform"),
        P("n_quantiles", ints(50, 100, 200, 500, 1000, low=2, high=10000, width=2), 1000, absent=False),
    ),
    "Normalizer": (P("norm", words("l2", "l1", "max"), "l2", position=0),),
    "Nystroem": (
        P("n_components", ints(50, 100, 200, 300, 500, low=1, high=1000, width=3), 100),
        P("gamma", floats(0.001, 0.01, 0.03, 0.1, 0.3, 1, low=1e-6, high=100, width=3), None),
    ),
    "RBFSampler": (
        P("n_components", ints(50, 100, 200, 300, 500, low=1, high=1000, width=3), 100),
        P("gamma", floats(0.001, 0.01, 0.03, 0.1, 0.3, 1, low=1e-6, high=100, width=3), 1.0),
    ),
    "OneHotEncoder": (P("min_frequency", ints(None, 2, 5, 10, low=1, high=1000, width=2), None),),
}
