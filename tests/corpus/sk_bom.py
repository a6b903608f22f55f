from sklearn.linear_model import Lasso
from sklearn.datasets import load_diabetes
X, y = load_diabetes(return_X_y=True)
model = Lasso(alpha=0.5).fit(X[:300], y[:300])
print("r2", model.score(X[300:], y[300:]))
