"""Random forest over all columns."""

import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import OrdinalEncoder

N_ESTIMATORS = 80
MAX_DEPTH = 8
MIN_SAMPLES_LEAF = 4
MAX_FEATURES = 0.3
SEED = 0

train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")
numbers = [c for c in train if c.startswith("v")]
codes = [c for c in train if c.startswith("k")]

encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
train[codes] = encoder.fit_transform(train[codes])
test[codes] = encoder.transform(test[codes])
medians = train[numbers].median()
X = train[numbers + codes].fillna(medians)
X_test = test[numbers + codes].fillna(medians)
y = train["grade"]


def forest():
    return RandomForestClassifier(
        n_estimators=N_ESTIMATORS,
        max_depth=MAX_DEPTH,
        min_samples_leaf=MIN_SAMPLES_LEAF,
        max_features=MAX_FEATURES,
        random_state=SEED,
    )


X_train, X_valid, y_train, y_valid = train_test_split(X, y, test_size=0.25, random_state=SEED)
model = forest().fit(X_train, y_train)
print("validation accuracy: %.4f" % accuracy_score(y_valid, model.predict(X_valid)))

model = forest().fit(X, y)
pd.DataFrame({"row_id": test["row_id"], "grade": model.predict(X_test)}).to_csv("submission.csv", index=False)
