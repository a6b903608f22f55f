from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_classification
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import brier_score_loss
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

X, y = make_classification(500, 15, n_informative=5, flip_y=0.1, random_state=2)
X_tr, X_te, y_tr, y_te = train_test_split(X, y, random_state=2)
scaler = StandardScaler().fit(X_tr)
base = SGDClassifier(alpha=0.1, random_state=2)
model = CalibratedClassifierCV(base, method="sigmoid", cv=3)
model.fit(scaler.transform(X_tr), y_tr)
p = model.predict_proba(scaler.transform(X_te))[:, 1]
print("brier:", brier_score_loss(y_te, p))
