import numpy as np
import random
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

random.seed(0)
NUMERIC, CATEGORICAL = [0, 1], [2]
rows = [[random.gauss(0, 1), random.gauss(i % 2, 1), random.choice(["a", "b", "c"])] for i in range(300)]
X = np.array(rows, dtype=object)
y = np.array([i % 2 for i in range(300)])

numeric = Pipeline([("impute", SimpleImputer(strategy="mean")), ("scale", StandardScaler())])
categorical = OneHotEncoder(handle_unknown="ignore")
prep = ColumnTransformer([("num", numeric, NUMERIC), ("cat", categorical, CATEGORICAL)])
model = Pipeline([("prep", prep), ("rf", RandomForestClassifier(n_estimators=20, max_depth=2, random_state=0))])

X_tr, X_te, y_tr, y_te = train_test_split(X, y, test_size=0.3, random_state=0)
model.fit(X_tr, y_tr)
print("balanced accuracy:", balanced_accuracy_score(y_te, model.predict(X_te)))
