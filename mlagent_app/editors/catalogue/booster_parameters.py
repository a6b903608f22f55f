"""Which parameters of XGBoost, LightGBM and CatBoost are worth setting, over which values. Data only.

After the libraries' documentation; `*_TRAIN` are the keys of the dictionaries that their `train` functions take.
"""

from __future__ import annotations

from dataclasses import replace

from mlagent_app.editors.catalogue.sklearn_parameters import Parameter as P
from mlagent_app.editors.catalogue.values import flag, floats, ints, words

_TREES = P("n_estimators", ints(50, 100, 200, 300, 500, 800, low=1, high=800), 100)
_RATE = floats(0.01, 0.03, 0.05, 0.1, 0.2, 0.3, low=1e-4, high=1)
_SHARE = floats(0.5, 0.6, 0.7, 0.8, 0.9, 1.0, low=0.05, high=1, width=3)
_PENALTY = floats(0, 0.1, 0.3, 1, 3, 10, low=0, high=1000, width=3)
_DEPTH = ints(3, 4, 5, 6, 8, 10, 12, low=1, high=16)
_LEAVES = ints(7, 15, 31, 63, 127, 255, low=2, high=1024)


def _written(*parameters: P) -> tuple[P, ...]:
    return tuple(replace(parameter, absent=False) for parameter in parameters)


_XGB = (
    _TREES,
    P("learning_rate", _RATE, 0.3),
    P("max_depth", _DEPTH, 6),
    P("subsample", _SHARE, 1.0),
    P("colsample_bytree", _SHARE, 1.0),
    P("min_child_weight", floats(0.5, 1, 2, 5, 10, low=0, high=100, width=3), 1),
    P("reg_lambda", floats(0.1, 0.3, 1, 3, 10, 30, low=0, high=1000, width=3), 1),
    *_written(
        P("reg_alpha", _PENALTY, 0),
        P("gamma", floats(0, 0.1, 0.3, 1, 3, low=0, high=100, width=3), 0),
        P("colsample_bylevel", _SHARE, 1.0),
        P("max_leaves", _LEAVES, 0),
        P("grow_policy", words("depthwise", "lossguide"), "depthwise"),
    ),
)
_LGBM = (
    _TREES,
    P("learning_rate", _RATE, 0.1),
    P("num_leaves", _LEAVES, 31),
    P("min_child_samples", ints(5, 10, 20, 40, 80, low=1, high=1000, width=3), 20),
    P("colsample_bytree", _SHARE, 1.0),
    P("reg_lambda", _PENALTY, 0.0),
    *_written(
        P("max_depth", ints(-1, 4, 6, 8, 12, low=-1, high=64, width=3), -1),
        P("subsample", _SHARE, 1.0),
        P("reg_alpha", _PENALTY, 0.0),
        P("boosting_type", words("gbdt", "dart"), "gbdt"),
    ),
)
_CATBOOST = (
    P("iterations", ints(100, 200, 300, 500, 800, 1000, low=1, high=1000, width=3), 1000),
    P("learning_rate", _RATE, None),
    P("depth", ints(4, 5, 6, 7, 8, 10, low=1, high=12, width=3), 6),
    P("l2_leaf_reg", floats(0.5, 1, 3, 5, 10, 30, low=0, high=1000, width=3), 3.0),
    *_written(
        P("n_estimators", ints(100, 200, 300, 500, 800, low=1, high=1000), 1000),
        P("max_depth", ints(4, 5, 6, 7, 8, 10, low=1, high=12, width=3), 6),
        P("random_strength", floats(0.1, 0.5, 1, 2, 5, low=0, high=100, width=3), 1.0),
        P("bagging_temperature", floats(0, 0.3, 1, 3, low=0, high=100, width=3), 1.0),
        P("rsm", _SHARE, 1.0),
        P("border_count", words(32, 64, 128, 254), 254),
        P("grow_policy", words("SymmetricTree", "Depthwise", "Lossguide"), "SymmetricTree"),
    ),
)

# By top-level package, then class.
BOOSTERS: dict[str, dict[str, tuple[P, ...]]] = {
    "xgboost": dict.fromkeys(("XGBClassifier", "XGBRegressor", "XGBRanker"), _XGB),
    "lightgbm": dict.fromkeys(("LGBMClassifier", "LGBMRegressor", "LGBMRanker"), _LGBM),
    "catboost": dict.fromkeys(("CatBoostClassifier", "CatBoostRegressor", "CatBoost"), _CATBOOST),
}

_ROUNDS = P("num_boost_round", ints(50, 100, 200, 300, 500, 800, low=1, high=1000), 100)
# `package.train(params, ...)`: what instructions call it, the keys of `params`, the keywords of the call itself.
TRAINERS: dict[str, tuple[str, tuple[P, ...], tuple[P, ...]]] = {
    "xgboost.train": (
        "xgboost",
        _written(
            *_XGB,
            P("eta", _RATE, 0.3),
            P("lambda", _PENALTY, 1),
            P("alpha", _PENALTY, 0),
        ),
        (replace(_ROUNDS, default=10, position=2),),
    ),
    "lightgbm.train": (
        "lightgbm",
        _written(
            *_LGBM,
            P("feature_fraction", _SHARE, 1.0),
            P("bagging_fraction", _SHARE, 1.0),
            P("lambda_l1", _PENALTY, 0.0),
            P("lambda_l2", _PENALTY, 0.0),
            P("min_data_in_leaf", ints(5, 10, 20, 40, 80, low=1, high=1000, width=3), 20),
            P("extra_trees", flag(), False),
        ),
        (replace(_ROUNDS, position=2),),
    ),
}
