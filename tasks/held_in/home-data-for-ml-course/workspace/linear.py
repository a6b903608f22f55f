# House prices: ridge regression on a few numeric columns.
import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

columns = ["LotArea", "LotFrontage", "OverallCond", "YearBuilt", "YearRemodAdd", "1stFlrSF", "2ndFlrSF", "BsmtFinSF1",
           "TotRmsAbvGrd", "BedroomAbvGr", "FullBath", "Fireplaces", "GarageArea", "WoodDeckSF", "MoSold", "YrSold"]

train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")
X, y = train[columns], train["SalePrice"]
X_train, X_valid, y_train, y_valid = train_test_split(X, y, test_size=0.2, random_state=1)

model = make_pipeline(SimpleImputer(), MinMaxScaler(), Ridge(alpha=30.0))
model.fit(X_train, y_train)
print(f"validation mae: {mean_absolute_error(y_valid, model.predict(X_valid)):.1f}")

model.fit(X, y)
pd.DataFrame({"Id": test["Id"], "SalePrice": model.predict(test[columns])}).to_csv("submission.csv", index=False)
