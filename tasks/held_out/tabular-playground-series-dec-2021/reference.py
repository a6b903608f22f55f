"""A strong solution: the aspect as a circle, ways to water, soils by what grows on them; forests, boosting and a linear model together."""

import numpy as np
import pandas as pd
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")
y = train["Cover_Type"].to_numpy()
soils = [name for name in test.columns if name.startswith("Soil_Type")]
areas = [name for name in test.columns if name.startswith("Wilderness_Area")]


def terrain(frame):
    out = pd.DataFrame({"elevation": frame["Elevation"], "slope": frame["Slope"]})
    angle = np.deg2rad(frame["Aspect"])
    steep = np.sqrt(frame["Slope"].clip(lower=0))
    out["north"], out["east"] = np.cos(angle) * steep, np.sin(angle) * steep
    across, above = frame["Horizontal_Distance_To_Hydrology"], frame["Vertical_Distance_To_Hydrology"]
    out["water"] = np.log1p(np.hypot(across, above))
    out["above"] = above
    out["roads"] = np.log1p(frame["Horizontal_Distance_To_Roadways"].clip(lower=0))
    return pd.concat([out, frame[areas]], axis=1)


X, X_test = terrain(train), terrain(test)
classes = np.unique(y)
X_all, X_test_all = pd.concat([X, train[soils]], axis=1), pd.concat([X_test, test[soils]], axis=1)


def with_soils(X, frame):
    """The linear model sees the soils beside the products of the terrain's columns."""
    steep = (X["slope"] > 14).to_numpy()[:, None]
    noted = frame[soils].to_numpy()
    return np.hstack([PRODUCTS.transform(X), 2 * noted, 2 * noted * steep])


PRODUCTS = make_pipeline(StandardScaler(), PolynomialFeatures(2, include_bias=False), StandardScaler()).fit(X)
linear = LogisticRegression(C=0.1, max_iter=150).fit(with_soils(X, train), y)
trees = ExtraTreesClassifier(250, min_samples_leaf=1, max_features=0.4, random_state=0).fit(X_all, y)
boosting = HistGradientBoostingClassifier(max_iter=60, learning_rate=0.08, max_leaf_nodes=10, random_state=0).fit(X_all, y)
chance = 0.45 * linear.predict_proba(with_soils(X_test, test)) + 0.3 * trees.predict_proba(X_test_all) + 0.25 * boosting.predict_proba(X_test_all)
pd.DataFrame({"Id": test["Id"], "Cover_Type": classes[chance.argmax(axis=1)]}).to_csv("submission.csv", index=False)
