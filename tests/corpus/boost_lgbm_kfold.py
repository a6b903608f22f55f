"""LightGBM with out-of-fold predictions, as on Kaggle."""
import lightgbm as lgb
import numpy as np
import pandas as pd
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import KFold

N_SPLITS = 5
SEED = 42
LGB_PARAMS = {
    'objective': 'regression',
    'metric': 'rmse',
    'learning_rate': 0.05,
    'num_leaves': 31,
    'feature_fraction': 0.9,
    'bagging_fraction': 0.8,
    'bagging_freq': 5,
    'lambda_l2': 0.0,
    'min_data_in_leaf': 20,
    'verbose': -1,
    'seed': SEED,
}

train = pd.read_csv('../input/train.csv')
target = train['price']
train = train.drop(columns=['id', 'price'])

oof = np.zeros(len(train))
kf = KFold(n_splits=N_SPLITS, shuffle=True, random_state=SEED)
for fold, (tr_idx, va_idx) in enumerate(kf.split(train)):
    dtr = lgb.Dataset(train.iloc[tr_idx], target.iloc[tr_idx])
    dva = lgb.Dataset(train.iloc[va_idx], target.iloc[va_idx])
    model = lgb.train(LGB_PARAMS, dtr, num_boost_round=1000, valid_sets=[dva])
    oof[va_idx] = model.predict(train.iloc[va_idx])
print(f'CV RMSE: {np.sqrt(mean_squared_error(target, oof)):.5f}')
