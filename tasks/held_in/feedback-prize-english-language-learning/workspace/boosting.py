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


def features(texts):
    return np.hstack([svd.transform(vectorizer.transform(texts)), lengths(texts)])


fitted, held = train_test_split(train, test_size=0.25, random_state=0)
svd.fit(vectorizer.fit_transform(fitted["full_text"]))
X_fitted, X_held = features(fitted["full_text"]), features(held["full_text"])
svd.fit(vectorizer.fit_transform(train["full_text"]))
X, X_test = features(train["full_text"]), features(test["full_text"])

submission = pd.DataFrame({"text_id": test["text_id"]})
errors = []
for trait in TRAITS:
    model = GradientBoostingRegressor(n_estimators=40, learning_rate=0.1, max_depth=2, max_features=0.3, random_state=0)
    model.fit(X_fitted, fitted[trait])
    errors.append(np.sqrt(np.mean((model.predict(X_held) - held[trait]) ** 2)))
    submission[trait] = model.fit(X, train[trait]).predict(X_test)

print(f"validation mcrmse: {np.mean(errors):.4f}")
submission.to_csv("submission.csv", index=False)
