"""Predict who was transported with gradient boosting, deck and side taken from the cabin."""

import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

BILLS = ["RoomService", "FoodCourt", "ShoppingMall", "Spa", "VRDeck"]
TEXT = ["HomePlanet", "CryoSleep", "Destination", "Deck", "Side"]

train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")


def features(frame):
    out = frame[["HomePlanet", "Destination", "Age"] + BILLS].copy()
    out["CryoSleep"] = frame["CryoSleep"].astype(str)
    cabin = frame["Cabin"].str.split("/", expand=True)
    out["Deck"], out["Side"] = cabin[0], cabin[2]
    out["Total"] = out[BILLS].fillna(0).sum(axis=1)
    return out


def build_model():
    return make_pipeline(
        make_column_transformer(
            (OneHotEncoder(handle_unknown="ignore"), TEXT),
            (SimpleImputer(strategy="median"), ["Age", "Total"] + BILLS),
        ),
        GradientBoostingClassifier(n_estimators=60, learning_rate=0.05, max_depth=3, random_state=0),
    )


X, y = features(train), train["Transported"].astype(int)
X_train, X_valid, y_train, y_valid = train_test_split(X, y, test_size=0.25, random_state=0)
model = build_model().fit(X_train, y_train)
print(f"validation accuracy: {accuracy_score(y_valid, model.predict(X_valid)):.4f}")

model = build_model().fit(X, y)
predicted = model.predict(features(test)).astype(bool)
pd.DataFrame({"PassengerId": test["PassengerId"], "Transported": predicted}).to_csv("submission.csv", index=False)
