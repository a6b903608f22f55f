"""Rate a review like the most similar ones."""

import pandas as pd
from scipy.stats import pearsonr
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline

reviews = pd.read_csv("data/reviews.csv")
unrated = pd.read_csv("data/unrated.csv")

model = make_pipeline(
    TfidfVectorizer(),
    TruncatedSVD(n_components=20, random_state=0),
    KNeighborsRegressor(n_neighbors=7),
)

known, held = train_test_split(reviews, test_size=0.25, random_state=0)
model.fit(known["text"], known["rating"])
print(f"validation pearson: {pearsonr(held['rating'], model.predict(held['text']))[0]:.4f}")

model.fit(reviews["text"], reviews["rating"])
unrated["rating"] = model.predict(unrated["text"])
unrated[["review", "rating"]].to_csv("submission.csv", index=False)
