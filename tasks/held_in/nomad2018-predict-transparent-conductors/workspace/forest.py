import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestRegressor
from sklearn.model_selection import train_test_split

train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")
X = train.drop(columns=["id", "formation_energy_ev_natom", "bandgap_energy_ev"])
fit_rows, valid_rows = train_test_split(np.arange(len(X)), test_size=0.2, random_state=42)

submission = pd.DataFrame({"id": test["id"]})
errors = []
for target in ["formation_energy_ev_natom", "bandgap_energy_ev"]:
    y = np.log1p(train[target])
    model = RandomForestRegressor(n_estimators=30, max_depth=6, min_samples_leaf=10, max_features="sqrt", random_state=42)
    model.fit(X.iloc[fit_rows], y.iloc[fit_rows])
    errors.append(np.sqrt(np.mean((model.predict(X.iloc[valid_rows]) - y.iloc[valid_rows]) ** 2)))
    model.fit(X, y)
    submission[target] = np.expm1(model.predict(test[X.columns])).clip(0)

print(f"validation rmsle: {np.mean(errors):.4f}")
submission.to_csv("submission.csv", index=False)
