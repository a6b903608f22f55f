"""The guild from a member's own profile, with a logistic regression."""

import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

members = pd.read_csv("data/members.csv").set_index("member")
train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")

X = members.loc[train["member"]]
y = train["guild"]
X_train, X_valid, y_train, y_valid = train_test_split(X, y, test_size=0.25, random_state=0)

model = make_pipeline(SimpleImputer(), MinMaxScaler(), LogisticRegression(C=0.1))
model.fit(X_train, y_train)
print(f"validation accuracy: {accuracy_score(y_valid, model.predict(X_valid)):.4f}")

model.fit(X, y)
test["guild"] = model.predict(members.loc[test["member"]])
test.to_csv("submission.csv", index=False)
