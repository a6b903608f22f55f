"""A strong solution: everything on the logarithmic scale, a linear model of seasons and interactions, and boosting on what is left."""

import numpy as np
import pandas as pd
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.linear_model import Ridge

train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")
y = np.log1p(train["demand"].to_numpy(float))
rows = len(train)
both = pd.concat([train.drop(columns="demand"), test], ignore_index=True)

date = pd.to_datetime(both["date"])
weekday = np.where(both["holiday"] == 1, 6, date.dt.day_of_week)
place = date.dt.day_of_year.to_numpy() / 365.25 * 2 * np.pi
days = (date - date.min()).dt.days.to_numpy()
weather = both.groupby("date")[["temperature", "rain"]].transform("mean")
out = pd.DataFrame({"hours": np.log(both["hours_open"])})
out["temperature"] = both["temperature"].fillna(weather["temperature"]).fillna(both["temperature"].median())
out["hump"] = ((out["temperature"] - 18) / 10) ** 2
out["rain"] = np.log1p(both["rain"].fillna(weather["rain"]).fillna(0))
rival = both["competitor_price"].fillna(both.groupby("site")["competitor_price"].transform("mean"))
out["price"], out["rival"] = np.log(both["price"]), np.log(rival)
out["against"] = out["price"] - out["rival"]
out["promotion"], out["holiday"] = both["promotion"], both["holiday"]
out["visits"] = np.log1p(both["web_visits"].fillna(both["web_visits"].median()))
out["ready"] = np.log(both["bicycles"].fillna(both.groupby("site")["bicycles"].transform("mean")) + 1)
out["days"] = days / days.max()
for wave in (1, 2, 3):
    out[f"sin{wave}"], out[f"cos{wave}"] = np.sin(wave * place), np.cos(wave * place)
site = pd.get_dummies(both["site"], dtype=float)
week = pd.get_dummies(pd.Series(weekday), prefix="w", dtype=float)
weekend = (weekday >= 5).astype(float)
linear = pd.concat([out, site, week], axis=1)
linear["weekend_rain"] = weekend * out["rain"]
for name in week:
    linear[f"promotion_{name}"] = week[name] * both["promotion"]
for name in site:
    linear[f"weekend_{name}"] = site[name] * weekend
Z = linear.to_numpy(float)
Z = (Z - Z.mean(axis=0)) / (Z.std(axis=0) + 1e-9)
trees = pd.concat([out, site], axis=1).assign(weekday=weekday, weekend=weekend, weekend_rain=weekend * out["rain"]).to_numpy(float)


def boosting(seed):
    return GradientBoostingRegressor(n_estimators=150, learning_rate=0.05, max_depth=4, subsample=0.6, max_features=0.4, min_samples_leaf=6, random_state=seed)


ridge = Ridge(alpha=10).fit(Z[:rows], y)
line = ridge.predict(Z)
with_line = np.column_stack([trees, line])
left = boosting(0).fit(with_line[:rows], y - line[:rows]).predict(with_line[rows:]) + line[rows:]
whole = boosting(1).fit(trees[:rows], y).predict(trees[rows:])
total = 0.3 * line[rows:] + 0.4 * left + 0.3 * whole
test["demand"] = np.expm1(total).clip(0)
test[["entry", "demand"]].to_csv("submission.csv", index=False)
