"""Ridge regression on word counts."""

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import Ridge
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline

ALPHA = 1.0
MIN_DF = 1
SEED = 5


def make_model():
    return Pipeline([("counts", CountVectorizer(min_df=MIN_DF)), ("ridge", Ridge(alpha=ALPHA))])


def texts(frame):
    return (frame["category"] + " " + frame["text"]).tolist()


def correlation(a, b):
    return np.corrcoef(a, b)[0, 1]


def main():
    reviews = pd.read_csv("data/reviews.csv")
    fit, check = train_test_split(reviews, test_size=0.3, random_state=SEED)
    model = make_model().fit(texts(fit), fit["rating"])
    print(f"validation pearson: {correlation(check['rating'], model.predict(texts(check))):.4f}")

    model = make_model().fit(texts(reviews), reviews["rating"])
    unrated = pd.read_csv("data/unrated.csv")
    unrated["rating"] = model.predict(texts(unrated)).clip(0, 10)
    unrated[["review", "rating"]].to_csv("submission.csv", index=False)


if __name__ == "__main__":
    main()
