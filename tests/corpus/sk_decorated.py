import functools
import time
from sklearn.datasets import load_wine
from sklearn.ensemble import BaggingClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import RobustScaler


def timed(repeats=1):
    def wrap(fn):
        @functools.wraps(fn)
        def inner(*a, **k):
            start = time.time()
            out = fn(*a, **k)
            print("took", round(time.time() - start, 2) > 99)
            return out
        return inner
    return wrap


@timed(repeats=1)
def fit(k=5, *, bags=10, share=0.7):
    X, y = load_wine(return_X_y=True)
    X = RobustScaler().fit_transform(X)
    model = BaggingClassifier(KNeighborsClassifier(n_neighbors=k), n_estimators=bags, max_samples=share, random_state=1)
    model.fit(X[::2], y[::2])
    return model.score(X[1::2], y[1::2])


print("accuracy:", fit())
