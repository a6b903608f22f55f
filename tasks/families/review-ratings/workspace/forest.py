"""A random forest on the words that go with the rating most, and on the category."""

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestRegressor
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

params = {
    "n_estimators": 50,
    "max_depth": 6,
    "min_samples_leaf": 2,
    "max_features": 0.5,
    "k": 40,
}


class RatingForest:
    def __init__(self, params):
        columns = ColumnTransformer([
            ("words", CountVectorizer(min_df=3), "text"),
            ("category", OneHotEncoder(handle_unknown="ignore"), ["category"]),
        ])
        forest = RandomForestRegressor(
            n_estimators=params["n_estimators"],
            max_depth=params["max_depth"],
            min_samples_leaf=params["min_samples_leaf"],
            max_features=params["max_features"],
            random_state=0,
        )
        self.pipeline = make_pipeline(columns, SelectKBest(f_regression, k=params["k"]), forest)

    def fit(self, frame):
        self.pipeline.fit(frame[["text", "category"]], frame["rating"])
        return self

    def predict(self, frame):
        return self.pipeline.predict(frame[["text", "category"]])


reviews = pd.read_csv("data/reviews.csv")
unrated = pd.read_csv("data/unrated.csv")
train_part, valid_part = train_test_split(reviews, test_size=0.25, random_state=1)
predicted = RatingForest(params).fit(train_part).predict(valid_part)
print(f"validation pearson: {np.corrcoef(valid_part['rating'], predicted)[0, 1]:.4f}")

unrated["rating"] = RatingForest(params).fit(reviews).predict(unrated)
unrated[["review", "rating"]].to_csv("submission.csv", index=False)
