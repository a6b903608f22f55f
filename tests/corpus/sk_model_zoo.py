"""Several models are tried and the best score is printed."""
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

RANDOM_STATE = 0
MODELS = [
    ("logistic", make_pipeline(StandardScaler(), LogisticRegression(C=0.01))),
    ("forest", RandomForestClassifier(n_estimators=20, random_state=RANDOM_STATE)),
    ("svc", make_pipeline(StandardScaler(), SVC(C=0.1, kernel="rbf"))),
    ("knn", KNeighborsClassifier(n_neighbors=15)),
    ("boosting", HistGradientBoostingClassifier(max_iter=10, random_state=RANDOM_STATE)),
]


def main():
    X, y = load_breast_cancer(return_X_y=True)
    best_name, best_score = None, -1.0
    for name, model in MODELS:
        score = cross_val_score(model, X, y, cv=3).mean()
        print(f"{name:10s} {score:.4f}")
        if score > best_score:
            best_name, best_score = name, score
    print(f"best: {best_name}")
    print(f"accuracy: {best_score:.4f}")


if __name__ == "__main__":
    main()
