from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
d = load_breast_cancer()
a, b, c, e = train_test_split(d.data, d.target, random_state=1)
clf = make_pipeline(MinMaxScaler(), KNeighborsClassifier(7, weights='uniform'))
clf.fit(a, c); print('val_acc', clf.score(b, e))
