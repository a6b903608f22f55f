"""Logistic regression on the measurements."""

import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")

columns = [c for c in train.columns if c.startswith("v")]
X = train[columns]
y = train["grade"]
X_train, X_valid, y_train, y_valid = train_test_split(X, y, test_size=0.25, random_state=1)

model = make_pipeline(SimpleImputer(strategy="mean"), MinMaxScaler(), LogisticRegression(C=0.1, max_iter=300))
model.fit(X_train, y_train)
print(f"validation accuracy: {accuracy_score(y_valid, model.predict(X_valid)):.4f}")

model.fit(X, y)
out = pd.DataFrame({"row_id": test["row_id"], "grade": model.predict(test[columns])})
out.to_csv("submission.csv", index=False)
