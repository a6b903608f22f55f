from sklearn.datasets import load_diabetes
from sklearn.ensemble import StackingRegressor, HistGradientBoostingRegressor
from sklearn.linear_model import RidgeCV, ElasticNet
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsRegressor

X, y = load_diabetes(return_X_y=True)
X0, X1, y0, y1 = train_test_split(X, y, test_size=0.25, random_state=9)
stack = StackingRegressor(
    estimators=[
        ("enet", ElasticNet(alpha=0.1, l1_ratio=0.5)),
        ("knn", KNeighborsRegressor(n_neighbors=3)),
        # boosted trees of little depth
        ("hgb", HistGradientBoostingRegressor(max_iter=20, learning_rate=0.05, random_state=9)),
    ],
    final_estimator=RidgeCV(),
)
stack.fit(X0, y0)
print("R2:", stack.score(X1, y1))
