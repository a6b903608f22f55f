"""Score essays one trait at a time: boosting on the leading components of word counts, and on a few lengths."""

import numpy as np
import pandas as pd
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import train_test_split

TRAITS = ["cohesion", "syntax", "vocabulary", "phraseology", "grammar", "conventions"]

train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")

vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=3, sublinear_tf=True)
svd = TruncatedSVD(n_components=30, random_state=0)


def lengths(texts):
    words = texts.str.split().str.len()
    stops = texts.str.count(r"\.")
    return np.column_stack([words, words / (stops + 1), texts.str.len() / words, texts.str.count("[A-Z]") / words])


vectorizer.fit(train["full_text"])
svd.fit(vectorizer.transform(train["full_text"]))
X = np.hstack([svd.transform(vectorizer.transform(train["full_text"])), lengths(train["full_text"])])
X_test = np.hstack([svd.transform(vectorizer.transform(test["full_text"])), lengths(test["full_text"])])
fit_rows, valid_rows = train_test_split(np.arange(len(train)), test_size=0.25, random_state=0)

submission = pd.DataFrame({"text_id": test["text_id"]})
errors = []
for trait in TRAITS:
    y = train[trait].to_numpy()
    model = GradientBoostingRegressor(n_estimators=40, learning_rate=0.1, max_depth=2, max_features=0.3, random_state=0)
    model.fit(X[fit_rows], y[fit_rows])
    errors.append(np.sqrt(np.mean((model.predict(X[valid_rows]) - y[valid_rows]) ** 2)))
    submission[trait] = model.fit(X, y).predict(X_test)

print(f"validation mcrmse: {np.mean(errors):.4f}")
submission.to_csv("submission.csv", index=False)
