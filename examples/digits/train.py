"""Train a classifier of handwritten digits and print how many validation pictures it gets right."""

from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score
from sklearn.pipeline import make_pipeline

from data import SEED, load

# 64 pixels are many for a thousand pictures, so only the main components go into the forest.
N_COMPONENTS = 6
N_ESTIMATORS = 10
MAX_DEPTH = 6


def build_model():
    return make_pipeline(
        PCA(n_components=N_COMPONENTS, random_state=SEED),
        RandomForestClassifier(
            n_estimators=N_ESTIMATORS,
            max_depth=MAX_DEPTH,
            min_samples_leaf=5,
            random_state=SEED,
        ),
    )


def main():
    X_train, X_valid, y_train, y_valid = load()
    print(f"{len(X_train)} pictures to train on, {len(X_valid)} held out")

    model = build_model()
    model.fit(X_train, y_train)

    print(f"train accuracy: {accuracy_score(y_train, model.predict(X_train)):.4f}")
    print(f"validation accuracy: {accuracy_score(y_valid, model.predict(X_valid)):.4f}")


if __name__ == "__main__":
    main()
