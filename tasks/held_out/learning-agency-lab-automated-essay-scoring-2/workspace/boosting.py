"""Score essays by counts and by topics of their words, with gradient boosting."""

import numpy as np
import pandas as pd
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import cohen_kappa_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline


class EssayScorer:
    def __init__(self):
        self.topics = make_pipeline(TfidfVectorizer(min_df=3), TruncatedSVD(n_components=10, random_state=0))
        self.trees = GradientBoostingRegressor(n_estimators=50, learning_rate=0.05, max_depth=2, random_state=0)

    def counts(self, texts):
        words = texts.str.lower().str.split()
        return np.column_stack(
            [
                words.str.len(),
                words.map(lambda found: len(set(found))),
                words.map(lambda found: np.mean([len(word) for word in found])),
                texts.str.count(r"\."),
                texts.str.count(","),
            ]
        )

    def fit(self, texts, scores):
        self.trees.fit(np.hstack([self.counts(texts), self.topics.fit_transform(texts)]), scores)
        return self

    def predict(self, texts):
        predicted = self.trees.predict(np.hstack([self.counts(texts), self.topics.transform(texts)]))
        return np.clip(np.rint(predicted), 1, 6).astype(int)


train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")
X_train, X_valid, y_train, y_valid = train_test_split(train["full_text"], train["score"], test_size=0.25, random_state=0)
scorer = EssayScorer().fit(X_train, y_train)
print(f"validation quadratic weighted kappa: {cohen_kappa_score(y_valid, scorer.predict(X_valid), weights='quadratic'):.4f}")

scorer = EssayScorer().fit(train["full_text"], train["score"])
submission = pd.DataFrame({"essay_id": test["essay_id"], "score": scorer.predict(test["full_text"])})
submission.to_csv("submission.csv", index=False)
