from dataclasses import dataclass, field

from sklearn.datasets import make_classification
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split


@dataclass
class Config:
    """Everything that can be turned."""

    n_estimators: int = 30
    learning_rate: float = 0.05
    max_depth: int = 2
    subsample: float = field(default=1.0)
    seed: int = 0
    test_size: float = 0.3
    name: str = "gbm"


def run(cfg: Config) -> float:
    X, y = make_classification(n_samples=400, n_features=12, n_informative=4, random_state=cfg.seed)
    X_tr, X_te, y_tr, y_te = train_test_split(X, y, test_size=cfg.test_size, random_state=cfg.seed)
    model = GradientBoostingClassifier(
        n_estimators=cfg.n_estimators,
        learning_rate=cfg.learning_rate,
        max_depth=cfg.max_depth,
        subsample=cfg.subsample,
        random_state=cfg.seed,
    ).fit(X_tr, y_tr)
    return roc_auc_score(y_te, model.predict_proba(X_te)[:, 1])


if __name__ == "__main__":
    print(f"AUC: {run(Config()):.4f}")
