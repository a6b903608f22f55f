"""Predict who was transported with a small random forest."""

import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

N_ESTIMATORS = 20
MAX_DEPTH = 4
MIN_SAMPLES_LEAF = 25
BILLS = ["RoomService", "FoodCourt", "ShoppingMall", "Spa", "VRDeck"]


def features(frame):
    out = frame[["HomePlanet", "CryoSleep", "Destination", "Age"] + BILLS].copy()
    out["CryoSleep"] = out["CryoSleep"].astype(str)
    cabin = frame["Cabin"].str.split("/", expand=True)
    out["Deck"], out["Number"], out["Side"] = cabin[0], cabin[1].astype(float), cabin[2]
    return out


def build_model():
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["HomePlanet", "CryoSleep", "Destination", "Deck", "Side"]),
        (SimpleImputer(), ["Age", "Number"] + BILLS),
    )
    forest = RandomForestClassifier(n_estimators=N_ESTIMATORS, max_depth=MAX_DEPTH, min_samples_leaf=MIN_SAMPLES_LEAF, random_state=0)
    return make_pipeline(columns, forest)


def main():
    train = pd.read_csv("data/train.csv")
    test = pd.read_csv("data/test.csv")
    X, y = features(train), train["Transported"].astype(int)
    X_train, X_valid, y_train, y_valid = train_test_split(X, y, test_size=0.25, random_state=0)

    model = build_model().fit(X_train, y_train)
    print(f"validation accuracy: {accuracy_score(y_valid, model.predict(X_valid)):.4f}")

    model = build_model().fit(X, y)
    predicted = model.predict(features(test)).astype(bool)
    pd.DataFrame({"PassengerId": test["PassengerId"], "Transported": predicted}).to_csv("submission.csv", index=False)


if __name__ == "__main__":
    main()
