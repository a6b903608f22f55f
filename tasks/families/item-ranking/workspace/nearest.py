"""What the visitors of the most similar visits took."""

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

visits = pd.read_csv("data/visits_train.csv")
test = pd.read_csv("data/visits_test.csv")

for frame in (visits, test):
    frame["last"] = frame["seen"].str.split(" ").str[-1]
    frame["search"] = frame["search"].fillna("none")
    frame["budget"] = np.log(frame["budget"])

text = ["region", "search", "last", "weekday"]
numbers = ["budget"]
columns = make_column_transformer(
    (OneHotEncoder(handle_unknown="ignore"), text),
    (SimpleImputer(strategy="median"), numbers),
)
model = make_pipeline(columns, KNeighborsClassifier(n_neighbors=20))


def best(model, X):
    order = np.argsort(-model.predict_proba(X), axis=1, kind="stable")[:, :5]
    return model.classes_[order]


train_part, valid_part = train_test_split(visits, test_size=0.25, random_state=0)
model.fit(train_part[text + numbers], train_part["item"])
hits = best(model, valid_part[text + numbers]) == valid_part["item"].to_numpy()[:, None]
print(f"validation MAP@5: {(hits / np.arange(1, 6)).sum(axis=1).mean():.4f}")

model.fit(visits[text + numbers], visits["item"])
test["item"] = [" ".join(row) for row in best(model, test[text + numbers])]
test[["visit", "item"]].to_csv("submission.csv", index=False)
