"""Predict the forest cover from the most similar patches."""

import pandas as pd
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier

N_NEIGHBORS = 5
COLUMNS = ["Elevation", "Aspect", "Slope", "Horizontal_Distance_To_Hydrology", "Vertical_Distance_To_Hydrology"]


def load():
    train = pd.read_csv("data/train.csv")
    test = pd.read_csv("data/test.csv")
    areas = [name for name in test.columns if name.startswith("Wilderness_Area")]
    return train[COLUMNS + areas], train["Cover_Type"], test[COLUMNS + areas], test["Id"]


def main():
    X, y, X_test, ids = load()
    X_train, X_valid, y_train, y_valid = train_test_split(X, y, test_size=0.25, random_state=0)
    model = KNeighborsClassifier(n_neighbors=N_NEIGHBORS)
    model.fit(X_train, y_train)
    print(f"validation accuracy: {accuracy_score(y_valid, model.predict(X_valid)):.4f}")

    model.fit(X, y)
    pd.DataFrame({"Id": ids, "Cover_Type": model.predict(X_test)}).to_csv("submission.csv", index=False)


if __name__ == "__main__":
    main()
