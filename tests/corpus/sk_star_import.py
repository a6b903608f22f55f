from sklearn.ensemble import *
from sklearn.datasets import load_wine
X, y = load_wine(return_X_y=True)
model = RandomForestClassifier(10, max_depth = 2, random_state = 0)
model.fit(X[::2], y[::2])
print("accuracy", model.score(X[1::2], y[1::2]))
