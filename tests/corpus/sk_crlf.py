"""Windows line ends."""
from sklearn.datasets import load_diabetes
from sklearn.ensemble import RandomForestRegressor
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split

N_ESTIMATORS = 30
text = """several
lines"""
X, y = load_diabetes(return_X_y=True)
X_tr, X_te, y_tr, y_te = train_test_split(X, y, test_size=0.2, random_state=0)
forest = RandomForestRegressor(
    n_estimators=N_ESTIMATORS,
    max_depth=3,  # ü
    random_state=0
)
forest.fit(X_tr, y_tr)
print("r2:", r2_score(y_te, forest.predict(X_te)))
