"""A strong solution: bills in logarithms, deck, side and group features, boosting and a forest together."""

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingClassifier, VotingClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

BILLS = ["RoomService", "FoodCourt", "ShoppingMall", "Spa", "VRDeck"]
TEXT = ["HomePlanet", "CryoSleep", "Destination", "Deck", "Side", "DeckSide", "Route"]

train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")


def features(frame):
    out = pd.DataFrame({"Age": frame["Age"], "HomePlanet": frame["HomePlanet"], "Destination": frame["Destination"]})
    for name in BILLS:
        out[name] = np.log1p(frame[name].fillna(0))
    out["Total"] = np.log1p(frame[BILLS].fillna(0).sum(axis=1))
    sleep = frame["CryoSleep"].astype(str).where(frame["CryoSleep"].notna(), None)
    out["CryoSleep"] = sleep.fillna(pd.Series(np.where(out["Total"] > 0, "False", "True"), index=frame.index))
    cabin = frame["Cabin"].fillna("?/0/?").str.split("/", expand=True)
    out["Deck"], out["Side"] = cabin[0], cabin[2]
    out["DeckSide"] = out["Deck"] + out["Side"]
    out["Route"] = frame["HomePlanet"].fillna("?") + frame["Destination"].fillna("?")
    group = frame["PassengerId"].str[:4]
    out["Group"] = group.map(group.value_counts())
    return out


numeric = ["Age", "Total", "Group"] + BILLS
columns = make_column_transformer(
    (OneHotEncoder(handle_unknown="ignore"), TEXT), (SimpleImputer(strategy="median"), numeric)
)
model = make_pipeline(
    columns,
    VotingClassifier(
        [
            ("boosting", GradientBoostingClassifier(n_estimators=120, learning_rate=0.06, max_depth=3, subsample=0.8, random_state=0)),
            ("trees", ExtraTreesClassifier(n_estimators=150, min_samples_leaf=3, random_state=0)),
        ],
        voting="soft",
    ),
)
model.fit(features(train), train["Transported"].astype(int))
predicted = model.predict(features(test)).astype(bool)
pd.DataFrame({"PassengerId": test["PassengerId"], "Transported": predicted}).to_csv("submission.csv", index=False)
