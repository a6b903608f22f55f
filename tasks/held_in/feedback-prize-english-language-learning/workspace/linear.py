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
X = vectorizer.fit_transform(train["full_text"])
X_test = vectorizer.transform(test["full_text"])
fit_rows, valid_rows = train_test_split(np.arange(len(train)), test_size=0.25, random_state=0)

submission = test[["text_id"]].copy()
errors = []
for trait in TRAITS:
    y = train[trait].to_numpy()
    model = Ridge(alpha=5.0)
    model.fit(X[fit_rows], y[fit_rows])
    errors.append(np.sqrt(np.mean((model.predict(X[valid_rows]) - y[valid_rows]) ** 2)))
    model.fit(X, y)
    submission[trait] = model.predict(X_test)

print(f"validation mcrmse: {np.mean(errors):.4f}")
submission.to_csv("submission.csv", index=False)
