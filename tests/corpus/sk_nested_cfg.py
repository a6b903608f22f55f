CFG = {
    "model": {"depth": 3, "leaf": 10, "criterion": "gini"},
    "data": {"seed": 1, "test_size": 0.4},
}

from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.tree import DecisionTreeClassifier

m = CFG["model"]
X, y = load_wine(return_X_y=True)
Xa, Xb, ya, yb = train_test_split(X, y, test_size=CFG["data"]["test_size"], random_state=CFG["data"]["seed"])
tree = DecisionTreeClassifier(
    max_depth=CFG["model"]["depth"], min_samples_leaf=m["leaf"], criterion=CFG["model"]["criterion"], random_state=0
)
print("acc=%f" % tree.fit(Xa, ya).score(Xb, yb))
