"""Predict the forest cover from the terrain with a logistic regression."""

import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")

terrain = [name for name in test.columns if not name.startswith(("Id", "Soil_Type", "Wilderness_Area"))]
X, y = train[terrain], train["Cover_Type"]
X_train, X_valid, y_train, y_valid = train_test_split(X, y, test_size=0.25, random_state=0)

model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=200))
model.fit(X_train, y_train)
print(f"validation accuracy: {accuracy_score(y_valid, model.predict(X_valid)):.4f}")

model.fit(X, y)
submission = pd.DataFrame({"Id": test["Id"], "Cover_Type": model.predict(test[terrain])})
submission.to_csv("submission.csv", index=False)
