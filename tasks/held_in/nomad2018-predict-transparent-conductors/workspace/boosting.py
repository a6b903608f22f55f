"""One boosting model for each energy; the volume of the cell and the space group as columns."""

import numpy as np
import pandas as pd
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import train_test_split

TARGETS = ["formation_energy_ev_natom", "bandgap_energy_ev"]
TREES = 100
LEARNING_RATE = 0.05
SEED = 11


def volume(frame):
    a, b, c = (np.cos(np.radians(frame[f"lattice_angle_{name}_degree"])) for name in ["alpha", "beta", "gamma"])
    root = np.sqrt(1 - a**2 - b**2 - c**2 + 2 * a * b * c)
    return frame["lattice_vector_1_ang"] * frame["lattice_vector_2_ang"] * frame["lattice_vector_3_ang"] * root


def features(frame):
    out = frame.drop(columns=["id", "spacegroup"] + TARGETS, errors="ignore")
    out["volume_per_atom"] = volume(frame) / frame["number_of_total_atoms"]
    for group in [12, 33, 167, 194, 206, 227]:
        out[f"group_{group}"] = (frame["spacegroup"] == group).astype(int)
    return out


class EnergyModel:
    """Gradient boosting on log(1 + energy), one model a target."""

    def fit(self, X, y):
        self.models = []
        for target in TARGETS:
            model = GradientBoostingRegressor(n_estimators=TREES, learning_rate=LEARNING_RATE, max_depth=3, random_state=SEED)
            self.models.append(model.fit(X, np.log1p(y[target])))
        return self

    def predict(self, X):
        logarithms = np.column_stack([model.predict(X) for model in self.models])
        return np.expm1(logarithms).clip(0)


train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")
X, y = features(train), train[TARGETS]
X_train, X_valid, y_train, y_valid = train_test_split(X, y, test_size=0.25, random_state=SEED)

predicted = EnergyModel().fit(X_train, y_train).predict(X_valid)
scores = [mean_squared_error(np.log1p(y_valid[name]), np.log1p(predicted[:, i])) ** 0.5 for i, name in enumerate(TARGETS)]
print(f"validation rmsle: {np.mean(scores):.4f}")

predicted = EnergyModel().fit(X, y).predict(features(test))
submission = pd.DataFrame(predicted, columns=TARGETS)
submission.insert(0, "id", test["id"])
submission.to_csv("submission.csv", index=False)
