from sklearn.linear_model import (LogisticRegression,
                                  Ridge)
from sklearn.pipeline import (make_pipeline)
from sklearn.preprocessing import StandardScaler
import sklearn.datasets
X, y = sklearn.datasets.load_iris(return_X_y=True)
model = (make_pipeline(
    # the scaler first
    (StandardScaler()),
    (LogisticRegression(
        C = (0.1)  # small ")"
        ,
        max_iter=(200),
    ))
))
other = Ridge( )
third = LogisticRegression(# no arguments yet
)
model.fit(X[::2], y[::2]); other.fit(X[::2], y[::2])
print("accuracy", model.score(X[1::2], y[1::2]))
