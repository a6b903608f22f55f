from sklearn.datasets import load_digits
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import BernoulliNB
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import Binarizer

X, y = load_digits(return_X_y=True)
X_tr, X_te, y_tr, y_te = train_test_split(X, y, random_state=0)
model = Pipeline([
    ('select', SelectKBest(f_classif, k=10)),
    ('binary', Binarizer(threshold=4)),
    ('nb', BernoulliNB(alpha=1.0)),
])
model.fit(X_tr, y_tr)
print(f'accuracy: {model.score(X_te, y_te):.4f}')
