"""Score pairs of phrases by the words of both and the context: TF-IDF and ridge regression."""

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

ALPHA = 3.0


def joined(frame):
    return frame["anchor"] + " versus " + frame["target"] + " in " + frame["context"]


def build_model():
    return make_pipeline(TfidfVectorizer(min_df=2), Ridge(alpha=ALPHA))


def main():
    train = pd.read_csv("data/train.csv")
    test = pd.read_csv("data/test.csv")
    X_train, X_valid, y_train, y_valid = train_test_split(joined(train), train["score"], test_size=0.25, random_state=0)
    model = build_model().fit(X_train, y_train)
    print(f"validation Pearson correlation: {np.corrcoef(y_valid, model.predict(X_valid))[0, 1]:.4f}")

    model = build_model().fit(joined(train), train["score"])
    predicted = np.clip(model.predict(joined(test)), 0, 1)
    pd.DataFrame({"id": test["id"], "score": predicted}).to_csv("submission.csv", index=False)


if __name__ == "__main__":
    main()
