"""Random forest with a few ratios."""

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")


def features(frame):
    X = frame.drop(columns=["claim_id", "false_claim", "region"], errors="ignore")
    X = pd.get_dummies(X, columns=["channel", "product"])
    X["ratio"] = X["amount"] / X["usual_amount"]
    X["per_document"] = X["amount"] / (1 + X["documents"])
    X["night"] = (X["hour"] < 6) | (X["hour"] > 21)
    return X.astype(float).replace([np.inf, -np.inf], np.nan).fillna(-1)


forest_settings = dict(n_estimators=80, max_depth=7, min_samples_leaf=10, random_state=42)

X, y, X_test = features(train), train["false_claim"], features(test)
X_test = X_test.reindex(columns=X.columns, fill_value=0)
X_fit, X_held, y_fit, y_held = train_test_split(X, y, test_size=0.25, stratify=y, random_state=42)

forest = RandomForestClassifier(**forest_settings)
forest.fit(X_fit, y_fit)
print("validation AUC: {:.4f}".format(roc_auc_score(y_held, forest.predict_proba(X_held)[:, 1])))

forest = RandomForestClassifier(**forest_settings)
forest.fit(X, y)
answer = pd.DataFrame({"claim_id": test["claim_id"], "false_claim": forest.predict_proba(X_test)[:, 1]})
answer.to_csv("submission.csv", index=False)
