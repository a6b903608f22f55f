"""Name the species of a leaf: principal components of the scaled measurements, then a logistic regression."""

import pandas as pd
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler


class LeafClassifier:
    def __init__(self, components=80):
        self.model = Pipeline(
            [
                ("scale", StandardScaler()),
                ("components", PCA(n_components=components, random_state=0)),
                ("classifier", LogisticRegression(C=0.3, max_iter=50)),
            ]
        )

    def fit(self, X, y):
        self.model.fit(X, y)
        return self

    def predict(self, X):
        return pd.DataFrame(self.model.predict_proba(X), columns=self.model.classes_, index=X.index)


train = pd.read_csv("data/train.csv", index_col="id")
test = pd.read_csv("data/test.csv", index_col="id")
X, y = train.drop(columns="species"), train["species"]

X_fit, X_held, y_fit, y_held = train_test_split(X, y, test_size=0.3, stratify=y, random_state=1)
guess = LeafClassifier().fit(X_fit, y_fit).predict(X_held)
print(f"validation log loss: {log_loss(y_held, guess.to_numpy(), labels=list(guess.columns)):.4f}")

LeafClassifier().fit(X, y).predict(test).to_csv("submission.csv")
