import math
import random

from sklearn.linear_model import LinearRegression
from sklearn.metrics import mean_squared_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures

DEGREE = 1
N_SAMPLES = 200
NOISE = 0.1
rng = random.Random(0)
xs = [[rng.uniform(-2, 2)] for _ in range(N_SAMPLES)]
ys = [math.sin(2 * x[0]) + rng.gauss(0, NOISE) for x in xs]
train, test = slice(0, 150), slice(150, None)
model = make_pipeline(PolynomialFeatures(degree=DEGREE), LinearRegression())
model.fit(xs[train], ys[train])
print("mse", mean_squared_error(ys[test], model.predict(xs[test])))
