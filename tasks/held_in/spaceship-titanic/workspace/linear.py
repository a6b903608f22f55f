"""Predict who was transported with a logistic regression on the numeric columns."""

import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

NUMERIC = ["Age", "RoomService", "FoodCourt", "ShoppingMall", "Spa", "VRDeck"]

train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")

X = train[NUMERIC]
y = train["Transported"].astype(int)
X_train, X_valid, y_train, y_valid = train_test_split(X, y, test_size=0.25, random_state=0)

model = make_pipeline(SimpleImputer(strategy="mean"), LogisticRegression(C=0.01, max_iter=200))
model.fit(X_train, y_train)
print(f"validation accuracy: {accuracy_score(y_valid, model.predict(X_valid)):.4f}")

model.fit(X, y)
submission = pd.DataFrame({"PassengerId": test["PassengerId"], "Transported": model.predict(test[NUMERIC]).astype(bool)})
submission.to_csv("submission.csv", index=False)
