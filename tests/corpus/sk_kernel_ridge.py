import numpy as np
from sklearn.kernel_ridge import KernelRidge
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import HuberRegressor
from sklearn.pipeline import make_pipeline

rng = np.random.RandomState(0)
X = np.sort(5 * rng.rand(120, 1), axis=0)
y = np.sin(X).ravel() + 0.2 * rng.randn(120)
kr = KernelRidge(alpha=1.0, kernel="rbf", gamma=0.1)
ny = make_pipeline(Nystroem(gamma=0.1, n_components=10, random_state=0), HuberRegressor(alpha=0.01))
kr.fit(X[::2], y[::2]); ny.fit(X[::2], y[::2])
print("r2:", max(kr.score(X[1::2], y[1::2]), ny.score(X[1::2], y[1::2])))
