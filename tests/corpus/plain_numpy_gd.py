"""Logistic regression by hand."""
import numpy as np

LR = 0.01
EPOCHS = 50
BATCH_SIZE = 32
L2 = 0.0
MOMENTUM = 0.0
HIDDEN = 16
DROPOUT = 0.0
SEED = 1
N_SAMPLES = 500
THRESHOLD = 0.5
DEBUG = False
USE_BIAS = True

rng = np.random.default_rng(SEED)
X = rng.normal(size=(N_SAMPLES, 4))
y = (X @ np.array([1.0, -2.0, 0.5, 0.0]) + 0.3 * rng.normal(size=N_SAMPLES) > 0).astype(float)
w, b, v = np.zeros(4), 0.0, np.zeros(4)
for epoch in range(EPOCHS):
    order = rng.permutation(400)
    for start in range(0, 400, BATCH_SIZE):
        rows = order[start : start + BATCH_SIZE]
        p = 1 / (1 + np.exp(-(X[rows] @ w + b)))
        grad = X[rows].T @ (p - y[rows]) / len(rows) + L2 * w
        v = MOMENTUM * v - LR * grad
        w += v
        if USE_BIAS:
            b -= LR * (p - y[rows]).mean()
    if DEBUG:
        print("epoch", epoch)
predicted = 1 / (1 + np.exp(-(X[400:] @ w + b))) > THRESHOLD
print("accuracy:", (predicted == y[400:]).mean())
