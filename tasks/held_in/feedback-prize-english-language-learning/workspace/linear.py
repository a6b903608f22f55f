"""Score essays with ridge regression on word weights."""

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge
from sklearn.model_selection import train_test_split

TRAITS = ["cohesion", "syntax", "vocabulary", "phraseology", "grammar", "conventions"]

train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")

vectorizer = TfidfVectorizer(stop_words="english", min_df=5)
fitted, held = train_test_split(train, test_size=0.25, random_state=0)
X_fitted = vectorizer.fit_transform(fitted["full_text"])
X_held = vectorizer.transform(held["full_text"])
X = vectorizer.fit_transform(train["full_text"])
X_test = vectorizer.transform(test["full_text"])

submission = test[["text_id"]].copy()
errors = []
for trait in TRAITS:
    model = Ridge(alpha=5.0)
    model.fit(X_fitted, fitted[trait])
    errors.append(np.sqrt(np.mean((model.predict(X_held) - held[trait]) ** 2)))
    model.fit(X, train[trait])
    submission[trait] = model.predict(X_test)

print(f"validation mcrmse: {np.mean(errors):.4f}")
submission.to_csv("submission.csv", index=False)
