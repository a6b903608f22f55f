"""Name the species of a leaf with a logistic regression on all measurements."""

import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")

X = train.drop(columns=["id", "species"])
y = train["species"]
X_train, X_valid, y_train, y_valid = train_test_split(X, y, test_size=0.3, stratify=y, random_state=0)

model = make_pipeline(LogisticRegression(C=5.0, max_iter=30))
model.fit(X_train, y_train)
print(f"validation log loss: {log_loss(y_valid, model.predict_proba(X_valid), labels=model.classes_):.4f}")

model.fit(X, y)
submission = pd.DataFrame(model.predict_proba(test.drop(columns="id")), columns=model.classes_)
submission.insert(0, "id", test["id"])
submission.to_csv("submission.csv", index=False)
