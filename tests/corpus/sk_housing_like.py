# %% [markdown]
# # Prices
# A notebook turned into a script.

# %%
import numpy as np
from sklearn.ensemble import RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.metrics import mean_squared_log_error
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler, OneHotEncoder

# %%
rng = np.random.default_rng(7)
area = rng.uniform(30, 200, 400)
rooms = rng.integers(1, 6, 400)
age = rng.uniform(0, 80, 400)
price = 1000 * area * (1 + 0.1 * rooms) * np.exp(-age / 100) * rng.lognormal(0, 0.1, 400)
X = np.column_stack([area, rooms, age])
X[rng.random(X.shape) < 0.02] = np.nan

# %%
X_tr, X_te, y_tr, y_te = train_test_split(X, price, test_size=0.25, random_state=7)
model = Pipeline([
    ("impute", SimpleImputer(strategy="median")),
    ("scale", StandardScaler()),
    ("forest", RandomForestRegressor(n_estimators=15, max_depth=4, random_state=7)),
])
model.fit(X_tr, y_tr)

# %%
rmsle = np.sqrt(mean_squared_log_error(y_te, np.maximum(model.predict(X_te), 0)))
print("RMSLE: {:.5f}".format(rmsle))
