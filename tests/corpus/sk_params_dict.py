from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_validate

params = {
    "n_estimators": 25,
    "max_depth": 3,
    "max_features": "sqrt",
    "bootstrap": True,
    'random_state': 0,
}
X, y = load_breast_cancer(return_X_y=True)
rf = RandomForestClassifier(**params)
out = cross_validate(rf, X, y, cv=4, scoring="roc_auc")
print("roc_auc:", out["test_score"].mean())
