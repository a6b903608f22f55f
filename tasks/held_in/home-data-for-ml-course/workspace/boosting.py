"""House prices: gradient boosting on the logarithm of the price."""

import numpy as np
import pandas as pd
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import train_test_split

PARAMS = {"n_estimators": 80, "learning_rate": 0.07, "max_depth": 3, "min_samples_leaf": 5, "random_state": 7}
GRADES = {"Po": 1, "Fa": 2, "TA": 3, "Gd": 4, "Ex": 5}

train = pd.read_csv("data/train.csv", index_col="Id")
test = pd.read_csv("data/test.csv", index_col="Id")


NUMBERS = pd.concat([train.drop(columns="SalePrice"), test]).select_dtypes("number").columns


def prepare(frame, known):
    out = frame[NUMBERS].copy()
    for name in ["ExterQual", "KitchenQual", "BsmtQual", "HeatingQC", "FireplaceQu"]:
        out[name] = frame[name].map(GRADES).fillna(0)
    out["CentralAir"] = (frame["CentralAir"] == "Y").astype(int)
    prices = np.log(known["SalePrice"]).groupby(known["Neighborhood"]).mean()
    out["Neighborhood"] = frame["Neighborhood"].map(prices)
    return out.fillna(out.median()).fillna(0)


fitted, held = train_test_split(train, test_size=0.2, random_state=7)
model = GradientBoostingRegressor(**PARAMS)
model.fit(prepare(fitted, fitted), np.log(fitted["SalePrice"]))
print(f"validation mae: {mean_absolute_error(held['SalePrice'], np.exp(model.predict(prepare(held, fitted)))):.1f}")

model.fit(prepare(train, train), np.log(train["SalePrice"]))
prices = np.exp(model.predict(prepare(test, train)))
pd.DataFrame({"Id": test.index, "SalePrice": prices}).to_csv("submission.csv", index=False)
