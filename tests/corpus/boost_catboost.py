from catboost import CatBoostClassifier, Pool
from lightgbm import LGBMClassifier
from sklearn.metrics import accuracy_score
import pandas as pd

train, valid = pd.read_parquet("train.pq"), pd.read_parquet("valid.pq")
cat = CatBoostClassifier(iterations=500, depth=6, learning_rate=0.05, random_seed=3, verbose=0)
gbm = LGBMClassifier(n_estimators=200, num_leaves=15, random_state=3)
cat.fit(Pool(train.drop(columns="y"), train["y"]))
gbm.fit(train.drop(columns="y"), train["y"])
proba = (cat.predict_proba(valid.drop(columns="y")) + gbm.predict_proba(valid.drop(columns="y"))) / 2
print("accuracy", accuracy_score(valid["y"], proba.argmax(1)))
