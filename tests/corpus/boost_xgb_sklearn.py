import pandas as pd
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from xgboost import XGBClassifier

SEED = 0
df = pd.read_csv("data/train.csv")
y = df.pop("target")
X_tr, X_va, y_tr, y_va = train_test_split(df, y, test_size=0.2, random_state=SEED)
model = XGBClassifier(
    n_estimators=300,
    max_depth=4,
    learning_rate=0.1,
    subsample=0.8,
    reg_lambda=1,
    random_state=SEED,
    n_jobs=-1,
)
model.fit(X_tr, y_tr)
print("AUC", roc_auc_score(y_va, model.predict_proba(X_va)[:, 1]))
