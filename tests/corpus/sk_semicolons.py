from sklearn.svm import LinearSVC; from sklearn.datasets import load_iris; import sys
from sklearn.model_selection import train_test_split
C = .01; ITERS = 500; SEED = 3
if True: X, y = load_iris(return_X_y=True); a, b, c, d = train_test_split(X, y, random_state=SEED)
clf = LinearSVC(C=C, max_iter=ITERS, random_state=SEED); clf.fit(a, c)
def report(v): print("accuracy", v); return v
report(clf.score(b, d))
