"""Ridge regression on the raw sensor values."""

import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

readings = pd.read_csv("data/readings.csv")
new = pd.read_csv("data/new_readings.csv")

sensors = [name for name in readings.columns if name not in ("reading", "unit", "output")]
X, y = readings[sensors], readings["output"]
X_train, X_valid, y_train, y_valid = train_test_split(X, y, test_size=0.25, random_state=0)

model = make_pipeline(SimpleImputer(strategy="mean"), Ridge(alpha=10.0))
model.fit(X_train, y_train)
rmse = mean_squared_error(y_valid, model.predict(X_valid)) ** 0.5
print(f"validation RMSE: {rmse:.4f}")

model.fit(X, y)
pd.DataFrame({"reading": new["reading"], "output": model.predict(new[sensors])}).to_csv("submission.csv", index=False)
