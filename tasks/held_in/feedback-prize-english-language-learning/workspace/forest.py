"""Score essays with a forest on counts: lengths, punctuation, capital letters, common words."""

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestRegressor
from sklearn.model_selection import train_test_split

TRAITS = ["cohesion", "syntax", "vocabulary", "phraseology", "grammar", "conventions"]
TREES = 10
MAX_DEPTH = 5
MIN_SAMPLES_LEAF = 15


def count(text):
    words = text.split()
    lower = [word.strip(".,").lower() for word in words]
    sentences = [part for part in text.split(".") if part.strip()]
    return {
        "words": len(words),
        "letters": np.mean([len(word) for word in lower]),
        "long": np.mean([len(word) > 7 for word in lower]),
        "different": len(set(lower)) / len(lower),
        "sentences": len(sentences),
        "commas": text.count(",") / len(words),
        "capitals": sum(letter.isupper() for letter in text) / len(words),
        "and": lower.count("and") / len(words),
        "because": sum(lower.count(word) for word in ["because", "when", "while"]) / len(words),
    }


train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")
X = pd.DataFrame([count(text) for text in train["full_text"]])
X_test = pd.DataFrame([count(text) for text in test["full_text"]])


def fit_predict(X, y, X_new):
    predicted = pd.DataFrame(index=X_new.index, columns=TRAITS, dtype=float)
    for trait in TRAITS:
        forest = RandomForestRegressor(
            n_estimators=TREES, max_depth=MAX_DEPTH, min_samples_leaf=MIN_SAMPLES_LEAF, random_state=5
        )
        predicted[trait] = forest.fit(X, y[trait]).predict(X_new)
    return predicted


X_train, X_valid, y_train, y_valid = train_test_split(X, train[TRAITS], test_size=0.3, random_state=5)
error = fit_predict(X_train, y_train, X_valid) - y_valid
print(f"validation mcrmse: {np.sqrt((error ** 2).mean()).mean():.4f}")

predicted = fit_predict(X, train[TRAITS], X_test)
pd.concat([test["text_id"], predicted], axis=1).to_csv("submission.csv", index=False)
