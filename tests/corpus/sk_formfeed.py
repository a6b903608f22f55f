"""Sections are parted by form feeds."""
from sklearn.datasets import load_iris
from sklearn.naive_bayes import GaussianNB
from sklearn.model_selection import train_test_split

SMOOTHING = 1e-9
SPLIT = 0.5

X, y = load_iris(return_X_y=True)
X1, X2, y1, y2 = train_test_split(X, y, test_size=SPLIT, random_state=0)

nb = GaussianNB(var_smoothing=SMOOTHING)
print('accuracy', nb.fit(X1, y1).score(X2, y2))
