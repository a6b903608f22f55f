from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.preprocessing import StandardScaler
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

X, y = load_breast_cancer(return_X_y=True)
X_tr, X_te, y_tr, y_te = train_test_split(X, y, random_state=0)
pipe = Pipeline([("sc", StandardScaler()), ("lr", LogisticRegression(max_iter=300))])
search = GridSearchCV(pipe, {"lr__C": [0.001, 0.01]}, cv=3)
search.fit(X_tr, y_tr)
print("accuracy:", search.score(X_te, y_te), search.best_params_)
