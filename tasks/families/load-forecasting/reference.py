"""A strong solution: loads in units of the building's own past, profiles learnt by kind, weather against the past's; boosting and a blend."""

import numpy as np
import pandas as pd
from sklearn.ensemble import ExtraTreesRegressor, GradientBoostingRegressor
from sklearn.linear_model import Ridge

history = pd.read_csv("data/history.csv")
train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")
rows = len(train)
both = pd.concat([train, test], ignore_index=True)

load = history.pivot(index="window", columns="hour", values="load")
warmth = history.pivot(index="window", columns="hour", values="temperature")
load = load.interpolate(axis=1, limit_direction="both")
days = load.shape[1] // 24
L = load.loc[both["window"]].to_numpy()
T = warmth.loc[both["window"]].to_numpy()
hour, at = both["hour"].to_numpy(), np.arange(len(both))
level = L.mean(axis=1)
free = (both["weekday"] >= 5) | (both["holiday"] == 1)
out = pd.DataFrame({"hour": hour, "weekday": both["weekday"], "month": both["month"], "free": free.astype(float)})
temperature = both["temperature"].to_numpy()
out["temperature"] = temperature
out["cold"], out["warm"] = np.maximum(14 - temperature, 0), np.maximum(temperature - 21, 0)
same_total, same_count = np.zeros(len(both)), np.zeros(len(both))
for back in range(1, days + 1):
    place = (days - back) * 24 + hour
    lag = L[at, place] / level
    smooth = (L[at, np.maximum(place - 1, 0)] + 2 * L[at, place] + L[at, np.minimum(place + 1, L.shape[1] - 1)]) / 4 / level
    was_free = ((both["weekday"] - back) % 7 >= 5).to_numpy()
    out[f"lag{back}"], out[f"smooth{back}"], out[f"free{back}"] = lag, smooth, was_free.astype(float)
    out[f"change{back}"] = temperature - T[at, place]
    like = (was_free == free.to_numpy()).astype(float) + 0.02
    same_total, same_count = same_total + like * smooth, same_count + like
    out[f"cold{back}"] = out["cold"] - np.maximum(14 - T[at, place], 0)
    out[f"warm{back}"] = out["warm"] - np.maximum(T[at, place] - 21, 0)
out["same"] = same_total / same_count
out["alike"] = same_count
last = (days - 1) * 24
out["last3"], out["last1"] = L[:, -3:].mean(axis=1) / level, L[:, -1] / level
before = L[:, -27:-24].mean(axis=1) / level
out["rise"] = np.log(out["last3"] / before)
out["day"] = L[:, last:].mean(axis=1) / level
out["cold_mean"] = out["cold"] - np.maximum(14 - T, 0).mean(axis=1)
out["warm_mean"] = out["warm"] - np.maximum(T - 21, 0).mean(axis=1)
# How the building's load follows the temperature within its past.
out["base"] = L.min(axis=1) / level
out["peak"] = L.max(axis=1) / level
kinds = pd.get_dummies(both["kind"], dtype=float)

# The usual shape of such buildings at this hour, from training rows: by kind, hour and free day.
y = train["load"].to_numpy() / level[:rows]
key = both["kind"] + both["hour"].astype(str) + free.astype(str)
usual = pd.Series(y).groupby(key[:rows]).agg(["sum", "count"])
total, count = key.map(usual["sum"]).fillna(0).to_numpy().copy(), key.map(usual["count"]).fillna(0).to_numpy().copy()
total[:rows] -= y
count[:rows] -= 1
out["usual"] = (total + 3 * out["same"]) / (count + 3)

hours = pd.get_dummies(both["hour"], prefix="h", dtype=float)
base = 0.6 * out["same"].to_numpy() + 0.4 * out["usual"].to_numpy()
X = pd.concat([out, kinds], axis=1).to_numpy(float)
X = np.column_stack([X, base])
linear = [out, kinds, hours]
for name in kinds:
    linear.append(out[["cold", "warm", "cold1", "warm1", "cold_mean", "warm_mean", "free"]].mul(kinds[name], axis=0).add_suffix(name))
for name in hours:
    linear.append(out[["lag1", "same", "usual", "rise", "last3"]].mul(hours[name], axis=0).add_suffix(name))
Z = pd.concat(linear, axis=1).to_numpy(float)
Z = (Z - Z.mean(axis=0)) / (Z.std(axis=0) + 1e-9)
target = y - base[:rows]
weight = level[:rows] / level[:rows].mean()
models = [
    (0.5, GradientBoostingRegressor(loss="huber", alpha=0.85, n_estimators=180, learning_rate=0.05, max_depth=4, subsample=0.6, max_features=0.3, min_samples_leaf=6, random_state=0), X),
    (0.2, ExtraTreesRegressor(n_estimators=100, min_samples_leaf=2, max_features=0.4, random_state=0), X),
    (0.3, Ridge(alpha=60.0), Z),
]
total = sum(share * model.fit(X[:rows], target, sample_weight=weight).predict(X[rows:]) for share, model, X in models)
test["load"] = (base[rows:] + total) * level[rows:]
test[["row_id", "load"]].to_csv("submission.csv", index=False)
