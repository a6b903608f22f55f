"""Take prices from the Ids: neighbours by Id, and a forest on Id, row number and the last digits."""

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestRegressor
from sklearn.neighbors import KNeighborsRegressor

train = pd.read_csv("data/train.csv", usecols=["Id", "SalePrice"])
test = pd.read_csv("data/test.csv", usecols=["Id"])


def traces(frame):
    return pd.DataFrame({"id": frame["Id"], "row": np.arange(len(frame)), "last": frame["Id"] % 10, "odd": frame["Id"] % 2})


near = KNeighborsRegressor(15).fit(train[["Id"]], train["SalePrice"]).predict(test[["Id"]])
forest = RandomForestRegressor(60, min_samples_leaf=10, random_state=0).fit(traces(train), train["SalePrice"])
test["SalePrice"] = (near + forest.predict(traces(test))) / 2
test.to_csv("submission.csv", index=False)
