import numpy as np
import xgboost as xgb

params = dict(
    objective="reg:squarederror",
    eta=0.3,
    max_depth=6,
    subsample=1.0,
    seed=1,
)
data = np.load("x.npz")
dtrain = xgb.DMatrix(data["x"], label=data["y"])
dvalid = xgb.DMatrix(data["xv"], label=data["yv"])
booster = xgb.train(params, dtrain, num_boost_round=100, evals=[(dvalid, "valid")], verbose_eval=10)
pred = booster.predict(dvalid)
print("rmse: %.4f" % np.sqrt(np.mean((pred - data["yv"]) ** 2)))
