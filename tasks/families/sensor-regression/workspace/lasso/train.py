"""Fit a lasso on the readings and predict the new ones."""

import numpy as np
from sensors import Cleaner, load
from sklearn.linear_model import Lasso

config = {}
with open("config.yaml") as file:
    for line in file:
        if ":" in line and not line.startswith("#"):
            name, value = line.split(":")
            config[name.strip()] = float(value)


def fit(table):
    cleaner = Cleaner(config["clip"]).fit(table)
    model = Lasso(alpha=config["alpha"], max_iter=int(config["max_iter"]))
    model.fit(cleaner.transform(table), table["output"])
    return lambda other: model.predict(cleaner.transform(other))


readings = load("data/readings.csv").sample(frac=1, random_state=5)
new = load("data/new_readings.csv")

cut = int(len(readings) * config["valid_share"])
predict = fit(readings[cut:])
error = predict(readings[:cut]) - readings["output"][:cut]
print(f"validation RMSE: {np.sqrt((error ** 2).mean()):.4f}")

predict = fit(readings)
new["output"] = predict(new)
new[["reading", "output"]].to_csv("submission.csv", index=False)
