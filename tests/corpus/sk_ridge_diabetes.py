import sklearn.linear_model as lm
import sklearn.datasets as ds
from sklearn.metrics import mean_squared_error as mse
from sklearn.model_selection import train_test_split

X, y = ds.load_diabetes(return_X_y=True)
Xa, Xb, ya, yb = train_test_split(X, y, test_size=.2, random_state=7)
reg = lm.Ridge(alpha=5)
reg.fit(Xa, ya)
rmse = mse(yb, reg.predict(Xb)) ** .5
print("RMSE:", rmse)
