"""Wine cultivars with a random forest."""
import numpy as np
from sklearn import datasets, metrics
from sklearn.ensemble import RandomForestClassifier as Forest
from sklearn.model_selection import cross_val_score, StratifiedKFold

SEED = 13
N_TREES = 40
MAX_DEPTH = 4

wine = datasets.load_wine()
forest = Forest(
    n_estimators=N_TREES,
    max_depth=MAX_DEPTH,      # shallow on purpose
    min_samples_leaf=3,
    random_state=SEED,
)
folds = StratifiedKFold(n_splits=5, shuffle=True, random_state=SEED)
scores = cross_val_score(forest, wine.data, wine.target, cv=folds)
print(f"cv accuracy = {np.mean(scores):.4f} +/- {scores.std():.4f}")
